"""Escalations: for super admins to take and decide, for others to see what became of theirs."""

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin import shown
from chat.actions import escalations
from chat.actions.transitions import RESOLVE
from chat.admin.base import StaffAdmin, attempt, staff
from chat.admin.trades import back_to_trade
from chat.enums import TradeStatus
from chat.errors import Invalid
from chat.models import Escalation, Trade

DONE = {"take": "You have taken the escalation.", "resolve": "Decided. The customer has been told."}


class DecisionFilter(admin.SimpleListFilter):
    title = "decision"
    parameter_name = "decision"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(decision.value, decision.value) for decision in RESOLVE]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Escalation]) -> QuerySet[Escalation]:
        return queryset if self.value() is None else queryset.filter(decision=self.value())


@admin.register(Escalation)
class EscalationAdmin(StaffAdmin):
    section, place = "Escalations", 3
    list_display = ("raised", "trade_reference", "shown_status", "by", "taker", "shown_decision")
    list_display_links = ("raised",)
    list_filter = ("status", DecisionFilter)
    search_fields = ("trade__reference",)
    search_help_text = "Reference of the trade"
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Escalation]:
        """For super admins all, for others those they raised or whose trade is theirs; of one's own trade none."""
        user = staff(request)
        rows = Escalation.objects.complete().exclude(trade__customer=user)
        return rows if user.is_super_admin else rows.filter(Q(raised_by=user) | Q(trade__assignee=user))

    @admin.display(description="raised", ordering="created_at")
    def raised(self, escalation: Escalation) -> SafeString | str:
        return shown.when(escalation.created_at)

    @admin.display(description="trade", ordering="trade__reference")
    def trade_reference(self, escalation: Escalation) -> SafeString:
        return format_html("<bdi>{}</bdi>", escalation.trade.reference)

    @admin.display(description="status", ordering="status")
    def shown_status(self, escalation: Escalation) -> SafeString | str:
        return shown.badge(escalation.status)

    @admin.display(description="by", ordering="raised_by__display_name")
    def by(self, escalation: Escalation) -> SafeString | str:
        person = escalation.raised_by
        return "the system" if person is None else format_html("<bdi>{}</bdi>", person.display_name)

    @admin.display(description="taken by", ordering="taken_by__display_name")
    def taker(self, escalation: Escalation) -> SafeString | None:
        person = escalation.taken_by
        return None if person is None else format_html("<bdi>{}</bdi>", person.display_name)

    @admin.display(description="decision", ordering="decision")
    def shown_decision(self, escalation: Escalation) -> SafeString | str:
        return shown.badge(escalation.decision)

    def get_urls(self) -> list[Any]:
        do = self.admin_site.admin_view(self.do)
        return [path("<uuid:escalation_id>/do/<slug:name>/", do, name="chat_escalation_do"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        escalation: Escalation = self.get_row(request, object_id)
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": escalation.trade.reference,
            "escalation": escalation,
            "decisions": tuple(RESOLVE),
            "may_judge": staff(request).is_super_admin,
            "sees_trade": Trade.objects.visible_to(staff(request)).filter(pk=escalation.trade_id).exists(),
        }
        return TemplateResponse(request, "admin/chat/escalation/page.html", context)

    def do(self, request: HttpRequest, escalation_id: UUID, name: str) -> HttpResponse:
        """Take or resolve; then the trade's page, where the chat is."""
        if name not in DONE:
            raise Http404
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        escalation: Escalation = self.get_row(request, escalation_id)
        actor = staff(request)
        if name == "take":
            action = partial(escalations.take, actor=actor, escalation_id=escalation_id)
        else:
            action = partial(_resolve, actor, escalation_id, request.POST)
        attempt(request, action, DONE[name])
        return back_to_trade(request, escalation.trade_id)


def _resolve(actor: Any, escalation_id: UUID, form: Any) -> Escalation:
    decision = form.get("decision", "")
    if decision not in RESOLVE:
        raise Invalid("Choose a decision.", pointer="/decision")
    return escalations.resolve(
        actor=actor, escalation_id=escalation_id, decision=TradeStatus(decision), reason=form.get("reason", "")
    )
