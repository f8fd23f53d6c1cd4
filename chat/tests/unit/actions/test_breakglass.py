"""Opening somebody else's trade chat: with a reason, unseen by the customer when only reading, never unrecorded."""

import pytest

from accounts.ids import new_id
from chat import access, presence
from chat.actions import assignment, breakglass, escalations, receipts
from chat.actions.breakglass import join, leave
from chat.actions.messages import send_message
from chat.actions.trades import CANCEL
from chat.errors import Conflict, ConversationClosed, Forbidden, Invalid, NotFound
from chat.models import AuditEntry
from chat.presence import Change
from chat.tests.unit.actions.support import move, present, said, trail

WHY = "a complaint by phone"


@pytest.fixture
def reading(sara, trade):
    join(actor=sara, trade_id=trade.pk, reason=WHY)
    return trade


def others_in(user, trade):
    summary = access.get_summary(user, trade.conversation_id)
    return {participant.user.display_name for participant in summary.present}


def test_reading_is_recorded_and_says_nothing_to_the_customer(alice, tina, sara, trade, ears):
    with ears.listening():
        join(actor=sara, trade_id=trade.pk, reason=WHY)

    entry = AuditEntry.objects.get(action="trade.read")
    assert (entry.actor, entry.trade, entry.detail) == (sara, trade, {"reason": WHY})
    assert said(trade.conversation) == ["trade.opened", "trade.assigned"]
    assert present(trade.conversation)["Sara"] == "observer"
    assert [item for item in ears.items if item[0] != "joined"] == []
    assert (others_in(alice, trade), others_in(tina, trade)) == ({"Alice", "Tina"}, {"Alice", "Tina", "Sara"})


def test_a_reader_reads_and_does_not_write(sara, reading):
    assert access.get_conversation(sara, reading.conversation_id).pk == reading.conversation_id
    with pytest.raises(Forbidden):
        send_message(actor=sara, conversation_id=reading.conversation_id, client_id=new_id(), body="hi")
    with pytest.raises(Forbidden):
        receipts.type_in(actor=sara, conversation_id=reading.conversation_id, typing=True)


@pytest.mark.parametrize("read", [True, False])
def test_how_far_a_reader_has_read_is_told_to_nobody_else(sara, reading, read, ears):
    with ears.listening():
        receipts.mark(actor=sara, conversation_id=reading.conversation_id, seq=2, read=read)

    assert ears.of("room") == []
    assert [item[0] for item in ears.of("users")] == [[str(sara.pk)]]


def test_a_readers_coming_and_going_is_not_told_to_the_customer(alice, tina, sara, reading, ears):
    with ears.listening():
        presence.note([Change(new_id(), sara.pk)])

    [told] = [item[0] for item in ears.of("users") if "presence.update" in item[1]]
    assert set(told) == {str(tina.pk)}


def test_reading_twice_is_recorded_once(sara, reading):
    join(actor=sara, trade_id=reading.pk, reason="again")

    assert trail(reading).count("trade.read") == 1


def test_stepping_in_is_for_everybody_to_see(alice, sara, reading):
    join(actor=sara, trade_id=reading.pk, reason=WHY, write=True)

    message = reading.conversation.messages.order_by("-seq")[0]
    assert (message.data["event"], message.data["user"]["display_name"]) == ("participant.joined", "Sara")
    assert WHY not in str(message.data) + message.body
    assert trail(reading)[-2:] == ["trade.read", "trade.joined"]
    assert present(reading.conversation)["Sara"] == present(reading.notes_conversation)["Sara"] == "member"
    assert "Sara" in others_in(alice, reading)
    send_message(actor=sara, conversation_id=reading.conversation_id, client_id=new_id(), body="hello")


def test_who_may_write_already_changes_nothing_by_joining(sara, trade):
    join(actor=sara, trade_id=trade.pk, reason=WHY, write=True)

    for write in (True, False):
        join(actor=sara, trade_id=trade.pk, reason=WHY, write=write)

    assert said(trade.conversation).count("participant.joined") == 1
    assert (present(trade.conversation)["Sara"], trail(trade).count("trade.read")) == ("member", 0)


@pytest.mark.parametrize("reason", ["", "\u200b", "a\x00", "x" * 1_001])
def test_a_reason_is_wanted(sara, trade, reason):
    with pytest.raises(Invalid) as caught:
        join(actor=sara, trade_id=trade.pk, reason=reason)

    assert caught.value.pointer == "/reason"
    assert "Sara" not in present(trade.conversation)


def test_nobody_but_super_admins_joins(alice, bob, tina, tom, trade):
    for actor, refusal in ((alice, Forbidden), (bob, NotFound), (tina, Forbidden), (tom, Forbidden)):
        with pytest.raises(refusal):
            join(actor=actor, trade_id=trade.pk, reason=WHY)
        with pytest.raises(refusal):
            leave(actor=actor, trade_id=trade.pk)


def test_what_is_over_may_be_read_but_not_stepped_into(alice, sara, trade):
    move(alice, trade, CANCEL)
    with pytest.raises(ConversationClosed):
        join(actor=sara, trade_id=trade.pk, reason=WHY, write=True)

    join(actor=sara, trade_id=trade.pk, reason=WHY)

    assert present(trade.conversation)["Sara"] == "observer"


def test_a_reader_leaves_as_quietly_as_they_came(sara, reading, ears):
    with ears.listening():
        leave(actor=sara, trade_id=reading.pk)

    assert ("Sara" in present(reading.conversation), said(reading.conversation)[-1]) == (False, "trade.assigned")
    assert trail(reading)[-1] == "trade.left"
    assert ears.of("left") == [[str(reading.conversation_id), str(sara.pk)]]


def test_who_stepped_in_leaves_for_everybody_to_see_and_once(sara, trade):
    join(actor=sara, trade_id=trade.pk, reason=WHY, write=True)

    leave(actor=sara, trade_id=trade.pk)
    leave(actor=sara, trade_id=trade.pk)

    assert said(trade.conversation)[-2:] == ["participant.joined", "participant.left"]
    assert "Sara" not in {*present(trade.conversation), *present(trade.notes_conversation)}


def test_whoever_has_duties_in_a_trade_does_not_just_leave(sara, tina, trade):
    escalation = escalations.escalate(actor=tina, trade_id=trade.pk, reason=WHY)
    escalations.take(actor=sara, escalation_id=escalation.pk)
    with pytest.raises(Conflict, match="decide"):
        leave(actor=sara, trade_id=trade.pk)
    assignment.hand_over(actor=sara, trade_id=trade.pk, admin_id=sara.pk)
    with pytest.raises(Conflict, match="hand it over"):
        leave(actor=sara, trade_id=trade.pk)

    assert present(trade.conversation)["Sara"] == "member"


def test_a_reader_who_is_given_the_trade_may_write(sara, reading):
    assignment.hand_over(actor=sara, trade_id=reading.pk, admin_id=sara.pk)

    assert present(reading.conversation) == {"Alice": "owner", "Sara": "member"}


def test_a_reader_stays_when_the_trade_changes_hands(sara, tina, tom, reading):
    assignment.hand_over(actor=tina, trade_id=reading.pk, admin_id=tom.pk)

    assert present(reading.conversation) == {"Alice": "owner", "Sara": "observer", "Tom": "member"}
    assert breakglass.Trade.objects.get().assignee == tom
