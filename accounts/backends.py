"""Django's own sign-in form, under the same slow-down of guessing as the API."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest
from rest_framework.exceptions import APIException

from accounts.actions.credentials import prove
from accounts.models import User
from accounts.throttling import client_address


class PasswordBackend(BaseBackend):
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **fields: Any
    ) -> User | None:
        email = username or fields.get(User.USERNAME_FIELD)
        if not email or password is None:
            return None
        try:
            proof = prove(email=email, password=password, address=client_address(request) if request else None)
            with transaction.atomic():
                return proof.settle()
        except APIException as error:  # the form says one thing to all of them
            raise PermissionDenied from error

    def get_user(self, user_id: Any) -> User | None:
        return User.objects.active().filter(pk=user_id).first()
