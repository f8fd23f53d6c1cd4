"""Django admin in browsers that are signed in already, and what a page said."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User

Desk = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _quick(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def desk() -> Desk:
    def at(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return at


def said(response: Any) -> list[str]:
    """The messages on the page that a redirect led to."""
    return [str(message) for message in response.context["messages"]]


def press(client: Client, trade: Any, name: str, **form: Any) -> Any:
    return client.post(f"/admin/chat/trade/{trade.pk}/do/{name}/", form, follow=True)
