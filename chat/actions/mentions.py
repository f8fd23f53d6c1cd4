"""
Colleagues named in staff notes: "@Tina Example". They are told at once and follow the notes from then on.

Only staff who may read the notes anyway can be named; to anybody else a name is words. Nothing of it is in the message.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from uuid import UUID

from django.db import transaction

from accounts.models import User
from accounts.text import timestamp
from chat import access, fanout
from chat.actions import notices, people
from chat.enums import ConversationKind
from chat.eventlog import Appended, Locked
from chat.models import Mention, Trade
from chat.serializers import MentionShape

NOTES = ConversationKind.STAFF_NOTES.value


def note(conversations: Mapping[UUID, Locked], appended: Sequence[Appended]) -> None:
    """For messages that were just stored, in their transaction and under their conversations' locks."""
    for event in appended:
        if conversations[event.conversation_id].kind == NOTES and "@" in event.message.body:
            _record(conversations[event.conversation_id], event)


def _record(notes: Locked, event: Appended) -> None:
    trade = Trade.objects.get(notes_conversation=notes.id)
    found = find(event.message.body, access.staff_who_read_notes(trade))
    named = [user for user in found if user.pk != event.actor_id]
    Mention.objects.bulk_create(
        Mention(message_id=event.message_id, user=user, created_at=event.created_at) for user in named
    )
    for user in named:
        people.enter(notes, user)
    if named:
        notices.mentioned(named, event, trade)
        transaction.on_commit(partial(_tell, [user.pk for user in named], event, trade.pk))


def _tell(user_ids: Sequence[UUID], event: Appended, trade_id: UUID) -> None:
    mention = MentionShape(event.message_json, event.conversation_id, trade_id, timestamp(event.created_at))
    fanout.to_users(user_ids, {"type": "mention.new", "mention": mention})


def find(text: str, people_to_name: Iterable[User]) -> list[User]:
    """
    Who is named in a text, in its order: an @ that no letter stands before, then a whole display name, whatever its
    case. Where one name begins another, the longest counts; people of the same name are all meant.
    """
    names: dict[str, list[User]] = {}
    for user in people_to_name:
        names.setdefault(user.display_name.casefold(), []).append(user)
    longest_first = sorted(names, key=len, reverse=True)
    folded, found = text.casefold(), dict[str, list[User]]()
    at = folded.find("@")
    while at >= 0:
        begin = at + 1
        if not _is_word(folded[at - 1 : at]):
            for name in longest_first:
                end = begin + len(name)
                if folded.startswith(name, begin) and not _is_word(folded[end : end + 1]):
                    found[name] = names[name]
                    begin = end
                    break
        at = folded.find("@", begin)
    return [user for named in found.values() for user in named]


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
