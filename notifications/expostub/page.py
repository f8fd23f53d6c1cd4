"""
The page that shows the phones, and the files it needs. It is whole without JavaScript, which then only keeps it up to
date (static/phones.js makes the same elements). Whatever a push says is text here.
"""

from collections.abc import Mapping
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

STATIC = Path(__file__).parent / "static"
FILES = {
    "/phones.css": "text/css; charset=utf-8",
    "/phones.js": "text/javascript; charset=utf-8",
    "/icon.svg": "image/svg+xml",
}
HTML = "text/html; charset=utf-8"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def file(path: str) -> tuple[bytes, str] | None:
    """A file of the page and its type."""
    return ((STATIC / path[1:]).read_bytes(), FILES[path]) if path in FILES else None


def render(shown: Mapping[str, Any], command: str = "") -> bytes:
    """`command`: what to type for a push to arrive."""
    phones = "".join(_phone(phone) for phone in shown["phones"])
    faults = "".join(f"<li>{escape(fault['kind'])} × {fault['times']}</li>" for fault in shown["faults"])
    page = (STATIC / "phones.html").read_text(encoding="utf-8")
    for mark, value in {
        "<!-- summary -->": summary(shown),
        "data-empty": "hidden" if phones else "",
        "data-faultless": "" if faults else "hidden",
        "data-commandless": "" if command else "hidden",
        "<!-- command -->": escape(command),
        "<!-- faults -->": faults,
        "<!-- phones -->": phones,  # last, as its texts may hold anything
    }.items():
        page = page.replace(mark, value, 1)
    return page.encode()


def summary(shown: Mapping[str, Any]) -> str:
    accepted, refused = shown["accepted"], shown["refused"]
    pushes = f"{accepted:,} push" if accepted == 1 else f"{accepted:,} pushes"
    return f"{pushes} accepted, {refused:,} refused"


def _phone(phone: Mapping[str, Any]) -> str:
    count = "1 push" if phone["count"] == 1 else f"{phone['count']:,} pushes"
    lines = "".join(_silent(line) if line["silent"] else _line(line) for line in phone["lines"])
    hidden = "" if phone["badge"] else " hidden"
    return (
        f'<article class="phone"><header><span class="app"><img src="/icon.svg" alt="">'
        f'<span class="badge" aria-hidden="true"{hidden}>{phone["badge"]}</span></span>'
        f'<div><h2>{escape(phone["name"])}</h2><p class="count">{count}, badge {phone["badge"]}</p></div></header>'
        f'<ol class="lines">{lines}</ol></article>'
    )


def _line(line: Mapping[str, Any]) -> str:
    return (
        f'<li class="push"><p class="title"><b dir="auto">{escape(line["title"])}</b>{_time(line)}</p>'
        f'<p class="body" dir="auto">{escape(line["body"])}</p></li>'
    )


def _silent(line: Mapping[str, Any]) -> str:
    return f'<li class="silent"><span>Silent: badge {line["badge"]}</span>{_time(line)}</li>'


def _time(line: Mapping[str, Any]) -> str:
    at = datetime.fromisoformat(line["at"]).astimezone()
    return f'<time datetime="{escape(line["at"])}">{at:%H:%M:%S}</time>'
