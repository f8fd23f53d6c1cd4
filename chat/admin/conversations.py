"""Conversations as staff read them: one's own, and of all others no more than that they exist."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin import shown
from chat import access, reachability
from chat.admin import timeline
from chat.admin.base import StaffAdmin, staff
from chat.errors import NotFound
from chat.models import Conversation, Message, Trade


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "open"), ("closed", "closed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> QuerySet[Conversation]:
        if self.value() not in ("open", "closed"):
            return queryset
        return queryset.filter(closed_at__isnull=self.value() == "open")


@admin.register(Conversation)
class ConversationAdmin(StaffAdmin):
    section, place = "Conversations", 2
    list_display = ("conversation", "shown_kind", "messages", "state", "activity")
    list_display_links = ("conversation",)
    list_filter = ("kind", StateFilter)
    search_fields = ("title",)
    search_help_text = "Title, or the trade's reference"
    ordering = ("-last_activity_at", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        """One's own and open notes; super admins see besides that every trade has its two."""
        user = staff(request)
        rows = Conversation.objects.select_related("trade", "noted_trade")
        own = Q(pk__in=Conversation.objects.of(user).values("pk"))
        if user.is_super_admin:
            others = Q(trade__isnull=False) | Q(noted_trade__isnull=False)
            customers_own = Q(trade__customer=user) | Q(noted_trade__customer=user)
            return rows.filter(own | others & ~customers_own)
        visible = Trade.objects.visible_to(user).exclude(customer=user)
        return rows.filter(own | Q(noted_trade__in=visible))

    @admin.display(description="conversation", ordering="title")
    def conversation(self, conversation: Conversation) -> SafeString:
        return format_html("<bdi>{}</bdi>", conversation.title or conversation.kind)

    @admin.display(description="kind", ordering="kind")
    def shown_kind(self, conversation: Conversation) -> SafeString | str:
        return shown.badge(conversation.kind)

    @admin.display(description="events", ordering="head")
    def messages(self, conversation: Conversation) -> int:
        return conversation.head

    @admin.display(description="state", ordering="closed_at")
    def state(self, conversation: Conversation) -> SafeString | str:
        return "closed" if conversation.is_closed else "open"

    @admin.display(description="last activity", ordering="last_activity_at")
    def activity(self, conversation: Conversation) -> SafeString | str:
        return shown.when(conversation.last_activity_at)

    def get_urls(self) -> list[Any]:
        reached = self.admin_site.admin_view(self.reached)
        address = "<uuid:conversation_id>/messages/<uuid:message_id>/"
        return [path(address, reached, name="chat_conversation_reached"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: Conversation = self.get_row(request, object_id)
        context = self._context(request, row)
        try:
            readable = access.get_conversation(staff(request), row.pk)
        except NotFound:
            return self._ask_for_a_reason(request, row, context)
        people = row.participants.current().select_related("user").order_by("id")
        context |= {"chat": timeline.read(readable, staff(request), request.GET), "people": people[:100]}
        return TemplateResponse(request, "admin/chat/conversation/page.html", context)

    def reached(self, request: HttpRequest, conversation_id: UUID, message_id: UUID) -> HttpResponse:
        """How one message got to whom, for whoever may read it."""
        row: Conversation = self.get_row(request, conversation_id)
        context = self._context(request, row)
        try:
            access.get_conversation(staff(request), row.pk)
        except NotFound:
            return self._ask_for_a_reason(request, row, context)
        message = Message.objects.complete().filter(conversation=row, pk=message_id).first()
        if message is None:
            raise Http404
        context["reached"] = reachability.reached(message)
        return TemplateResponse(request, "admin/chat/conversation/reached.html", context)

    def _context(self, request: HttpRequest, row: Conversation) -> dict[str, Any]:
        return self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": row.title or "Conversation",
            "conversation": row,
            "trade": trade_of(row),
        }

    def _ask_for_a_reason(self, request: HttpRequest, row: Conversation, context: dict[str, Any]) -> HttpResponse:
        """Of a trade's chat a super admin learns that it is there; what was said in it takes a reason."""
        trade = trade_of(row)
        user = staff(request)
        if not user.is_super_admin or trade is None or trade.customer_id == user.pk:
            raise Http404
        return TemplateResponse(request, "admin/chat/conversation/page.html", context | {"trade": trade})


def trade_of(conversation: Conversation) -> Trade | None:
    """For a conversation fetched with both of its ways to a trade."""
    return getattr(conversation, "trade", None) or getattr(conversation, "noted_trade", None)
