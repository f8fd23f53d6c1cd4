"""One's own profile, and everybody's for super admins."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.actions import people, sessions
from accounts.api import bodies, documented
from accounts.api.views import actor, device, given
from accounts.requests import read_body
from accounts.serializers import administered, profile
from accounts.throttling import client_address


class MeView(APIView):
    @documented.me
    def get(self, request: Request) -> Response:
        return Response(profile(actor(request)))

    @documented.change_me
    def patch(self, request: Request) -> Response:
        body = read_body(request, bodies.ProfileChange)
        user = people.update_profile(
            actor=actor(request), display_name=given(body.display_name), availability=given(body.availability)
        )
        return Response(profile(user))


class PasswordView(APIView):
    @documented.change_password
    def post(self, request: Request) -> Response:
        body = read_body(request, bodies.PasswordChange)
        sessions.change_password(
            actor=actor(request),
            session=device(request),
            current=body.current,
            new=body.new,
            address=client_address(request) or None,
        )
        return Response(status=204)


class UserView(APIView):
    @documented.user
    def get(self, request: Request, user_id: UUID) -> Response:
        return Response(administered(people.look_up(actor=actor(request), user_id=user_id)))

    @documented.administer
    def patch(self, request: Request, user_id: UUID) -> Response:
        body = read_body(request, bodies.Administration)
        user = people.administer(
            actor=actor(request),
            user_id=user_id,
            is_active=given(body.is_active),
            role=given(body.role),
            capacity=given(body.capacity),
        )
        return Response(administered(user))
