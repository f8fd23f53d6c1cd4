"""One's devices, preferences and notifications over REST. Nobody, whatever their role, gets at anybody else's."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts import paging
from accounts.api.schema import View, endpoint
from accounts.requests import UserRequest, read_body
from notifications import serializers
from notifications.actions import centre, devices, preferences
from notifications.api import bodies
from notifications.enums import Platform
from notifications.models import Device, Notification

UNREAD = {"unread": {"type": "integer", "minimum": 0}}


def documented(summary: str, **said: Any) -> Callable[[View], View]:
    return endpoint(summary, tag="notifications", **{"refusals": (), **said})


class DeviceViewSet(ViewSet):
    @documented(
        "Devices that my pushes go to, the newest first",
        answer=serializers.DeviceShape,
        page=True,
        query=paging.PAGE_QUERY,
    )
    def list(self, request: UserRequest) -> Response:
        pages = paging.Pages(("-id",))
        rows = Device.objects.active().filter(user=request.user)
        return pages.answer([serializers.device_shape(device) for device in pages.page_of(rows, request)])

    @documented(
        "Register this device for pushes",
        body=bodies.NewDevice,
        answer=serializers.DeviceShape,
        status=201,
        also={200: "It was there already, and has this name, platform and sign-in now."},
        refusals=(409,),
        description="With the token that Expo gave the app, at every start of it. Whoever had the token before gets no "
        "more pushes on it; another token of the same sign-in ends.",
    )
    def create(self, request: UserRequest) -> Response:
        body = read_body(request, bodies.NewDevice)
        device, is_new = devices.register(
            actor=request.user,
            session=request.auth,
            token=body.token,
            platform=Platform(body.platform),
            name=body.line(),
        )
        return Response(serializers.device_shape(device), status=201 if is_new else 200)

    @documented("No more pushes to a device of mine", status=204, refusals=(404,))
    def destroy(self, request: UserRequest, device_id: UUID) -> Response:
        devices.remove(actor=request.user, device_id=device_id)
        return Response(status=204)


class PreferencesViewSet(ViewSet):
    @documented("What I want to be pushed", answer=serializers.PreferencesShape)
    def retrieve(self, request: UserRequest) -> Response:
        return Response(serializers.preferences_shape(preferences.of(request.user)))

    @documented(
        "Change what I want to be pushed",
        body=bodies.PreferencesChange,
        answer=serializers.PreferencesShape,
        description="`quiet_hours` are given whole; null does away with them.",
    )
    def partial_update(self, request: UserRequest) -> Response:
        body = read_body(request, bodies.PreferencesChange)
        wanted = preferences.change(actor=request.user, switches=body.switches(), hours=body.hours())
        return Response(serializers.preferences_shape(wanted))


class NotificationViewSet(ViewSet):
    @documented(
        "What I was told, the newest first",
        answer=serializers.NotificationShape,
        page=True,
        beside=UNREAD,
        query={**paging.PAGE_QUERY, "unread": "true: only what I have not read."},
    )
    def list(self, request: UserRequest) -> Response:
        rows = Notification.objects.of(request.user.pk)
        if paging.read_flag(request, "unread"):
            rows = rows.unread()
        pages = paging.Pages(("-id",))
        page = [serializers.notification_shape(one) for one in pages.page_of(rows, request)]
        return pages.answer(page, unread=centre.unread([request.user.pk])[request.user.pk])

    @documented(
        "Mark notifications as read",
        body=bodies.Reading,
        answer=serializers.UnreadShape,
        description=f"`ids`, at most {bodies.MAX_READ}, or `all`. Ids that are not mine change nothing.",
    )
    def read(self, request: UserRequest) -> Response:
        body = read_body(request, bodies.Reading)
        return Response(serializers.UnreadShape(centre.mark_read(actor=request.user, ids=body.which())))
