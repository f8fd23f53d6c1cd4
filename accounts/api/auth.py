"""Registering, signing in and out, and tickets for sockets."""

from django.conf import settings
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.actions import registration, sessions
from accounts.api import bodies, documented
from accounts.api.views import PublicView, actor, device, secret
from accounts.errors import Unauthenticated
from accounts.requests import read_body
from accounts.serializers import profile, signed_in
from accounts.throttling import client_address


class RegisterView(PublicView):
    @documented.register
    def post(self, request: Request) -> Response:
        body = read_body(request, bodies.Registration)
        user = registration.register(email=body.email, password=body.password, display_name=body.display_name)
        return Response(profile(user), status=201)


class TokenView(PublicView):
    @documented.token
    def post(self, request: Request) -> Response:
        body = read_body(request, bodies.Credentials)
        user, session = sessions.sign_in(
            email=body.email,
            password=body.password,
            address=client_address(request) or None,
            otp=body.otp,
            device_id=body.device_id or "",
            device_name=body.device_name or "",
        )
        return secret(signed_in(user, session))


class RefreshView(PublicView):
    @documented.refresh
    def post(self, request: Request) -> Response:
        return secret(sessions.refresh(token=read_body(request, bodies.Refresh).refresh))


class LogOutView(APIView):
    permission_classes = (AllowAny,)

    @documented.log_out
    def post(self, request: Request) -> Response:
        body = read_body(request, bodies.LogOut)
        if request.auth is not None:
            sessions.log_out(session=device(request))
        elif body.refresh is not None:
            sessions.log_out_with(token=body.refresh)
        else:
            raise Unauthenticated
        return Response(status=204)


class LogOutAllView(APIView):
    @documented.log_out_all
    def post(self, request: Request) -> Response:
        sessions.log_out_all(user=actor(request))
        return Response(status=204)


class TicketView(APIView):
    @documented.ticket
    def post(self, request: Request) -> Response:
        ticket = sessions.new_ticket(session=device(request))
        return secret({"ticket": ticket, "expires_in": int(settings.WS_TICKET_LIFETIME.total_seconds())})
