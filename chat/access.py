"""
The only door to a conversation or a trade: every edge and action gets one here, with the right to it checked.

A stranger's id and a missing id raise the same NotFound. What somebody may see but not do raises Forbidden.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from uuid import UUID

from django.db.models import OuterRef, Prefetch, Q, Subquery
from django.db.models.functions import Coalesce

from accounts.models import Role, User
from accounts.models.user import UserQuerySet
from chat import eventlog
from chat.enums import OPEN_STATUSES, ConversationKind, ParticipantRole
from chat.errors import ConversationClosed, Forbidden, NotFound
from chat.models import Conversation, Message, Participant, Trade
from chat.querysets import ConversationQuerySet, TradeQuerySet


class Right(StrEnum):
    """What somebody may want to do with a trade they can see."""

    SUBMIT_PROOF = "submit_proof"
    CANCEL = "cancel"
    DECIDE = "decide"
    TAKE = "take"
    HAND_OVER = "hand_over"
    DISPUTE = "dispute"
    ESCALATE = "escalate"
    JUDGE = "judge"  # take and decide an escalation
    JOIN = "join"
    RATE = "rate"
    LOOK_BACK = "look_back"  # at who did what about it


def get_participant(user: User, conversation_id: UUID) -> Participant:
    """
    The person's own place in a conversation they take part in now, with the conversation. Staff who may read the
    notes of a trade without following them get a place that is not stored.
    """
    try:
        return (
            Participant.objects.current().select_related("conversation").get(conversation_id=conversation_id, user=user)
        )
    except Participant.DoesNotExist:
        return Participant(conversation=_get_open_notes(user, conversation_id), user=user, role=ParticipantRole.MEMBER)


def _get_open_notes(user: User, conversation_id: UUID) -> Conversation:
    """Staff notes are open to super admins, and to every admin while the trade waits in the queue."""
    if not user.is_staff:
        raise NotFound
    trades = Trade.objects.visible_to(user).exclude(customer=user).select_related("notes_conversation")
    try:
        return trades.get(notes_conversation=conversation_id).notes_conversation
    except Trade.DoesNotExist:
        raise NotFound from None


def get_conversation(user: User, conversation_id: UUID) -> Conversation:
    """A conversation the person takes part in now."""
    return get_participant(user, conversation_id).conversation


def get_message(user: User, message_id: UUID) -> Message:
    """A message of a conversation the person takes part in now, or of notes that are open to them."""
    try:
        message = Message.objects.complete().get(pk=message_id)
    except Message.DoesNotExist:
        raise NotFound from None
    get_participant(user, message.conversation_id)
    return message


def get_trade(user: User, trade_id: UUID) -> Trade:
    """A trade the person may know of."""
    try:
        return Trade.objects.visible_to(user).complete().get(pk=trade_id)
    except Trade.DoesNotExist:
        raise NotFound from None


def lock_trade(user: User, trade_id: UUID, right: Right) -> Trade:
    """
    A trade to be changed, with its conversations: held until the commit, so that two who race for it are told apart.
    Staff learn from a refusal that the trade exists (somebody else's), customers only of their own.
    """
    trade = hold_trade(trade_id, Trade.objects.all() if user.is_staff else Trade.objects.filter(customer=user))
    if trade is None:
        raise NotFound
    require(user, right, trade)
    return trade


def hold_trade(trade_id: UUID, among: TradeQuerySet | None = None) -> Trade | None:
    """
    Its conversations' rows, then its own, held until the commit: the one order for everybody who changes a trade,
    since a message holds its conversation when it sets whose turn it is. Admins' rows come after that, by id.
    """
    rows = Trade.objects.all() if among is None else among
    conversations = rows.filter(pk=trade_id).values_list("conversation_id", "notes_conversation_id").first()
    if conversations is None:
        return None
    eventlog.lock(conversations)
    held = rows.select_for_update(of=("self",), no_key=True).select_related("customer", "conversation", "assignee")
    return held.filter(pk=trade_id).first()


def require(user: User, right: Right, trade: Trade) -> None:
    """Raise Forbidden unless the person may do this to a trade they can see. Says nothing about its status."""
    if not _ALLOWED[right](user, trade):
        raise Forbidden


def _is_customer(user: User, trade: Trade) -> bool:
    return trade.customer_id == user.pk


def _is_assignee(user: User, trade: Trade) -> bool:
    # Somebody promoted from customer never decides about their own trade.
    return user.is_staff and trade.assignee_id == user.pk and trade.customer_id != user.pk


def _is_other_staff(user: User, trade: Trade) -> bool:
    return user.is_staff and trade.customer_id != user.pk


def _is_judge(user: User, trade: Trade) -> bool:
    return user.is_super_admin and trade.customer_id != user.pk


_ALLOWED: dict[Right, Callable[[User, Trade], bool]] = {
    Right.SUBMIT_PROOF: _is_customer,
    Right.CANCEL: lambda user, trade: _is_customer(user, trade) or _is_assignee(user, trade),
    Right.DECIDE: lambda user, trade: _is_assignee(user, trade) or _is_judge(user, trade),
    Right.TAKE: _is_other_staff,
    Right.HAND_OVER: lambda user, trade: _is_assignee(user, trade) or _is_judge(user, trade),
    Right.DISPUTE: _is_customer,
    Right.ESCALATE: lambda user, trade: _is_customer(user, trade) or _is_assignee(user, trade),
    Right.JUDGE: _is_judge,
    Right.JOIN: _is_judge,
    Right.RATE: _is_customer,
    Right.LOOK_BACK: _is_other_staff,
}


def check_may_write(role: str, *, is_closed: bool, kind: str = "") -> None:
    """Raise unless somebody with this role in it may say something now."""
    if is_closed:
        raise ConversationClosed
    if role == ParticipantRole.OBSERVER:  # in a direct conversation that is a block: the same words for both of them
        raise Forbidden("No messages pass between you and this person." if kind == ConversationKind.DIRECT else None)


def summaries(user: User) -> ConversationQuerySet:
    """The person's conversations with all that the conversation summary shows, in a constant number of queries."""
    people = Participant.objects.current().seen_by(user).complete().order_by("id")
    trade = Trade.objects.filter(conversation=OuterRef("pk")).values("pk")
    noted = Trade.objects.filter(notes_conversation=OuterRef("pk")).values("pk")
    rows = (
        Conversation.objects.of(user)  # type: ignore[no-redef]  # the model declares what is added here
        .with_unread(user)
        .annotate(trade_id=Coalesce(Subquery(trade), Subquery(noted)))
        .select_related("last_message__sender")
        .prefetch_related(Prefetch("participants", queryset=people, to_attr="present"))
    )
    return rows


def get_summary(user: User, conversation_id: UUID) -> Conversation:
    try:
        return summaries(user).get(pk=conversation_id)
    except Conversation.DoesNotExist:
        raise NotFound from None


def staff_roles() -> dict[UUID, str]:
    return dict(User.objects.staff().values_list("pk", "role"))


def staff_of(trade: Trade, roles: Mapping[UUID, str]) -> list[UUID]:
    """
    Which of the staff (their roles by id) are told that the trade changed: its assignee and super admins, and
    everybody while it is queued.
    """
    is_queued = trade.assignee_id is None and trade.status in OPEN_STATUSES
    return [
        user_id
        for user_id, role in roles.items()
        if user_id != trade.customer_id and (is_queued or role == Role.SUPER_ADMIN or user_id == trade.assignee_id)
    ]


def super_admins(trade: Trade) -> Iterable[UUID]:
    """Those who have no stake in the trade."""
    staff = User.objects.staff().filter(role=Role.SUPER_ADMIN).exclude(pk=trade.customer_id)
    return staff.values_list("pk", flat=True)


def staff_who_read_notes(trade: Trade) -> UserQuerySet:
    """Who follows the notes of the trade now, or may read them without."""
    seats = Participant.objects.current().filter(conversation=trade.notes_conversation_id)
    readers = Q(pk__in=staff_of(trade, staff_roles())) | Q(pk__in=seats.values("user"))
    return User.objects.staff().exclude(pk=trade.customer_id).filter(readers)


def staff_who_judge(trade: Trade) -> Iterable[UUID]:
    """Whom an escalation concerns: super admins, and the trade's assignee."""
    staff = User.objects.staff().exclude(pk=trade.customer_id)
    return staff.filter(Q(role=Role.SUPER_ADMIN) | Q(pk=trade.assignee_id)).values_list("pk", flat=True)
