"""New customers."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from accounts.actions.credentials import check_new_password
from accounts.errors import Conflict, InvalidBody
from accounts.models import Role, User
from accounts.names import check_display_name

MAX_EMAIL = 254


def register(*, email: str, password: str, display_name: str | None = None) -> User:
    """
    A new customer; staff are made by staff. Raises InvalidBody, and Conflict when the address has an account: only
    after everything else was found right and the password hashed, so nothing but that answer tells of it.
    """
    email = email.strip().lower()
    _check_email(email)
    name = email.partition("@")[0][:80] if display_name is None else display_name
    check_display_name(name, Role.CUSTOMER)
    check_new_password(password, User(email=email, display_name=name), pointer="/password")
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, display_name=name, role=Role.CUSTOMER)
    except IntegrityError as error:
        raise Conflict("There is an account with this e-mail address.") from error


def _check_email(email: str) -> None:
    try:
        if len(email) > MAX_EMAIL:
            raise ValidationError("too long")
        validate_email(email)
    except ValidationError as error:
        raise InvalidBody("This is not an e-mail address.", pointer="/email") from error
