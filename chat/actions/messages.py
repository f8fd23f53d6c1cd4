"""Saying something."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from msgspec import Raw

from accounts.identity import Sender
from accounts.models import User
from chat import access, eventlog, metrics, protocol, serializers
from chat.actions import clocks, mentions, people, pushes, standings
from chat.actions.standings import Draft, Standing
from chat.enums import EventType, ParticipantRole
from chat.errors import ChatError, Conflict, Invalid, NotFound, Unauthenticated
from chat.eventlog import Entry
from chat.models import Message, NewMessage

__all__ = ["Busy", "Draft", "Sent", "send_message", "send_messages"]

MEMBER = ParticipantRole.MEMBER.value


@dataclass(frozen=True, slots=True)
class Sent:
    message: Message | NewMessage
    json: Raw  # the message's shape, ready to be sent
    duplicate: bool


def send_message(
    *, actor: User, conversation_id: UUID, client_id: UUID, body: str, reply_to: UUID | None = None
) -> Sent:
    """Store a message for good and say it to everybody in the conversation. The same again returns the same message."""
    [outcome] = send_messages([Draft(actor.pk, conversation_id, client_id, body, reply_to)])
    if isinstance(outcome, ChatError):
        raise outcome
    return outcome


def send_messages(drafts: Sequence[Draft], *, skip_locked: bool = False) -> list[Sent | ChatError]:
    """
    Many drafts in one transaction, numbered in the order given; one that is refused does not harm its neighbours.
    With `skip_locked`, drafts for a conversation that somebody else holds come back as Busy, untouched.
    """
    try:
        outcomes = _store(drafts, skip_locked)
    except IntegrityError:  # the same client_id, sent into another conversation at this moment: now it can be seen
        outcomes = _store(drafts, skip_locked)
    metrics.batch_size.observe(len(drafts))
    return outcomes


def _store(drafts: Sequence[Draft], skip_locked: bool) -> list[Sent | ChatError]:
    with metrics.commit_seconds.time(), transaction.atomic():
        conversations = eventlog.lock({draft.conversation_id for draft in drafts}, skip_locked=skip_locked)
        return _Batch(drafts, conversations, skipping=skip_locked).store()


class Busy(ChatError):
    """Somebody else holds the conversation's row right now. Never leaves the server."""


class _Batch:
    """Everything the drafts of one transaction are judged by, read under the conversations' locks."""

    def __init__(
        self, drafts: Sequence[Draft], conversations: dict[UUID, eventlog.Locked], *, skipping: bool = False
    ) -> None:
        self.drafts = drafts
        self.conversations = conversations
        self.skipping = skipping
        self.standings = standings.read(drafts)
        repeated = [standing.earlier_id for standing in self.standings if standing.earlier_id is not None]
        self.earlier = Message.objects.complete().in_bulk(repeated) if repeated else {}
        self.entries: dict[tuple[UUID, UUID], Entry] = {}

    def store(self) -> list[Sent | ChatError]:
        judged = [self._judge(draft, standing) for draft, standing in zip(self.drafts, self.standings, strict=True)]
        appended: dict[tuple[UUID, UUID], eventlog.Appended] = {}
        if self.entries:
            stored = eventlog.append(self.conversations, list(self.entries.values()))
            mentions.note(self.conversations, stored)
            pushes.note_messages(self.conversations, stored)
            appended = dict(zip(self.entries, stored, strict=True))
            clocks.note_messages([entry.message for entry in self.entries.values()], self.conversations)
        metrics.messages.inc(len(appended))
        outcomes: list[Sent | ChatError] = []
        told: set[tuple[UUID, UUID]] = set()
        for draft, verdict in zip(self.drafts, judged, strict=True):
            if verdict is None:
                stored_one = appended[draft.key]
                verdict = Sent(stored_one.message, stored_one.message_json, draft.key in told)
                told.add(draft.key)
            outcomes.append(verdict)
        return outcomes

    def _judge(self, draft: Draft, standing: Standing) -> Sent | ChatError | None:
        """A refusal, the message this is a repeat of, or None: it is new and has its entry."""
        try:
            sender = self._check_sender(draft, standing)
            if draft.key in self.entries:
                self._check_repeat_within(draft)
                return None
            if standing.earlier_id is not None:
                return self._repeat(draft, self.earlier[standing.earlier_id])
            self._check_new(draft, standing)
        except ChatError as refusal:
            return refusal
        if standing.role is None:  # staff who write a note from outside take part in the notes from then on
            people.enter(self.conversations[draft.conversation_id], sender)
        message = NewMessage(
            conversation_id=draft.conversation_id,
            sender=sender,
            client_id=draft.client_id,
            body=draft.body,
            sent_digest=draft.digest,
            reply_to_id=draft.reply_to,
        )
        self.entries[draft.key] = Entry(EventType.MESSAGE_NEW, sender, message)
        return None

    def _check_sender(self, draft: Draft, standing: Standing) -> Sender:
        if standing.sender is None or (draft.session_id is not None and not standing.session_lives):
            raise Unauthenticated
        if self.skipping and draft.conversation_id not in self.conversations:
            raise Busy
        if standing.role is None:
            # Open notes, or NotFound.
            access.get_participant(User.objects.get(pk=draft.sender_id), draft.conversation_id)
        return standing.sender

    def _check_repeat_within(self, draft: Draft) -> None:
        """Of two drafts of one batch under the same client_id the second is the first again, or something else."""
        if self.entries[draft.key].message.sent_digest != draft.digest:
            raise Conflict("This client_id stands for another message.")

    def _repeat(self, draft: Draft, message: Message) -> Sent:
        if message.sent_digest != draft.digest:
            raise Conflict("This client_id stands for another message.")
        return Sent(message, Raw(protocol.encode(serializers.full_message(message))), True)

    def _check_new(self, draft: Draft, standing: Standing) -> None:
        conversation = self.conversations.get(draft.conversation_id)
        if conversation is None:
            raise NotFound
        access.check_may_write(standing.role or MEMBER, is_closed=conversation.is_closed, kind=conversation.kind)
        protocol.check_body(draft.body)
        if draft.reply_to is not None and standing.reply_conversation_id != draft.conversation_id:
            raise Invalid("There is no such message in this conversation.", pointer="/reply_to")
