"""Trades as staff find them, and one of them with its chat, its notes, its history and what can be done about it."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin import shown
from accounts.models import User
from chat import access, queries
from chat.actions import assignment
from chat.actions.transitions import RESOLVE
from chat.admin import history, timeline
from chat.admin.base import StaffAdmin, attempt, refusal_of, staff
from chat.admin.filters import AssigneeFilter, PaymentMethodFilter
from chat.admin.trade_buttons import BUTTONS, offered
from chat.enums import UNRESOLVED_STATUSES
from chat.errors import NotFound
from chat.models import AuditEntry, Conversation, Escalation, Participant, Trade
from chat.serializers import amount

DECISIONS = tuple(RESOLVE)
MAX_SEARCH = 200
HISTORY = 100


@admin.register(Trade)
class TradeAdmin(StaffAdmin):
    section, place = "Trades", 1
    list_display = (
        *("trade", "shown_customer", "shown_status", "shown_assignee", "waiting", "queue", "deadline", "opened"),
    )
    list_display_links = ("trade",)
    list_filter = ("status", AssigneeFilter, "waiting_on", PaymentMethodFilter)
    search_fields = ("reference", "customer__email")
    search_help_text = "Reference, or the customer's e-mail"
    date_hierarchy = "opened_at"
    ordering = ("-opened_at", "-id")
    actions = ("take_chosen", "release_chosen")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Trade]:
        return Trade.objects.visible_to(staff(request)).select_related("customer", "assignee")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Trade], search_term: str
    ) -> tuple[QuerySet[Trade], bool]:
        if len(search_term) > MAX_SEARCH:  # nothing that we know is called so
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Places in the queue are looked up for the rows of this page: those in front of it would cost too much."""
        response = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data:
            queue = Trade.objects.queued().values_list("pk", flat=True)
            places = {trade_id: place for place, trade_id in enumerate(queue, 1)}
            for trade in response.context_data["cl"].result_list:
                trade.place = places.get(trade.pk)
        return response

    # -- the list ------------------------------------------------------------------------------------------------------

    @admin.display(description="trade", ordering="reference")
    def trade(self, trade: Trade) -> SafeString:
        return format_html("<bdi>{}</bdi>", trade.reference)

    @admin.display(description="customer", ordering="customer__email")
    def shown_customer(self, trade: Trade) -> SafeString:
        customer = trade.customer
        return format_html("<bdi>{}</bdi> <bdi class='quiet'>{}</bdi>", customer.display_name, customer.email)

    @admin.display(description="status", ordering="status")
    def shown_status(self, trade: Trade) -> SafeString | str:
        return shown.badge(trade.status)

    @admin.display(description="assignee", ordering="assignee__display_name", empty_value="–")
    def shown_assignee(self, trade: Trade) -> SafeString | None:
        return None if trade.assignee is None else format_html("<bdi>{}</bdi>", trade.assignee.display_name)

    @admin.display(description="waiting on", ordering="waiting_since", empty_value="–")
    def waiting(self, trade: Trade) -> SafeString | None:
        if trade.waiting_since is None:
            return None
        return format_html("{} <span class='quiet'>{}</span>", trade.waiting_on, shown.since(trade.waiting_since))

    @admin.display(description="queue", ordering="queued_at", empty_value="–")
    def queue(self, trade: Trade) -> str | None:
        place = getattr(trade, "place", None)
        return None if place is None else str(place)

    @admin.display(description="deadline", ordering="deadline_at")
    def deadline(self, trade: Trade) -> SafeString | str:
        return "–" if trade.closed_at else shown.until(trade.deadline_at)

    @admin.display(description="opened", ordering="opened_at")
    def opened(self, trade: Trade) -> SafeString | str:
        return shown.when(trade.opened_at)

    @admin.action(description="Take the chosen trades")
    def take_chosen(self, request: HttpRequest, chosen: QuerySet[Trade]) -> None:
        self._each(request, chosen, assignment.take, "Trades taken")

    @admin.action(description="Put the chosen trades back into the queue")
    def release_chosen(self, request: HttpRequest, chosen: QuerySet[Trade]) -> None:
        self._each(request, chosen, assignment.release, "Trades released")

    def _each(self, request: HttpRequest, chosen: QuerySet[Trade], action: Callable[..., object], done: str) -> None:
        """One trade at a time, so that a refusal stops no other; says of each why it was refused."""
        found, refused = list(chosen.order_by("opened_at", "id")), []
        for trade in found:
            try:
                refusal = refusal_of(partial(action, actor=staff(request), trade_id=trade.pk))
            except Http404:
                refusal = NotFound.detail
            if refusal is not None:
                refused.append(f"{trade.reference}: {refusal}")
        messages.success(request, f"{done}: {len(found) - len(refused)}.")
        missing = len(set(request.POST.getlist("_selected_action"))) - len(found)
        if missing > 0:
            refused.append(f"Not there any more, or not for you: {missing}.")
        for line in refused:
            messages.error(request, line)

    # -- one trade -----------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        press = self.admin_site.admin_view(self.press)
        return [path("<uuid:trade_id>/do/<slug:name>/", press, name="chat_trade_do"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            trade = access.get_trade(staff(request), self.get_row(request, object_id).pk)
        except NotFound as error:  # gone a moment ago
            raise Http404 from error
        context = self.admin_site.each_context(request) | self._page(staff(request), trade, request)
        return TemplateResponse(request, "admin/chat/trade/page.html", context)

    def press(self, request: HttpRequest, trade_id: UUID, name: str) -> HttpResponse:
        """A button: its action says whether that may be. Afterwards the trade's page, or the list if it is gone."""
        if name not in BUTTONS:
            raise Http404
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        button = BUTTONS[name]
        attempt(request, partial(button.press, staff(request), trade_id, request.POST), button.done)
        return back_to_trade(request, trade_id)

    def _page(self, user: User, trade: Trade, request: HttpRequest) -> dict[str, Any]:
        colleagues = User.objects.staff().exclude(pk__in=[trade.customer_id, trade.assignee_id or user.pk])
        earlier, total = queries.earlier_trades(trade)
        entries = AuditEntry.objects.filter(trade=trade).select_related("actor", "subject")
        if trade.customer_id == user.pk:  # somebody promoted from customer learns no more than any other customer
            earlier, total, entries = [], 0, entries.none()
        may_judge = trade.customer_id != user.pk and (user.is_super_admin or trade.assignee_id == user.pk)
        told = list(Escalation.objects.filter(trade=trade).complete()) if may_judge else []
        escalated = any(escalation.status in UNRESOLVED_STATUSES for escalation in told)
        return {
            "opts": self.opts,
            "title": trade.reference,
            "trade": trade,
            "chat": _readable(user, trade.conversation_id, request),
            "seat": _seat(user, trade),
            "may_step_in": user.is_super_admin and trade.customer_id != user.pk,
            "notes": _readable(user, trade.notes_conversation_id, None),
            "amounts": {"asset": amount(trade.asset_amount), "fiat": amount(trade.fiat_amount)},
            "links_to_all": user.is_super_admin,
            "buttons": [button for button in offered(user, trade) if not (escalated and button.name == "escalate")],
            "colleagues": colleagues.order_by("display_name", "pk"),
            "escalations": told,
            "decisions": DECISIONS,
            "history": history.rows(entries[:HISTORY]),
            "earlier": earlier,
            "earlier_more": total - len(earlier),
        }


def back_to_trade(request: HttpRequest, trade_id: UUID) -> HttpResponse:
    """Where a button leads: to the trade's page, or to the list for whom it is gone."""
    if Trade.objects.visible_to(staff(request)).filter(pk=trade_id).exists():
        return HttpResponseRedirect(reverse("admin:chat_trade_change", args=[trade_id]))
    return HttpResponseRedirect(reverse("admin:chat_trade_changelist"))


def _seat(user: User, trade: Trade) -> Participant | None:
    """A super admin's own place in a chat that somebody else looks after."""
    if not user.is_super_admin or trade.assignee_id == user.pk:
        return None
    return Participant.objects.current().filter(conversation=trade.conversation_id, user=user).first()


def _readable(user: User, conversation_id: UUID, request: HttpRequest | None) -> timeline.Timeline | None:
    """What the person may read of a conversation, through the one door to it; None when that is nothing."""
    try:
        conversation: Conversation = access.get_conversation(user, conversation_id)
    except NotFound:
        return None
    return timeline.read(conversation, user, request.GET if request else None)
