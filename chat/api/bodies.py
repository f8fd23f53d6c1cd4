"""What the endpoints of the chat take. Fields that are not named here are ignored, whatever they claim."""

import re
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from chat.actions import canned_replies, groups
from chat.actions.trades import TradeDetails
from chat.enums import ParticipantRole, TradeSide
from chat.errors import Invalid
from chat.protocol import MAX_TITLE, Body, Seq, check_line

AMOUNT = re.compile(r"(?:0|[1-9]\d{0,19})(?:\.\d{1,18})?", re.ASCII)

Label = Annotated[str, Meta(min_length=1, max_length=32)]
Reference = Annotated[str, Meta(min_length=1, max_length=64)]
AmountText = Annotated[str, Meta(max_length=40)]
Moment = Annotated[datetime, Meta(tz=True)]
Reason = Annotated[str, Meta(max_length=1_000)]
Title = Annotated[str, Meta(min_length=1, max_length=MAX_TITLE)]
ReplyTitle = Annotated[str, Meta(min_length=1, max_length=canned_replies.MAX_TITLE)]
GroupRole = Literal["owner", "moderator", "member", "observer"]


class NewMessage(Struct):
    body: Body = ""
    client_id: UUID | None = None
    kind: Literal["text"] = "text"
    reply_to: UUID | None = None


class Position(Struct):
    seq: Seq


class Typing(Struct):
    typing: bool


class NewDirect(Struct):
    user_id: UUID


class NewGroup(Struct):
    title: Title
    participant_ids: Annotated[list[UUID], Meta(max_length=groups.MAX_PEOPLE)] = []


class NewParticipant(Struct):
    user_id: UUID
    role: GroupRole = ParticipantRole.MEMBER.value


class ParticipantChange(Struct):
    role: GroupRole


class ConversationChange(Struct):
    """A group's title, which is everybody's, and one's own settings."""

    title: Title | UnsetType = UNSET
    muted_until: Moment | UnsetType | None = UNSET
    archived: bool | UnsetType = UNSET

    def changes(self) -> dict[str, Any]:
        """What was given. The first and last year are refused: in another time zone they lie outside the calendar."""
        given = {name: value for name, value in asdict(self).items() if value is not UNSET}
        if isinstance(until := given.get("muted_until"), datetime):
            if not MINYEAR < until.year < MAXYEAR:
                raise Invalid("This time is too far away.", pointer="/muted_until")
            given["muted_until"] = until.astimezone(UTC)  # PostgreSQL knows no offset beyond 16 hours
        return given


class NewCannedReply(Struct):
    title: ReplyTitle
    body: Body
    team: bool = False


class CannedReplyChange(Struct):
    title: ReplyTitle | UnsetType = UNSET
    body: Body | UnsetType = UNSET

    def changes(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value is not UNSET}


class FilledIn(Struct):
    trade_id: UUID


class NewTrade(Struct):
    reference: Reference
    side: Literal["buy", "sell"]
    asset: Label
    asset_amount: AmountText
    fiat_currency: Label
    fiat_amount: AmountText
    payment_method: Label

    def details(self) -> TradeDetails:
        for name in ("reference", "asset", "fiat_currency", "payment_method"):
            check_line(getattr(self, name), f"/{name}")
        return TradeDetails(
            reference=self.reference,
            side=TradeSide(self.side),
            asset=self.asset,
            asset_amount=_amount(self.asset_amount, "/asset_amount"),
            fiat_currency=self.fiat_currency,
            fiat_amount=_amount(self.fiat_amount, "/fiat_amount"),
            payment_method=self.payment_method,
        )


class Reasoned(Struct):
    reason: Reason | None = None


class Joining(Struct):
    reason: Reason | None = None
    write: bool = False


class Rating(Struct):
    rating: int
    comment: Reason | None = None


class Decision(Struct):
    decision: Literal["completed", "rejected", "cancelled"]
    reason: Reason | None = None


class HandOver(Struct):
    admin_id: UUID
    note: Body | None = None


class Released(Struct):
    note: Body | None = None


class TradeMessage(Struct):
    """The BPay app's words."""

    message: Body
    client_id: UUID | None = None


class AdminMessage(Struct):
    receiverId: UUID  # the BPay app's spelling
    message: Body
    client_id: UUID | None = None


def _amount(text: str, pointer: str) -> Decimal:
    if not AMOUNT.fullmatch(text) or not Decimal(text):
        raise Invalid("An amount is a decimal number above zero, at most 20 digits and 18 decimals.", pointer=pointer)
    return Decimal(text)
