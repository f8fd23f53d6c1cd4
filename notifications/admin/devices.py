"""The apps that pushes go to. A token is worth a push to a phone, so no page shows one."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin import shown
from accounts.admin.base import SuperAdminAdmin, staff
from notifications.actions import ending
from notifications.models import Device


class EndedFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("active", "active"), ("ended", "ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Device]) -> QuerySet[Device]:
        if self.value() not in ("active", "ended"):
            return queryset
        return queryset.filter(ended_at__isnull=self.value() == "active")


@admin.register(Device)
class DeviceAdmin(SuperAdminAdmin):
    section, place = "Phones", 2
    list_display = ("person", "platform", "named", "masked", "badge", "registered", "ended")
    list_display_links = ("person",)
    list_filter = (EndedFilter, "platform")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    search_help_text = "Somebody's e-mail"
    ordering = ("-id",)
    fields = readonly_fields = ("person", "platform", "named", "masked", "badge", "registered", "ended")
    actions = ("end_chosen",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Device]:
        return super().get_queryset(request).select_related("user")

    @admin.display(description="person", ordering="user__email")
    def person(self, device: Device) -> SafeString:
        return format_html("<bdi>{}</bdi>", device.user.email)

    @admin.display(description="name")
    def named(self, device: Device) -> SafeString | str:
        return format_html("<bdi>{}</bdi>", device.name) if device.name else "–"

    @admin.display(description="token")
    def masked(self, device: Device) -> str:
        return f"{device.token[:8]}…, {len(device.token)} characters"

    @admin.display(description="registered", ordering="registered_at")
    def registered(self, device: Device) -> SafeString | str:
        return shown.when(device.registered_at)

    @admin.display(description="ended", ordering="ended_at")
    def ended(self, device: Device) -> SafeString | str:
        if device.ended_at is None:
            return "–"
        return format_html("{} {}", shown.when(device.ended_at), shown.badge(device.end_reason))

    @admin.action(description="End these devices")
    def end_chosen(self, request: HttpRequest, chosen: QuerySet[Device]) -> None:
        ended = ending.end(actor=staff(request), device_ids=list(chosen.values_list("pk", flat=True)))
        self.message_user(request, f"Devices ended: {ended}.", messages.SUCCESS)
