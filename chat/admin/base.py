"""What all tables of the chat share in Django admin: staff look, actions decide, a refusal becomes a message."""

from collections.abc import Callable

from django.contrib import messages
from django.db import OperationalError
from django.http import Http404, HttpRequest
from rest_framework.exceptions import APIException

from accounts.admin.base import StaffAdmin, SuperAdminAdmin, staff
from chat.errors import ChatError, NotFound, Unavailable

__all__ = ["StaffAdmin", "SuperAdminAdmin", "attempt", "refusal_of", "staff"]


def refusal_of(action: Callable[[], object]) -> str | None:
    """Run an action; why it was refused, in its own words, or None. What does not exist raises Http404."""
    try:
        action()
    except NotFound as error:
        raise Http404 from error
    except ChatError as error:
        return error.detail
    except APIException as error:
        return str(error.detail)
    except OperationalError:
        return Unavailable.detail
    return None


def attempt(request: HttpRequest, action: Callable[[], object], done: str) -> bool:
    """Run an action and say how it went. A refusal has changed nothing."""
    refusal = refusal_of(action)
    if refusal is None:
        messages.success(request, done)
    else:
        messages.error(request, f"Nothing was changed. {refusal}")
    return refusal is None
