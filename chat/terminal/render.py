"""Turns notices and messages into lines for a terminal; every word from outside passes through `safe`."""

from datetime import datetime

from chat.terminal import safe, system
from chat.terminal.frames import Frame
from chat.terminal.notices import (
    Deleted,
    Edited,
    Message,
    Presence,
    Receipts,
    Refused,
    ServerError,
    Typing,
    text_of,
)

Line = list[tuple[str, str]]
"""Styled pieces; joined without their styles they are the plain line."""

DIM, BOLD, OWN, BAD = "ansibrightblack", "bold", "ansicyan bold", "ansired"
STATUSES = {"online": "is online", "idle": "is away", "offline": "is offline"}
NAMES_SHOWN = 3


def plain(line: Line) -> str:
    return "".join(text for _, text in line)


def note(text: str, style: str = DIM) -> Line:
    """A line of the client's own. Text from others in it must be safe already."""
    return [(style, f"      {text}")]


def clock(stamp: str | None, today: datetime | None = None) -> str:
    """Local time, with the day when it is not today's; a time that cannot be read is left out."""
    try:
        at = datetime.fromisoformat((stamp or "").replace("Z", "+00:00")).astimezone()
    except (ValueError, OverflowError):
        return "--:--"
    today = today or datetime.now().astimezone()
    return at.strftime("%H:%M" if at.date() == today.date() else "%d %b %H:%M")


def name_of(person: Frame | None, me: str) -> str:
    """The name with its role for staff."""
    if person is None:
        return "System"
    if person.get("id") == me:
        return "You"
    name = safe.one_line(text_of(person.get("display_name"))) or "Somebody"
    badge = system.ROLES.get(text_of(person.get("role")))
    return f"{name} [{badge}]" if badge else name


def message(shown: Frame, me: str) -> Line:
    """One message: time, name with role, text; further lines of a body are indented so they cannot pose as others."""
    at = clock(shown.get("created_at"))
    if shown.get("kind") == "system" or shown.get("sender") is None:
        return [(DIM, f"{at} · {safe.one_line(system.sentence(shown))}")]
    own = shown["sender"].get("id") == me
    head: Line = [(DIM, f"{at} "), (OWN if own else BOLD, name_of(shown["sender"], me)), ("", ": ")]
    tail = " ✓" if own else ""
    if shown.get("deleted_at"):
        return [*head, (DIM, "(deleted)")]
    if shown.get("edited_at"):
        tail = f" (edited){tail}"
    return [*head, ("", _body(shown)), (DIM, tail)]


def _body(shown: Frame) -> str:
    body = "\n      │ ".join(safe.lines(text_of(shown.get("body"))))
    files = [safe.one_line(text_of(file.get("name")) or "file") for file in shown.get("attachments") or []]
    return " ".join([body, *(f"[file: {name}]" for name in files)]).strip()


def edited(notice: Edited, me: str) -> Line:
    who = name_of(notice.message.get("sender"), me)
    return [(DIM, f"      {who} edited: "), ("", _body(notice.message))]


def deleted(notice: Deleted, me: str) -> Line:
    who = name_of(notice.message.get("sender"), me)
    return note(f"{who} deleted the message of {clock(notice.message.get('created_at'))}")


def refused(notice: Refused) -> Line:
    why = safe.one_line(notice.detail) or notice.code
    return note(f"✗ not sent ({safe.one_line(notice.code)}: {why}): {safe.one_line(notice.body[:200])}", BAD)


def server_error(notice: ServerError) -> Line:
    return note(f"The server says {safe.one_line(notice.code)}: {safe.one_line(notice.detail)}", BAD)


def presence(notice: Presence) -> Line:
    return note(f"{safe.one_line(notice.name)} {STATUSES.get(notice.status, safe.one_line(notice.status))}")


def typing(notice: Typing) -> str:
    if not notice.names:
        return ""
    return f"{names(notice.names)} {'is' if len(notice.names) == 1 else 'are'} typing…"


def receipts(notice: Receipts) -> str:
    """How the newest own message stands, in a few words: reading says more than receiving."""
    if notice.read:
        everyone = len(notice.read) == notice.others > 1
        return f"✓✓ read by {'everyone' if everyone else names(notice.read)}"
    return f"✓✓ delivered to {names(notice.delivered)}"


def names(people: tuple[str, ...]) -> str:
    shown = [safe.one_line(name) or "Somebody" for name in people[:NAMES_SHOWN]]
    if len(people) > NAMES_SHOWN:
        shown.append(f"{len(people) - NAMES_SHOWN} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def line(notice: object, me: str) -> Line | None:
    """The line for a notice that is one; statuses and requests to the app have none."""
    match notice:
        case Message():
            return message(notice.message, me)
        case Edited():
            return edited(notice, me)
        case Deleted():
            return deleted(notice, me)
        case Refused():
            return refused(notice)
        case ServerError():
            return server_error(notice)
        case Presence():
            return presence(notice)
    return None
