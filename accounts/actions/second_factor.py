"""The second step of a staff member's sign-in: set up, asked for, removed, and reset by a super admin."""

import base64
import secrets
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import changes, totp
from accounts.actions.credentials import Attempt
from accounts.changes import Changed, Kind
from accounts.errors import Conflict, Forbidden, InvalidBody, NotFound, Unauthenticated
from accounts.models import RecoveryCode, SecondFactor, User

RECOVERY_CODES = 10
RECOVERY_BYTES = 10  # 16 characters in base32
MAX_CODE = 64


class CodeRefused(Unauthenticated):
    """The password was right; what is missing is in `errors`, each with a `code` of its own for programs."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.errors: list[dict[str, Any]] = [{"pointer": "/otp", "detail": detail, "code": code}]


def factor_of(user: User) -> SecondFactor | None:
    """The person's confirmed authenticator."""
    return SecondFactor.objects.filter(user=user).exclude(confirmed_at=None).first()


def is_owed(user: User) -> bool:
    """Whether the person has to set up an authenticator before anything else."""
    return settings.STAFF_TOTP == "required" and user.is_staff and factor_of(user) is None


def begin(*, actor: User) -> SecondFactor:
    """A new secret to scan, in place of one not confirmed. Raises Forbidden for customers, Conflict when one works."""
    if not (actor.is_staff and actor.is_active):
        raise Forbidden
    with transaction.atomic():
        User.objects.locked().get(pk=actor.pk)
        if factor_of(actor) is not None:
            raise Conflict("You have an authenticator. Remove it first.")
        SecondFactor.objects.filter(user=actor).delete()
        return SecondFactor.objects.create(user=actor, secret=totp.new_secret())


def confirm(*, actor: User, code: str, address: str | None = None) -> list[str]:
    """
    From now on signing in asks for a code. The recovery codes, shown this once. Raises NotFound where nothing was
    begun, Conflict where it is confirmed already, InvalidBody for a wrong code, RateLimited after too many.
    """
    factor = SecondFactor.objects.filter(user=actor).first()
    if factor is None:
        raise NotFound("Nothing to confirm. Begin first.")
    if factor.confirmed_at is not None:
        raise Conflict("Your authenticator is confirmed already.")
    attempt = _attempt(actor, address)
    attempt.check()
    codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
    with transaction.atomic():
        user = User.objects.locked().get(pk=actor.pk)
        right = _use(user, code, confirmed=False)
        if right:
            attempt.settle(user)
            SecondFactor.objects.filter(user=user).update(confirmed_at=timezone.now())
            RecoveryCode.objects.bulk_create(
                RecoveryCode(factor_id=user.pk, digest=_digest(recovery)) for recovery in codes
            )
    if not right:
        attempt.failed()
        raise InvalidBody("This is not the code of this moment.", pointer="/code")
    return codes


def check(*, user: User, code: str | None, address: str | None) -> None:
    """
    For somebody whose password was right: use up the code, where one is asked for. Raises CodeRefused without one, for
    a wrong one and for one used before, and RateLimited after too many of these, counted apart from passwords.
    """
    if is_owed(user):
        raise CodeRefused("otp_setup_required", "Set up your authenticator in Django admin first.")
    if factor_of(user) is None:
        return
    if not code:
        raise CodeRefused("otp_required", "A code from the authenticator app is needed.")
    _spend(user, code, address, CodeRefused("otp_invalid", "This code is wrong or was used before."))


def remove(*, actor: User, code: str, address: str | None = None) -> None:
    """Back to the password alone. Takes a code, so that an unattended screen is not enough. Raises as `check`."""
    if factor_of(actor) is None:
        raise NotFound("You have no authenticator.")
    _spend(actor, code, address, InvalidBody("This code is wrong or was used before.", pointer="/code"))
    SecondFactor.objects.filter(user=actor).delete()


def reset(*, actor: User, user_id: UUID) -> bool:
    """A super admin takes away the authenticator of a colleague who lost it. Whether there was one."""
    if not (actor.is_super_admin and actor.is_active):
        raise Forbidden
    if user_id == actor.pk:
        raise Conflict("Your own you remove with a code.")
    with transaction.atomic():
        user = User.objects.locked().filter(pk=user_id).first()
        if user is None:
            raise NotFound
        had_one = bool(SecondFactor.objects.filter(user=user).delete()[0])
        if had_one:
            changes.announce(Changed(Kind.ACCOUNT, actor, user, {"second_factor": ("on", "off")}))
    return had_one


def recovery_codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(factor=user.pk).count()


def _spend(user: User, code: str, address: str | None, refusal: Exception) -> None:
    """As with passwords: a wrong code is written down before it is counted, a right one counted under the lock."""
    attempt = _attempt(user, address)
    attempt.check()
    with transaction.atomic():
        locked = User.objects.locked().get(pk=user.pk)
        right = _use(locked, code, confirmed=True)
        if right:
            attempt.settle(locked)
    if not right:
        attempt.failed()
        raise refusal


def _attempt(user: User, address: str | None) -> Attempt:
    return Attempt(f"second factor of {user.pk}", address)


def _use(user: User, code: str, *, confirmed: bool) -> bool:
    """Under the lock of the person's row: whether the code is right, which it is only once."""
    factor = SecondFactor.objects.filter(user=user, confirmed_at__isnull=not confirmed).first()
    text = "".join(code[:MAX_CODE].split()).replace("-", "").lower()
    if factor is None or not text.isascii():
        return False
    step = totp.matching_step(factor.secret, text, now=timezone.now().timestamp(), after=factor.last_step)
    if step is not None:
        SecondFactor.objects.filter(pk=factor.pk).update(last_step=step)
        return True
    return confirmed and RecoveryCode.objects.filter(factor=factor, digest=_digest(text)).delete()[0] == 1


def _new_recovery_code() -> str:
    text = base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _digest(code: str) -> str:
    return sha256(code.replace("-", "").encode()).hexdigest()
