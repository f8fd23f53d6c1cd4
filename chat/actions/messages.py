"""Saying something."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

from django.db import IntegrityError, transaction
from msgspec import Raw

from accounts.models import DeviceSession, User
from chat import access, eventlog, metrics, protocol, serializers
from chat.actions import people
from chat.enums import EventType, MessageKind
from chat.errors import ChatError, Conflict, Invalid, NotFound, Unauthenticated
from chat.eventlog import Entry
from chat.models import Conversation, Message, Participant


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to say. `session_id` is that of a live socket, whose end must hold at once."""

    sender_id: UUID
    conversation_id: UUID
    client_id: UUID
    body: str
    reply_to: UUID | None = None
    session_id: UUID | None = None

    @property
    def key(self) -> tuple[UUID, UUID]:
        return self.sender_id, self.client_id

    @property
    def digest(self) -> str:
        """What a repeat must say again: everything the sender chose."""
        content = f"{self.conversation_id}|{self.reply_to}|{self.body}"
        return blake2b(content.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Sent:
    message: Message
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
        self, drafts: Sequence[Draft], conversations: dict[UUID, Conversation], *, skipping: bool = False
    ) -> None:
        self.drafts = drafts
        self.conversations = conversations
        self.skipping = skipping
        senders = {draft.sender_id for draft in drafts}
        self.senders = User.objects.active().in_bulk(senders)
        self.live_sessions = self._read_sessions()
        self.roles = {
            (conversation, user): role
            for conversation, user, role in Participant.objects.current()
            .filter(conversation__in=conversations, user__in=senders)
            .values_list("conversation_id", "user_id", "role")
        }
        self.earlier = self._read_earlier(senders)
        self.reply_places = self._read_reply_places()
        self.entries: dict[tuple[UUID, UUID], Entry] = {}

    def _read_sessions(self) -> set[UUID]:
        named = {draft.session_id for draft in self.drafts if draft.session_id is not None}
        return set(DeviceSession.objects.live().filter(pk__in=named).values_list("pk", flat=True)) if named else set()

    def _read_earlier(self, senders: set[UUID]) -> dict[tuple[UUID | None, UUID | None], Message]:
        client_ids = {draft.client_id for draft in self.drafts}
        found = Message.objects.complete().filter(sender__in=senders, client_id__in=client_ids)
        return {(message.sender_id, message.client_id): message for message in found}

    def _read_reply_places(self) -> dict[UUID, UUID]:
        named = {draft.reply_to for draft in self.drafts if draft.reply_to is not None}
        return dict(Message.objects.filter(pk__in=named).values_list("pk", "conversation_id")) if named else {}

    def store(self) -> list[Sent | ChatError]:
        judged = [self._judge(draft) for draft in self.drafts]
        appended = dict(
            zip(self.entries, eventlog.append(self.conversations, list(self.entries.values())), strict=True)
        )
        metrics.messages.inc(len(appended))
        return [
            verdict
            if verdict is not None
            else Sent(appended[draft.key].message, appended[draft.key].message_json, False)
            for draft, verdict in zip(self.drafts, judged, strict=True)
        ]

    def _judge(self, draft: Draft) -> Sent | ChatError | None:
        """A refusal, the message this is a repeat of, or None: it is new and has its entry."""
        try:
            sender = self._check_sender(draft)
            if draft.key in self.entries and self.entries[draft.key].message.sent_digest == draft.digest:
                return None
            if draft.key in self.entries:
                raise Conflict("This client_id stands for another message.")
            if draft.key in self.earlier:
                return self._repeat(draft, self.earlier[draft.key])
            self._check_new(draft)
        except ChatError as refusal:
            return refusal
        self.entries[draft.key] = Entry(EventType.MESSAGE_NEW, sender, self._new_message(draft, sender))
        return None

    def _check_sender(self, draft: Draft) -> User:
        sender = self.senders.get(draft.sender_id)
        if sender is None or (draft.session_id is not None and draft.session_id not in self.live_sessions):
            raise Unauthenticated
        if self.skipping and draft.conversation_id not in self.conversations:
            raise Busy
        if (draft.conversation_id, draft.sender_id) not in self.roles:
            self._follow_notes(draft, sender)
        return sender

    def _follow_notes(self, draft: Draft, sender: User) -> None:
        """Staff who write a note from outside take part in the notes from then on. Anybody else gets NotFound."""
        place = access.get_participant(sender, draft.conversation_id)
        people.enter(place.conversation, sender)
        self.roles[draft.conversation_id, draft.sender_id] = place.role

    def _repeat(self, draft: Draft, message: Message) -> Sent:
        if message.sent_digest != draft.digest:
            raise Conflict("This client_id stands for another message.")
        return Sent(message, Raw(protocol.encode(serializers.full_message(message))), True)

    def _check_new(self, draft: Draft) -> None:
        conversation = self.conversations.get(draft.conversation_id)
        if conversation is None:
            raise NotFound
        access.check_may_write(self.roles[draft.conversation_id, draft.sender_id], conversation)
        protocol.check_body(draft.body)
        if draft.reply_to is not None and self.reply_places.get(draft.reply_to) != draft.conversation_id:
            raise Invalid("There is no such message in this conversation.", pointer="/reply_to")

    def _new_message(self, draft: Draft, sender: User) -> Message:
        return Message(
            conversation_id=draft.conversation_id,
            sender=sender,
            client_id=draft.client_id,
            sent_digest=draft.digest,
            kind=MessageKind.TEXT.value,
            body=draft.body,
            reply_to_id=draft.reply_to,
        )
