"""What every endpoint of accounts builds on."""

from typing import Any, TypeVar, cast

from msgspec import UNSET, UnsetType
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import DeviceSession, User

Value = TypeVar("Value")


def actor(request: Request) -> User:
    return cast(User, request.user)


def device(request: Request) -> DeviceSession:
    """The session of the bearer token."""
    return cast(DeviceSession, request.auth)


class PublicView(APIView):
    """For people who have no token yet: a bad one that came along does not matter."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get_authenticate_header(self, request: Request) -> str:
        return "Bearer"  # else DRF turns every 401 of a view without authentication into 403


def secret(shape: dict[str, Any], status: int = 200) -> Response:
    """An answer that no cache on the way may keep."""
    return Response(shape, status=status, headers={"Cache-Control": "no-store"})


def given(value: Value | UnsetType) -> Value | None:
    return None if value is UNSET else value
