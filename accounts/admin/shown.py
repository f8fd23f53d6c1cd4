"""How pages show times, waits and words of ours. Everything that people wrote is left to Django's own escaping."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.text import timestamp

TONES = {
    "pending": "wait",
    "verifying": "busy",
    "disputed": "alarm",
    "completed": "good",
    "rejected": "bad",
    "cancelled": "calm",
    "expired": "calm",
    "open": "alarm",
    "taken": "busy",
    "resolved": "good",
    "available": "good",
    "busy": "wait",
    "away": "calm",
    "online": "good",
    "idle": "wait",
    "offline": "calm",
    "ready": "wait",
    "sending": "busy",
    "sent": "busy",
    "delivered": "good",
    "read": "good",
    "dropped": "calm",
    "failed": "bad",
}


def when(at: datetime | None) -> SafeString | str:
    """The moment, in UTC until the page's script has written it in the reader's own time zone."""
    if at is None:
        return "–"
    return format_html('<time datetime="{}">{} UTC</time>', timestamp(at), f"{at.astimezone(UTC):%d %b %Y, %H:%M}")


def since(at: datetime | None) -> SafeString | str:
    """How long ago, with the moment itself behind it."""
    if at is None:
        return "–"
    return format_html('<time datetime="{}" data-keep>{}</time>', timestamp(at), duration(timezone.now() - at))


def until(at: datetime | None) -> SafeString | str:
    """How long there is still to go."""
    if at is None:
        return "–"
    left = at - timezone.now()
    text = f"in {duration(left)}" if left > timedelta(0) else f"{duration(-left)} ago"
    return format_html('<time datetime="{}" data-keep>{}</time>', timestamp(at), text)


def duration(span: timedelta | None) -> str:
    """In the two units that matter at its size: 45 s, 12 min, 3 h 5 min, 2 d 4 h."""
    if span is None:
        return "–"
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60 % 60, seconds // 3600 % 24, seconds // 86400
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min"


def badge(word: str | None) -> SafeString | str:
    """One of our own words in its colour, which never says more than the word does."""
    if not word:
        return "–"
    return format_html('<span class="badge {}">{}</span>', TONES.get(word, "calm"), word.replace("_", " "))


def facts(detail: Mapping[str, Any]) -> SafeString:
    """The details of an audit entry, one after the other; what is empty is left out."""
    told = [(name.replace("_", " "), _told(value)) for name, value in detail.items() if value not in ("", None)]
    return format_html_join("", '<span class="fact"><span class="quiet">{}</span> <bdi>{}</bdi></span> ', told)


def _told(value: Any) -> str:
    """What was and what is, where both were written down."""
    if isinstance(value, list):
        return " → ".join("nothing" if part in ("", None) else str(part) for part in value)
    return str(value)
