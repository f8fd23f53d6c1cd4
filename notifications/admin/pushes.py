"""Pushes as super admins see them: what became of each, and the dead letters to be sent again."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from accounts.admin import shown
from accounts.admin.base import SuperAdminAdmin, staff
from notifications import health
from notifications.actions.retrying import retry
from notifications.enums import PushState
from notifications.models import Push

NAME, TICKET = 32, 8  # characters of a device's name and of a ticket that the list shows
MAX_ROWS = 200  # of one push that its page shows


@admin.register(Push)
class PushAdmin(SuperAdminAdmin):
    section, place = "Pushes", 1
    list_display = ("created", "person", "on", "kind", "shown_state", "attempts", "count", "short_ticket", "why")
    list_display_links = ("created",)
    list_filter = ("state", "kind")
    list_select_related = ("device__user",)
    search_fields = ("device__user__email", "ticket")
    search_help_text = "Somebody's e-mail, a ticket, or a push's id"
    ordering = ("-id",)  # ids follow time
    actions = ("send_again",)
    change_list_template = "admin/notifications/push/list.html"

    def get_urls(self) -> list[Any]:
        again = self.admin_site.admin_view(self.again)
        return [path("<uuid:push_id>/again/", again, name="notifications_push_again"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Push]:
        return super().get_queryset(request).select_related("device__user")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Push], search_term: str
    ) -> tuple[QuerySet[Push], bool]:
        """What is sought is one of three things, none of which is part of another."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(device__user__email__icontains=term) | Q(ticket=term)
        with suppress(ValueError):
            found |= Q(pk=UUID(term))
        return queryset.filter(found), False

    @admin.display(description="created", ordering="id")
    def created(self, push: Push) -> SafeString | str:
        return shown.when(push.created_at)

    @admin.display(description="person", ordering="device__user__email")
    def person(self, push: Push) -> SafeString:
        return format_html("<bdi>{}</bdi>", push.device.user.email)

    @admin.display(description="device")
    def on(self, push: Push) -> SafeString:
        return format_html("<bdi>{}</bdi>", Truncator(push.device.name or push.device.platform).chars(NAME))

    @admin.display(description="state", ordering="state")
    def shown_state(self, push: Push) -> SafeString | str:
        return shown.badge(push.state)

    @admin.display(description="ticket")
    def short_ticket(self, push: Push) -> str | None:
        return f"{push.ticket[:TICKET]}…" if len(push.ticket) > TICKET else push.ticket or None

    @admin.display(description="error")
    def why(self, push: Push) -> SafeString | None:
        return format_html("<bdi>{}</bdi>", push.error) if push.error else None

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "GET" and self.has_view_permission(request):
            extra_context = {"health": health.read()} | (extra_context or {})
        return super().changelist_view(request, extra_context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        push: Push = self.get_row(request, object_id)
        rows = list(push.rows.order_by("id")[: MAX_ROWS + 1])
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": "Push",
            "push": push,
            "rows": rows[:MAX_ROWS],
            "more": len(rows) > MAX_ROWS,
            "is_dead": push.state == PushState.FAILED,
        }
        return TemplateResponse(request, "admin/notifications/push/page.html", context)

    def again(self, request: HttpRequest, push_id: UUID) -> HttpResponse:
        """The button of one push."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self.get_row(request, push_id)
        self._retry(request, [push_id])
        return HttpResponseRedirect(reverse("admin:notifications_push_change", args=[push_id]))

    @admin.action(description="Send again")
    def send_again(self, request: HttpRequest, chosen: QuerySet[Push]) -> None:
        self._retry(request, list(chosen.values_list("pk", flat=True)))

    def _retry(self, request: HttpRequest, push_ids: list[UUID]) -> None:
        sent = retry(actor=staff(request), push_ids=push_ids)
        if sent:
            self.message_user(request, f"To be sent again: {sent}.", messages.SUCCESS)
        if stayed := len(push_ids) - sent:
            why = f"Left as they are: {stayed}. Only what failed, on a device that is still active, is sent again."
            self.message_user(request, why, messages.WARNING if sent else messages.ERROR)
