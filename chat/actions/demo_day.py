"""
The demo's day, acted out: the real actions in the order of the story, each set back to its time right after. They are
all one transaction, so that there is all of it or nothing.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from uuid import UUID, uuid5

from django.conf import settings
from django.utils import timezone

from accounts.ids import new_id
from accounts.models import Availability, Role, User
from chat.actions import (
    assignment,
    blocks,
    breakglass,
    canned_replies,
    clocks,
    conversations,
    escalations,
    groups,
    messages,
    ratings,
    receipts,
    trades,
)
from chat.actions.demo_clock import Calendar
from chat.actions.demo_story import (
    COLLEAGUE,
    CUSTOMER,
    OWN_REPLIES,
    SEED,
    STORIES,
    SUPPORT,
    TALKS,
    TEAM_REPLIES,
    Line,
    Story,
    Talk,
)
from chat.actions.receipts import Mark
from chat.enums import TradeStatus
from chat.models import Connection, Conversation, Message, Participant, Trade
from chat.querysets import TradeQuerySet

NAMESPACE = UUID("3c6a1d94-51c8-4a7e-8f7b-0d3c5a6c2b11")
DOMAIN = "@example.com"
ADMINS = ("tom", "tina", "tara")
CLOCKS = -1  # in place of a story: before whatever is told of the same moment
LOOK = timedelta(seconds=9)  # until the clock is looked at next
OPENS = Line(0, CUSTOMER, "opens")
MOVES = {
    "submits proof": trades.PROOF,
    "approves": trades.APPROVE,
    "rejects": trades.REJECT,
    "cancels": trades.CANCEL,
    "disputes": trades.DISPUTE,
}


@dataclass(frozen=True, slots=True, order=True)
class Cue:
    """When a line is due. Sorted by time; of two at once the story told first goes first."""

    moment: datetime
    story: int
    place: int


def can_be_told(people: Collection[tuple[str, str, Role]]) -> bool:
    """Not twice, nor where somebody has used one of its references, or where its people are not what they were."""
    if _told().exists():
        return False
    known = {user.email: (user.role, user.is_active) for user in User.objects.filter(email__endswith=DOMAIN)}
    return all(known.get(email) == (role, True) for email, _, role in people)


def tell(now: datetime) -> None:
    """
    All that happened until `now`. The people have to be there. Given the same database before, the same is there
    afterwards, but for ids and for how far the times are from `now` in fractions of a second.
    """
    _Day(now).tell()


class _Day:
    def __init__(self, now: datetime) -> None:
        self.now = now
        self.people = {user.email.partition("@")[0]: user for user in User.objects.filter(email__endswith=DOMAIN)}
        self.talks: dict[int, Conversation] = {}
        self.random = Random(SEED)
        self.calendar = Calendar()

    def tell(self) -> None:
        self._keep_replies()
        cues = list(self._cues())
        touched: set[UUID] = set()
        with on_duty(*ADMINS):
            for cue in sorted((*cues, *self._looks_at_clocks(cues))):
                self.calendar.enter(timezone.now(), cue.moment)
                touched |= self._play(cue)
        self.calendar.set_back_rest(touched)
        _read(touched)

    def _play(self, cue: Cue) -> set[UUID]:
        """In which conversations something happened."""
        if cue.story == CLOCKS:
            clocks.watch(cue.moment)
            return set()
        if cue.story >= len(STORIES):
            return {self._talk(TALKS[cue.story - len(STORIES)], cue)}
        trade = self._act(STORIES[cue.story], cue)
        ids = {trade.conversation_id, trade.notes_conversation_id}
        self.calendar.set_back_trades(ids)
        return ids

    def _cues(self) -> Iterator[Cue]:
        scenes: tuple[Story | Talk, ...] = (*STORIES, *TALKS)
        for story, scene in enumerate(scenes):
            moment = self.now - timedelta(hours=scene.hours_ago)
            for place, line in enumerate((OPENS, *scene.lines)):
                moment += timedelta(minutes=line.after, seconds=self.random.uniform(0, 40))
                yield Cue(moment, story, place)

    def _looks_at_clocks(self, cues: list[Cue]) -> Iterator[Cue]:
        """As often as it matters: shortly behind each limit that support may have missed."""
        waits = (settings.FIRST_RESPONSE_LIMIT, settings.NEXT_RESPONSE_LIMIT)
        for cue, following in pairwise((*cues, Cue(self.now, CLOCKS, 0))):
            if cue.place == 0 or cue.story >= len(STORIES):
                continue
            line = STORIES[cue.story].lines[cue.place - 1]
            answered_at = following.moment if following.story == cue.story else self.now
            due = [moment for limit in waits if (moment := cue.moment + limit) < answered_at] if _calls(line) else []
            if line.does == "disputes":
                due.append(cue.moment + settings.RESOLUTION_LIMIT)
            yield from (Cue(moment + LOOK, CLOCKS, cue.place) for moment in due if moment + LOOK < self.now)

    # -- Trades --------------------------------------------------------------------------------------------------------

    def _act(self, story: Story, cue: Cue) -> Trade:
        if cue.place == 0:
            return self._open(story)
        line = story.lines[cue.place - 1]
        trade = _told().get(reference=story.details.reference)
        actor = self._who(trade, line.who)
        place = f"{story.details.reference}/{cue.place}"
        match line.does:
            case "says":
                _say(actor, trade.conversation_id, place, line.text)
            case "notes":
                _say(actor, trade.notes_conversation_id, place, line.text)
            case "hands over":
                colleague = self._who(trade, COLLEAGUE)
                assignment.hand_over(actor=actor, trade_id=trade.pk, admin_id=colleague.pk, note=line.text)
            case "reads":
                breakglass.join(actor=actor, trade_id=trade.pk, reason=line.text)
            case "takes the escalation":
                escalations.take(actor=actor, escalation_id=trade.escalations.latest("created_at").pk)
            case "decides completed":
                escalation = trade.escalations.latest("created_at")
                decision = TradeStatus.COMPLETED
                escalations.resolve(actor=actor, escalation_id=escalation.pk, decision=decision, reason=line.text)
            case "rates":
                rating, _, comment = line.text.partition(" ")
                ratings.rate(actor=actor, trade_id=trade.pk, rating=int(rating), comment=comment)
            case "runs out":
                trades.expire_due(cue.moment)
            case move:
                trades.make_move(actor=actor, trade_id=trade.pk, move=MOVES[move], reason=line.text)
        return trade

    def _open(self, story: Story) -> Trade:
        with _nobody_free() if story.is_queued else nullcontext():
            trade, _ = trades.open_trade(actor=self.people[story.customer], details=story.details)
        return trade

    def _who(self, trade: Trade, who: str) -> User:
        if who == CUSTOMER:
            return trade.customer
        if who == SUPPORT:
            assert trade.assignee is not None
            return trade.assignee
        if who == COLLEAGUE:
            return next(self.people[name] for name in ADMINS if self.people[name] != trade.assignee)
        return self.people[who]

    # -- Everything else -----------------------------------------------------------------------------------------------

    def _talk(self, talk: Talk, cue: Cue) -> UUID:
        first, *others = (self.people[name] for name in talk.people)
        if cue.place == 0:
            if talk.title:
                ids = [user.pk for user in others]
                self.talks[cue.story] = groups.create(actor=first, title=talk.title, participant_ids=ids)
            else:
                self.talks[cue.story], _ = conversations.open_direct(actor=first, user_id=others[0].pk)
            return self.talks[cue.story].pk
        line, conversation = talk.lines[cue.place - 1], self.talks[cue.story].pk
        if line.does == "blocks":
            blocks.block(actor=self.people[line.who], user_id=self.people[line.text].pk)
        else:
            _say(self.people[line.who], conversation, f"talk {cue.story}/{cue.place}", line.text)
        return conversation

    def _keep_replies(self) -> None:
        self.calendar.enter(timezone.now(), self.now - timedelta(days=30))
        for title, body in TEAM_REPLIES:
            canned_replies.create(actor=self.people["sara"], title=title, body=body, team=True)
        for name, title, body in OWN_REPLIES:
            canned_replies.create(actor=self.people[name], title=title, body=body)


def _calls(line: Line) -> bool:
    """Whether it is support's turn after it."""
    return line.who == CUSTOMER and line.does not in ("rates", "cancels")


