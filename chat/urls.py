"""The addresses of the chat, below api/v1/."""

from typing import Any

from django.urls import URLPattern, path

from chat.api.blocks import BlockViewSet
from chat.api.canned_replies import CannedReplyViewSet
from chat.api.conversations import ConversationViewSet, EventViewSet, MessageViewSet, ReceiptViewSet
from chat.api.escalations import EscalationViewSet
from chat.api.mentions import MentionViewSet
from chat.api.oversight import AuditViewSet, ReportViewSet, StatsViewSet
from chat.api.participants import ParticipantViewSet
from chat.api.trades import StaffViewSet, TradeViewSet

CONVERSATION = "conversations/<uuid:conversation_id>/"
REPLY = "canned-replies/<uuid:reply_id>/"
TRADE = "trades/<uuid:trade_id>/"


def _at(address: str, view: Any, **actions: str) -> URLPattern:
    pattern: URLPattern = path(address, view.as_view(actions))
    return pattern


urlpatterns = [
    _at("conversations/", ConversationViewSet, get="list"),
    _at("conversations/direct/", ConversationViewSet, post="direct"),
    _at("conversations/group/", ConversationViewSet, post="group"),
    _at(CONVERSATION, ConversationViewSet, get="retrieve", patch="partial_update"),
    _at(f"{CONVERSATION}messages/", MessageViewSet, get="list", post="create"),
    _at(f"{CONVERSATION}events/", EventViewSet, get="list"),
    _at(f"{CONVERSATION}read/", ReceiptViewSet, post="read"),
    _at(f"{CONVERSATION}delivered/", ReceiptViewSet, post="delivered"),
    _at(f"{CONVERSATION}typing/", ReceiptViewSet, post="typing"),
    _at(f"{CONVERSATION}participants/", ParticipantViewSet, post="create"),
    _at(
        f"{CONVERSATION}participants/<uuid:user_id>/",
        ParticipantViewSet,
        patch="partial_update",
        delete="destroy",
    ),
    _at("messages/<uuid:message_id>/", MessageViewSet, get="retrieve"),
    _at("blocks/", BlockViewSet, get="list"),
    _at("users/<uuid:user_id>/block/", BlockViewSet, put="update", delete="destroy"),
    _at("unread/", ConversationViewSet, get="unread"),
    _at("trades/", TradeViewSet, get="list", post="create"),
    _at(TRADE, TradeViewSet, get="retrieve"),
    *(
        _at(f"{TRADE}{move}/", TradeViewSet, post=move)
        for move in (
            *("proof", "approve", "reject", "cancel", "dispute", "escalate", "rate"),
            *("take", "assign", "release", "join", "leave"),
        )
    ),
    _at("canned-replies/", CannedReplyViewSet, get="list", post="create"),
    _at(REPLY, CannedReplyViewSet, get="retrieve", patch="partial_update", delete="destroy"),
    _at(f"{REPLY}render/", CannedReplyViewSet, post="render"),
    _at(f"{TRADE}history/", TradeViewSet, get="history"),
    _at("escalations/", EscalationViewSet, get="list"),
    *(_at(f"escalations/<uuid:escalation_id>/{step}/", EscalationViewSet, post=step) for step in ("take", "resolve")),
    _at("mentions/", MentionViewSet, get="list"),
    _at("staff/", StaffViewSet, get="list"),
    _at("audit/", AuditViewSet, get="list"),
    _at("stats/", StatsViewSet, get="retrieve"),
    _at("reports/trades.csv", ReportViewSet, get="trades"),
]
