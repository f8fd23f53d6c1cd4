"""The people of one conversation: names, presence, who types, how far each has read; no I/O, no clock of its own."""

from dataclasses import dataclass

from chat.terminal.frames import Frame
from chat.terminal.notices import Presence, Receipts, Typing


@dataclass(slots=True)
class Person:
    name: str
    role: str = ""
    status: str = "offline"
    delivered: int = 0
    read: int = 0
    typing_until: float = 0.0
    takes_part: bool = True


class Roster:
    """Everybody but me. People met only as senders have a name here, yet do not count for receipts."""

    def __init__(self, me: str) -> None:
        self._me = me
        self._people: dict[str, Person] = {}
        self._typing: tuple[str, ...] = ()

    def load(self, participants: list[Frame]) -> None:
        """Take over the participants of a fresh summary."""
        for person in self._people.values():
            person.takes_part = False
        for participant in participants:
            self._load_one(participant)

    def _load_one(self, participant: Frame) -> None:
        user = participant["user"]
        if user["id"] == self._me:
            return
        person = self._people.setdefault(user["id"], Person(""))
        person.name, person.role = user.get("display_name") or "", user.get("role") or ""
        person.status = (participant.get("presence") or {}).get("status") or "offline"
        person.delivered = max(person.delivered, participant.get("delivered_seq") or 0)
        person.read = max(person.read, participant.get("read_seq") or 0)
        # An observer reads without sending receipts.
        person.takes_part = participant.get("role") != "observer"

    def met(self, user: Frame | None, *, takes_part: bool = False) -> None:
        """Learn a name from a sender, or from a system message about somebody who joined."""
        if not user or user.get("id") in (None, self._me):
            return
        person = self._people.setdefault(user["id"], Person("", takes_part=False))
        person.name = user.get("display_name") or person.name
        person.role = user.get("role") or person.role
        person.takes_part = person.takes_part or takes_part

    def left(self, user: Frame | None) -> None:
        person = self._people.get((user or {}).get("id", ""))
        if person is not None:
            person.takes_part = False

    def people(self) -> list[Person]:
        return [person for person in self._people.values() if person.takes_part]

    def presence(self, user: str, status: str) -> Presence | None:
        """Only a change, and only of people who take part here."""
        person = self._people.get(user)
        if person is None or not person.takes_part or person.status == status:
            return None
        person.status = status
        return Presence(person.name, status)

    def typing(self, user: Frame, until: float) -> None:
        self.met(user)
        person = self._people.get(user.get("id", ""))
        if person is not None:
            person.typing_until = until

    def stopped(self, user: str | None) -> None:
        person = self._people.get(user or "")
        if person is not None:
            person.typing_until = 0.0

    def typing_change(self, now: float) -> Typing | None:
        """Who types now, when that differs from the last answer."""
        names = tuple(person.name for person in self._people.values() if person.typing_until > now)
        if names == self._typing:
            return None
        self._typing = names
        return Typing(names)

    def receipt(self, user: str, *, delivered: int = 0, read: int = 0) -> None:
        person = self._people.get(user)
        if person is not None:
            person.read = max(person.read, read)
            person.delivered = max(person.delivered, delivered, person.read)

    def receipts(self, seq: int) -> Receipts:
        """How my message of this seq stands."""
        people = self.people()
        read = tuple(person.name for person in people if person.read >= seq)
        delivered = tuple(person.name for person in people if person.read < seq <= person.delivered)
        return Receipts(delivered, read, len(people))
