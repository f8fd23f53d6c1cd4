"""What people change about themselves, and what super admins change about others."""

from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts import changes
from accounts.actions.revoke import end_sessions, revoke_account, revoke_sessions
from accounts.changes import Changed, Kind
from accounts.errors import Conflict, Forbidden, InvalidBody, NotFound
from accounts.models import Availability, DeviceSession, Role, User
from accounts.names import check_display_name

MAX_CAPACITY = 1000


def update_profile(*, actor: User, display_name: str | None = None, availability: str | None = None) -> User:
    """Change what was given. Customers have no availability: theirs is left alone."""
    fields = {}
    if display_name is not None:
        check_display_name(display_name, actor.role)
        fields["display_name"] = (actor.display_name, display_name)
    if availability is not None and actor.is_staff:
        if availability not in Availability.values:
            raise InvalidBody(f"One of {', '.join(Availability.values)}.", pointer="/availability")
        fields["availability"] = (str(actor.availability), availability)
    for name, (_, value) in fields.items():
        setattr(actor, name, value)
    with transaction.atomic():
        actor.save(update_fields=list(fields))
        changes.announce(Changed(Kind.PROFILE, actor, actor, fields))
    return actor


def look_up(*, actor: User, user_id: UUID) -> User:
    """Anybody, for a super admin. Raises Forbidden, and NotFound."""
    _check_super_admin(actor)
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound
    return user


def administer(
    *, actor: User, user_id: UUID, is_active: bool | None = None, role: str | None = None, capacity: int | None = None
) -> User:
    """
    A super admin opens or closes an account, gives it another role or another capacity; None leaves as it is. Closing
    and a new role end every session at once. Raises Forbidden, NotFound, InvalidBody, and Conflict rather than leaving
    the project without an active super admin.
    """
    _check_values(actor, role, capacity)
    with transaction.atomic():
        user = _lock(actor, user_id)
        was = {name: getattr(user, name) for name in ("is_active", "role", "capacity")}
        user.is_active = user.is_active if is_active is None else is_active
        user.role = user.role if role is None else Role(role)
        user.capacity = user.capacity if capacity is None else capacity
        user.save(update_fields=["is_active", "role", "capacity"])
        if not User.objects.filter(role=Role.SUPER_ADMIN, is_active=True).exists():
            raise Conflict("Somebody has to stay super admin.")
        fields = {name: (old, getattr(user, name)) for name, old in was.items() if old != getattr(user, name)}
        if fields:
            changes.announce(Changed(Kind.ACCOUNT, actor, user, fields))
        if "role" in fields or (was["is_active"] and not user.is_active):
            revoke_account(user)
    return user


def log_out_people(*, actor: User, user_ids: list[UUID]) -> int:
    """A super admin ends every session of these people. How many sessions that were."""
    _check_super_admin(actor)
    with transaction.atomic():
        ended = {user_id: revoke_sessions(user_id=user_id) for user_id in sorted(user_ids)}
        _announce_log_out(actor, ended)
        return sum(ended.values())


def log_out_devices(*, actor: User, chosen: list[DeviceSession]) -> int:
    """A super admin ends these sessions, whosever they are. How many of them had not ended yet."""
    _check_super_admin(actor)
    with transaction.atomic():
        ended: dict[UUID, int] = {}
        for session in sorted(chosen, key=_by_id):
            ended[session.user_id] = ended.get(session.user_id, 0) + end_sessions(session.user_id, (session.pk,))
        _announce_log_out(actor, ended)
        return sum(ended.values())


def _announce_log_out(actor: User, ended: dict[UUID, int]) -> None:
    """Of those who had a session to end."""
    for user in User.objects.filter(pk__in=[user_id for user_id, sessions in ended.items() if sessions]):
        changes.announce(Changed(Kind.LOGGED_OUT, actor, user, {"sessions": (ended[user.pk], 0)}))


def _by_id(session: DeviceSession) -> UUID:
    return session.pk  # one order for all who end several, or two of them could wait for each other


def _check_values(actor: User, role: str | None, capacity: int | None) -> None:
    _check_super_admin(actor)
    if role is not None and role not in Role.values:
        raise InvalidBody(f"One of {', '.join(Role.values)}.", pointer="/role")
    if capacity is not None and not 0 <= capacity <= MAX_CAPACITY:
        raise InvalidBody(f"A whole number from 0 to {MAX_CAPACITY}.", pointer="/capacity")


def _check_super_admin(actor: User) -> None:
    if not (actor.is_super_admin and actor.is_active):
        raise Forbidden


def _lock(actor: User, user_id: UUID) -> User:
    """
    The person, with every active super admin locked beside them and always in the same order: of two who demote each
    other at once the second finds themself demoted.
    """
    super_admins = Q(role=Role.SUPER_ADMIN, is_active=True)
    locked = {user.pk: user for user in User.objects.locked().filter(super_admins | Q(pk=user_id)).order_by("pk")}
    if actor.pk not in locked or not locked[actor.pk].is_super_admin or not locked[actor.pk].is_active:
        raise Forbidden
    if user_id not in locked:
        raise NotFound
    return locked[user_id]