def _told() -> TradeQuerySet:
    references = [story.details.reference for story in STORIES]
    rows: TradeQuerySet = Trade.objects.filter(reference__in=references).select_related("customer", "assignee")
    return rows


def _say(actor: User, conversation_id: UUID, place: str, text: str) -> None:
    client_id = uuid5(NAMESPACE, place)
    messages.send_message(actor=actor, conversation_id=conversation_id, client_id=client_id, body=text)


@contextmanager
def on_duty(*names: str) -> Iterator[None]:
    """
    These admins are online and free meanwhile, whatever they are otherwise. In one transaction with what they do:
    nobody else ever sees these leases.
    """
    admins = list(User.objects.filter(email__in=[f"{name}{DOMAIN}" for name in names]))
    expires_at = timezone.now() + timedelta(hours=1)
    leases = Connection.objects.bulk_create(
        Connection(id=new_id(), user=admin, expires_at=expires_at) for admin in admins
    )
    User.objects.filter(pk__in=[admin.pk for admin in admins]).update(
        availability=Availability.AVAILABLE, capacity=len(STORIES)
    )
    yield
    User.objects.bulk_update(admins, ["availability", "capacity"])
    Connection.objects.filter(pk__in=[lease.pk for lease in leases]).delete()


@contextmanager
def _nobody_free() -> Iterator[None]:
    """As at lunch: whoever is available is away meanwhile."""
    free = User.objects.filter(role=Role.TRADE_ADMIN, availability=Availability.AVAILABLE)
    ids = list(free.values_list("pk", flat=True))
    free.update(availability=Availability.AWAY)
    yield
    User.objects.filter(pk__in=ids).update(availability=Availability.AVAILABLE)


def _read(conversation_ids: Iterable[UUID]) -> None:
    """What is over has been read; elsewhere everybody has read as far as they wrote."""
    marks = []
    for place in (
        Participant.objects.current()
        .filter(conversation__in=list(conversation_ids))
        .select_related("conversation", "user")
    ):
        own = Message.objects.filter(conversation=place.conversation, sender=place.user).order_by("seq").last()
        seq = place.conversation.head if place.conversation.is_closed else own.seq if own else 0
        marks.append(Mark(place.user, place.conversation_id, seq, read=True))
    receipts.mark_all(marks)
