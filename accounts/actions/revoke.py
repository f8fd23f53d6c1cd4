"""The one place where sessions end: their rows, and the word to whoever holds live connections."""

from uuid import UUID

from django.utils import timezone

from accounts.models import DeviceSession, User
from accounts.revocation import Reason, Revoked, announce


def revoke_sessions(*, user_id: UUID, only: UUID | None = None, keep: UUID | None = None) -> int:
    """End the person's sessions: all, only one, or all but one. How many that were."""
    sessions = DeviceSession.objects.filter(user_id=user_id, revoked_at=None)
    if only is not None:
        sessions = sessions.filter(pk=only)
    if keep is not None:
        sessions = sessions.exclude(pk=keep)
    return end_sessions(user_id, tuple(sessions.values_list("pk", flat=True)))


def end_sessions(user_id: UUID, session_ids: tuple[UUID, ...]) -> int:
    """End these sessions of one person. Ending an ended one changes nothing and is told nobody."""
    ended = DeviceSession.objects.filter(pk__in=session_ids, revoked_at=None).update(revoked_at=timezone.now())
    if ended:
        announce(Revoked(user_id, Reason.LOGGED_OUT, session_ids))
    return ended


def revoke_account(user: User) -> None:
    """End everything of a person whose account was closed or whose role changed."""
    DeviceSession.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
    announce(Revoked(user.pk, Reason.ACCOUNT))
