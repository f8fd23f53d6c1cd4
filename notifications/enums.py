"""The closed sets of words of notifications."""

from enum import StrEnum


class Kind(StrEnum):
    """What a push is about; each but BADGE is also a preference of its recipient."""

    MESSAGE = "message"
    TRADE = "trade"
    ESCALATION = "escalation"
    MENTION = "mention"
    BADGE = "badge"  # silent: only puts the number on the app's icon right


PREFERENCES = (Kind.MESSAGE, Kind.TRADE, Kind.ESCALATION, Kind.MENTION)


class Platform(StrEnum):
    IOS = "ios"
    ANDROID = "android"


class RowState(StrEnum):
    """Of one outbox row, that is one cause on one device."""

    PENDING = "pending"
    TAKEN = "taken"  # into a push, whose state says more
    DROPPED = "dropped"  # for the reason beside it


class PushState(StrEnum):
    """Of what is handed to Expo."""

    READY = "ready"  # for the next batch, from `due_at` on
    SENDING = "sending"  # a worker has it; if it is not heard of until `claimed_until`, it is ready again
    SENT = "sent"  # Expo gave a ticket
    DELIVERED = "delivered"  # Apple or Google took it, says the receipt
    DROPPED = "dropped"  # nothing of it was wanted any more
    FAILED = "failed"  # for good, for the reason beside it: the dead letters


class EndReason(StrEnum):
    """Of a device that gets no more pushes."""

    REMOVED = "removed"  # by its person
    SIGNED_OUT = "signed_out"
    RE_OWNED = "re_owned"  # somebody else signed in on it
    REPLACED = "replaced"  # the app was given another token
    NOT_REGISTERED = "not_registered"  # says Expo
    TOO_MANY = "too_many"
    ADMIN = "ended_by_admin"
