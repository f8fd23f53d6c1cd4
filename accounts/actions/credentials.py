"""Is it really them: passwords checked in constant time, and guessing slowed down per account and per address."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.errors import InvalidBody, RateLimited, Unauthenticated
from accounts.models import LoginFailure, User
from accounts.throttling import address_block

WRONG = "E-mail or password is wrong."


class Attempt:
    """
    One try at an account from an address.

    Of tries made in parallel no more than the limit learn whether they were right: a wrong one is committed before it
    is counted, so the last of them sees them all; a right one is counted under the lock of its person's row.
    """

    def __init__(self, email: str, address: str | None) -> None:
        self.account = sha256(email.strip().lower().encode(errors="replace")).hexdigest()
        self.address = address_block(address) if address else None

    def check(self, *, own: int = 0) -> None:
        """Raise RateLimited when there are as many failures as allowed, not counting `own` of them."""
        if not settings.THROTTLE:
            return
        _check(Q(account=self.account), settings.LOGIN_FAILURES_PER_ACCOUNT, own)
        if self.address:
            _check(Q(address=self.address), settings.LOGIN_FAILURES_PER_ADDRESS, own)

    def failed(self) -> None:
        """Write the failure down. Raises RateLimited instead of letting one try too many know that it was wrong."""
        if settings.THROTTLE:
            LoginFailure.objects.create(account=self.account, address=self.address)
            self.check(own=1)

    def settle(self, user: User) -> User:
        """
        In a transaction: lock the person whose password was right and forget the account's failures. Raises
        Unauthenticated if the account was closed or its password changed in the meantime.
        """
        locked = User.objects.locked().filter(pk=user.pk, password=user.password, is_active=True).first()
        if locked is None:
            raise Unauthenticated(WRONG)
        self.check()
        if settings.THROTTLE:
            LoginFailure.objects.filter(account=self.account).delete()
        return locked


@dataclass(frozen=True, slots=True)
class Proof:
    """A person who gave the right password. `settle` it in the transaction that lets them in."""

    user: User
    attempt: Attempt

    def settle(self) -> User:
        return self.attempt.settle(self.user)


def prove(*, email: str, password: str, address: str | None) -> Proof:
    """
    Who may sign in with these. Raises Unauthenticated, the same and as slowly for an unknown e-mail, a wrong password
    and a closed account; RateLimited after too many failures.
    """
    attempt = Attempt(email, address)
    attempt.check()
    user = User.objects.by_email(email).first()
    if user is None:
        make_password(password)  # takes as long as a comparison
    elif user.check_password(password) and user.is_active:
        return Proof(user, attempt)
    attempt.failed()
    raise Unauthenticated(WRONG)


def check_new_password(password: str, user: User, *, pointer: str) -> None:
    """Raises InvalidBody with every reason why the password is too weak."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        reasons = [{"pointer": pointer, "detail": message} for message in error.messages]
        raise InvalidBody(" ".join(error.messages), errors=reasons) from error


def _check(whose: Q, limit: int, own: int) -> None:
    since = timezone.now() - settings.LOGIN_FAILURE_WINDOW
    newest = list(_failures(whose, since).values_list("at", flat=True)[: limit + own])
    if len(newest) == limit + own:
        raise RateLimited((newest[limit - 1] - since).total_seconds())


def _failures(whose: Q, since: datetime) -> QuerySet[LoginFailure]:
    return LoginFailure.objects.filter(whose, at__gt=since).order_by("-at")
