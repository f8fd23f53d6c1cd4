"""The record of who did what, for super admins: filtered, searched, and taken away as CSV."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin import shown
from accounts.models import User
from chat.actions import reports
from chat.admin import history
from chat.admin.base import SuperAdminAdmin, staff
from chat.models import AuditEntry
from chat.streaming import csv_answer

MAX_CHOICES = 60


class ActorFilter(admin.SimpleListFilter):
    title = "actor"
    parameter_name = "actor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        people = User.objects.staff().order_by("display_name")[:MAX_CHOICES]
        return [("system", "The system"), *((str(user.pk), user.display_name) for user in people)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        value = self.value()
        if value is None:
            return queryset
        if value == "system":
            return queryset.filter(actor=None)
        known = {choice for choice, _ in self.lookup_choices}
        return queryset.filter(actor=UUID(value)) if value in known else queryset.none()


class ActionFilter(admin.SimpleListFilter):
    title = "action"
    parameter_name = "action_is"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        actions = AuditEntry.objects.order_by("action").values_list("action", flat=True).distinct()[:MAX_CHOICES]
        return [(action, action) for action in actions]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset if self.value() is None else queryset.filter(action=self.value())


@admin.register(AuditEntry)
class AuditEntryAdmin(SuperAdminAdmin):
    section, place = "Audit log", 5
    list_display = ("moment", "action", "who", "shown_trade", "about", "why")
    list_display_links = None
    list_filter = (ActionFilter, ActorFilter)
    list_select_related = ("actor", "trade", "subject")
    search_fields = ("action", "trade__reference", "actor__email", "subject__email")
    search_help_text = "Action, trade, or somebody's e-mail"
    date_hierarchy = "at"
    ordering = ("-id",)
    change_list_template = "admin/chat/auditentry/list.html"

    def get_urls(self) -> list[Any]:
        export = self.admin_site.admin_view(self.export)
        return [path("export.csv", export, name="chat_auditentry_export"), *super().get_urls()]

    @admin.display(description="when", ordering="id")
    def moment(self, entry: AuditEntry) -> SafeString | str:
        return shown.when(entry.at)

    @admin.display(description="actor", ordering="actor__display_name")
    def who(self, entry: AuditEntry) -> SafeString | str:
        return "the system" if entry.actor is None else format_html("<bdi>{}</bdi>", entry.actor.display_name)

    @admin.display(description="trade", ordering="trade__reference", empty_value="–")
    def shown_trade(self, entry: AuditEntry) -> SafeString | None:
        if entry.trade is None:
            return None
        address = reverse("admin:chat_trade_change", args=[entry.trade.pk])
        return format_html('<a href="{}"><bdi>{}</bdi></a>', address, entry.trade.reference)

    @admin.display(description="about", ordering="subject__display_name", empty_value="–")
    def about(self, entry: AuditEntry) -> SafeString | None:
        return None if entry.subject is None else format_html("<bdi>{}</bdi>", entry.subject.display_name)

    @admin.display(description="detail")
    def why(self, entry: AuditEntry) -> SafeString:
        return shown.facts(getattr(entry, "facts", entry.detail))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        query = request.GET.urlencode()
        address = reverse("admin:chat_auditentry_export") + (f"?{query}" if query else "")
        response = super().changelist_view(request, {"export_url": address} | (extra_context or {}))
        if isinstance(response, TemplateResponse) and response.context_data:
            entries = response.context_data["cl"].result_list
            for entry, row in zip(entries, history.rows(entries), strict=True):
                entry.facts = row.facts  # with people by their names
        return response

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """The rows that the same query string shows, all of them and not a page, newest first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(reverse("admin:chat_auditentry_changelist") + "?e=1")
        asked = request.GET.urlencode()
        return csv_answer(
            request,
            reports.export_audit(actor=staff(request), entries=rows, asked=asked),
            f"audit-{timezone.now():%Y%m%d-%H%M%S}.csv",
        )
