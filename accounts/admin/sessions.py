"""Devices as super admins see them: nothing to edit, one thing to do."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.actions import people
from accounts.models import DeviceSession

SHOWN = ("device_name", "device_id", "is_browser", "created_at", "last_seen_at", "expires_at", "revoked_at")


class ReadOnly:
    """Rows that come and go by actions alone."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SessionInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = DeviceSession
    fields = readonly_fields = SHOWN
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeviceSession]:
        return super().get_queryset(request).filter(revoked_at=None)


@admin.register(DeviceSession)
class DeviceSessionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    section, place = "Sessions", 2
    list_display = ("user", "device_name", "last_seen_at", "expires_at", "revoked_at")
    show_facets = admin.ShowFacets.NEVER
    list_select_related = ("user",)
    list_filter = ("is_browser", ("revoked_at", admin.EmptyFieldListFilter))
    search_fields = ("user__email", "device_name", "device_id")
    fields = readonly_fields = ("user", *SHOWN)
    actions = ("log_out",)

    @admin.action(description="Log out this device")
    def log_out(self, request: HttpRequest, chosen: QuerySet[DeviceSession]) -> None:
        ended = people.log_out_devices(actor=request.user, chosen=list(chosen))  # type: ignore[arg-type]
        self.message_user(request, f"Devices logged out: {ended}.", messages.SUCCESS)
