"""
Texts that admins use again and again: kept, and filled in for a trade.

A variable is a name in braces, replaced once and as it is: no template language, and what was filled in is not looked
at again.
"""

import re
from collections.abc import Callable
from datetime import UTC
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from chat import access, protocol
from chat.errors import Forbidden, Invalid, NotFound
from chat.models import CannedReply, Trade
from chat.querysets import CannedReplyQuerySet
from chat.serializers import amount

MAX_TITLE = 80
VARIABLE = re.compile(r"\{([^\W\d]\w*)\}")  # {0.__class__}, {{7*7}} and %s are text like any other


def _deadline(trade: Trade) -> str:
    return "no deadline" if trade.deadline_at is None else f"{trade.deadline_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


VARIABLES: dict[str, Callable[[Trade], str]] = {
    "reference": lambda trade: trade.reference,
    "amount": lambda trade: f"{amount(trade.fiat_amount)} {trade.fiat_currency}",
    "deadline": _deadline,
    "customer": lambda trade: trade.customer.display_name,
}


def usable_by(actor: User) -> CannedReplyQuerySet:
    """The actor's own replies and the team's. For staff only."""
    if not actor.is_staff:
        raise Forbidden("Canned replies are for staff.")
    rows: CannedReplyQuerySet = CannedReply.objects.usable_by(actor)
    return rows


def get(*, actor: User, reply_id: UUID) -> CannedReply:
    """A reply the actor may use. A colleague's own looks like none."""
    reply = usable_by(actor).filter(pk=reply_id).first()
    if reply is None:
        raise NotFound
    return reply


def create(*, actor: User, title: str, body: str, team: bool = False) -> CannedReply:
    """A reply of the actor's own; with `team` (super admins) one for everybody."""
    usable_by(actor)
    if team:
        _check_may_write_for_all(actor)
    check(title, body)
    return CannedReply.objects.create(owner=None if team else actor, title=title, body=body)


def change(*, actor: User, reply_id: UUID, title: str | None = None, body: str | None = None) -> CannedReply:
    """Another title or text. What is not given stays, and whose it is stays too."""
    with transaction.atomic():
        reply = _lock(actor, reply_id)
        reply.title = reply.title if title is None else title
        reply.body = reply.body if body is None else body
        check(reply.title, reply.body)
        reply.updated_at = timezone.now()
        reply.save(update_fields=["title", "body", "updated_at"])
    return reply


def delete(*, actor: User, reply_id: UUID) -> None:
    with transaction.atomic():
        _lock(actor, reply_id).delete()


def render(*, actor: User, reply_id: UUID, trade_id: UUID) -> str:
    """The text with the variables of a trade the actor may know of."""
    reply = get(actor=actor, reply_id=reply_id)
    return fill_in(reply.body, access.get_trade(actor, trade_id))


def fill_in(body: str, trade: Trade) -> str:
    """Names that are no variables stay as they are, whatever way they got in."""
    return VARIABLE.sub(lambda found: VARIABLES[found[1]](trade) if found[1] in VARIABLES else found[0], body)


def check(title: str, body: str) -> None:
    """Raise Invalid unless a reply may be kept under this title with this text."""
    protocol.check_line(title, "/title")
    if len(title) > MAX_TITLE:
        raise Invalid(f"A title has at most {MAX_TITLE} characters.", pointer="/title")
    protocol.check_body(body)
    if len(body) > protocol.MAX_BODY:
        raise Invalid(f"A reply has at most {protocol.MAX_BODY} characters.", pointer="/body")
    for name in VARIABLE.findall(body):
        if name not in VARIABLES:
            known = ", ".join(f"{{{variable}}}" for variable in VARIABLES)
            raise Invalid(f"There is no variable {{{name}}}. There are {known}.", pointer="/body")


def _lock(actor: User, reply_id: UUID) -> CannedReply:
    """A reply to be changed, its row held until the commit."""
    reply = usable_by(actor).select_for_update(of=("self",)).filter(pk=reply_id).first()
    if reply is None:
        raise NotFound
    if reply.owner_id is None:
        _check_may_write_for_all(actor)
    return reply


def _check_may_write_for_all(actor: User) -> None:
    if not actor.is_super_admin:
        raise Forbidden("Only super admins write the team's replies.")
