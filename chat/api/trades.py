"""Trades over REST: the list, opening one, and its moves."""

from uuid import UUID

from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts import paging
from accounts.requests import UserRequest, read_body
from chat import access, queries
from chat.access import Right
from chat.actions import assignment, breakglass, escalations, ratings, trades
from chat.actions.trades import Move
from chat.api import bodies
from chat.api.schema import endpoint
from chat.enums import TradeStatus
from chat.errors import Forbidden
from chat.models import AuditEntry, Trade
from chat.serializers import (
    AuditShape,
    ColleagueShape,
    StaffTradeShape,
    TradeDetailShape,
    TradeShape,
    audit_shape,
    colleague_shape,
    trade_detail_shape,
    trade_shape,
)

ANY_TRADE = TradeShape | StaffTradeShape


class TradeViewSet(ViewSet):
    @endpoint(
        "Trades: my own; for staff also the queue",
        answer=ANY_TRADE,
        page=True,
        query={
            "limit": "1 to 100, default 50.",
            "cursor": "From `next` or `previous`.",
            "queue": "1: only those that wait for an admin, longest first (staff).",
            "status": "Only those in this status.",
            "reference": "Only the one with this reference.",
        },
        refusals=(403,),
        tag="trades",
    )
    def list(self, request: UserRequest) -> Response:
        rows = Trade.objects.visible_to(request.user).complete()
        ordering: tuple[str, ...] = ("-opened_at", "-id")
        if paging.read_flag(request, "queue"):
            if not request.user.is_staff:
                raise Forbidden("The queue is for staff.")
            rows, ordering = rows.queued(), ("queued_at", "id")
        status = paging.read_choice(request, "status", tuple(TradeStatus))
        if status is not None:
            rows = rows.filter(status=status)
        reference = paging.read_text(request, "reference")
        if reference is not None:
            rows = rows.filter(reference=reference)
        pages = paging.Pages(ordering)
        return pages.answer([self._shape(request, trade) for trade in pages.page_of(rows, request)])

    @endpoint(
        "Open a trade",
        body=bodies.NewTrade,
        answer=TradeShape,
        status=201,
        also={200: "The same trade was opened before."},
        refusals=(403, 409),
        description="An available admin is assigned at once, or the trade is queued (`queue_position`).",
        tag="trades",
    )
    def create(self, request: UserRequest) -> Response:
        details = read_body(request, bodies.NewTrade).details()
        trade, created = trades.open_trade(actor=request.user, details=details)
        return Response(self._shape(request, trade), status=201 if created else 200)

    @endpoint(
        "One trade",
        answer=TradeShape | TradeDetailShape,
        description="For staff with the customer's earlier trades.",
        tag="trades",
    )
    def retrieve(self, request: UserRequest, trade_id: UUID) -> Response:
        trade = access.get_trade(request.user, trade_id)
        if not request.user.is_staff:
            return Response(self._shape(request, trade))
        return Response(trade_detail_shape(trade, *queries.earlier_trades(trade)))

    @endpoint(
        "Submit proof of payment", body=bodies.Reasoned, answer=TradeShape, refusals=(403, 404, 409), tag="trades"
    )
    def proof(self, request: UserRequest, trade_id: UUID) -> Response:
        return self._move(request, trade_id, trades.PROOF)

    @endpoint(
        "Approve the payment", body=bodies.Reasoned, answer=StaffTradeShape, refusals=(403, 404, 409), tag="trades"
    )
    def approve(self, request: UserRequest, trade_id: UUID) -> Response:
        return self._move(request, trade_id, trades.APPROVE)

    @endpoint(
        "Reject the payment, with a reason",
        body=bodies.Reasoned,
        answer=StaffTradeShape,
        refusals=(403, 404, 409),
        tag="trades",
    )
    def reject(self, request: UserRequest, trade_id: UUID) -> Response:
        return self._move(request, trade_id, trades.REJECT)

    @endpoint("Cancel the trade", body=bodies.Reasoned, answer=ANY_TRADE, refusals=(403, 404, 409), tag="trades")
    def cancel(self, request: UserRequest, trade_id: UUID) -> Response:
        return self._move(request, trade_id, trades.CANCEL)

    @endpoint(
        "Dispute the trade: a super admin decides",
        body=bodies.Reasoned,
        answer=TradeShape,
        refusals=(403, 404, 409),
        description="From `pending`, `verifying` and `rejected`; from `completed` for 24 hours. A decision is final.",
        tag="trades",
    )
    def dispute(self, request: UserRequest, trade_id: UUID) -> Response:
        return self._move(request, trade_id, trades.DISPUTE)

    @endpoint(
        "Call a super admin to the trade",
        body=bodies.Reasoned,
        answer=ANY_TRADE,
        refusals=(403, 404, 409),
        description="Its customer after 30 minutes without an answer; its assignee at any time, with a reason.",
        tag="trades",
    )
    def escalate(self, request: UserRequest, trade_id: UUID) -> Response:
        reason = read_body(request, bodies.Reasoned).reason or ""
        escalations.escalate(actor=request.user, trade_id=trade_id, reason=reason)
        return Response(self._shape(request, access.get_trade(request.user, trade_id)))

    @endpoint(
        "Rate how the trade was handled", body=bodies.Rating, answer=TradeShape, refusals=(403, 404, 409), tag="trades"
    )
    def rate(self, request: UserRequest, trade_id: UUID) -> Response:
        body = read_body(request, bodies.Rating)
        trade = ratings.rate(actor=request.user, trade_id=trade_id, rating=body.rating, comment=body.comment or "")
        return Response(self._shape(request, trade))

    @endpoint("Take a trade from the queue", answer=StaffTradeShape, refusals=(403, 404, 409), tag="trades")
    def take(self, request: UserRequest, trade_id: UUID) -> Response:
        return Response(self._shape(request, assignment.take(actor=request.user, trade_id=trade_id)))

    @endpoint(
        "Hand a trade over to a colleague",
        body=bodies.HandOver,
        answer=StaffTradeShape,
        refusals=(403, 404, 409),
        tag="trades",
    )
    def assign(self, request: UserRequest, trade_id: UUID) -> Response:
        body = read_body(request, bodies.HandOver)
        trade = assignment.hand_over(
            actor=request.user, trade_id=trade_id, admin_id=body.admin_id, note=body.note or ""
        )
        return Response(self._shape(request, trade))

    @endpoint(
        "Put a trade back into the queue",
        body=bodies.Released,
        answer=StaffTradeShape,
        refusals=(403, 404, 409),
        tag="trades",
    )
    def release(self, request: UserRequest, trade_id: UUID) -> Response:
        body = read_body(request, bodies.Released)
        trade = assignment.release(actor=request.user, trade_id=trade_id, note=body.note or "")
        return Response(self._shape(request, trade))

    @endpoint(
        "Open a trade's chat from outside, with a reason (super admins)",
        body=bodies.Joining,
        answer=StaffTradeShape,
        refusals=(403, 404, 409),
        description="To read, which its customer does not see and the history records; with `write`, for all to see.",
        tag="trades",
    )
    def join(self, request: UserRequest, trade_id: UUID) -> Response:
        body = read_body(request, bodies.Joining)
        reason = body.reason or ""
        trade = breakglass.join(actor=request.user, trade_id=trade_id, reason=reason, write=body.write)
        return Response(self._shape(request, trade))

    @endpoint("Leave a trade's chat again", answer=StaffTradeShape, refusals=(403, 404, 409), tag="trades")
    def leave(self, request: UserRequest, trade_id: UUID) -> Response:
        return Response(self._shape(request, breakglass.leave(actor=request.user, trade_id=trade_id)))

    @endpoint(
        "What was done about the trade, newest first (staff)",
        answer=AuditShape,
        page=True,
        query={"limit": "1 to 100, default 50.", "cursor": "From `next` or `previous`."},
        refusals=(403, 404),
        tag="trades",
    )
    def history(self, request: UserRequest, trade_id: UUID) -> Response:
        trade = access.get_trade(request.user, trade_id)
        access.require(request.user, Right.LOOK_BACK, trade)
        pages = paging.Pages(("-at", "-id"))
        rows = AuditEntry.objects.filter(trade=trade).select_related("actor", "subject", "trade")
        return pages.answer([audit_shape(entry) for entry in pages.page_of(rows, request)])

    def _move(self, request: UserRequest, trade_id: UUID, move: Move) -> Response:
        reason = read_body(request, bodies.Reasoned).reason or ""
        trade = trades.make_move(actor=request.user, trade_id=trade_id, move=move, reason=reason)
        return Response(self._shape(request, trade))

    def _shape(self, request: UserRequest, trade: Trade) -> TradeShape:
        return trade_shape(trade, for_staff=request.user.is_staff)


class StaffViewSet(ViewSet):
    @endpoint("My colleagues", answer=ColleagueShape, page=True, refusals=(403,), tag="staff")
    def list(self, request: UserRequest) -> Response:
        if not request.user.is_staff:
            raise Forbidden
        pages = paging.Pages(("display_name", "id"))
        return pages.answer(
            [
                colleague_shape(user, open_trades=user.open_trades)
                for user in pages.page_of(queries.colleagues(), request)
            ]
        )
