"""The addresses of notifications, below api/v1/."""

from django.urls import path

from notifications.api.views import DeviceViewSet, NotificationViewSet, PreferencesViewSet

urlpatterns = [
    path("devices/", DeviceViewSet.as_view({"get": "list", "post": "create"})),
    path("devices/<uuid:device_id>/", DeviceViewSet.as_view({"delete": "destroy"})),
    path("notification-preferences/", PreferencesViewSet.as_view({"get": "retrieve", "patch": "partial_update"})),
    path("notifications/", NotificationViewSet.as_view({"get": "list"})),
    path("notifications/read/", NotificationViewSet.as_view({"post": "read"})),
]
