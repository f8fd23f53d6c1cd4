"""The BPay app's own four calls, in its words."""

from uuid import uuid4

import pytest

from accounts.text import timestamp
from chat.actions.conversations import open_direct
from chat.actions.messages import send_message
from chat.models import Conversation, Message
from chat.tests.contract.conftest import answer, pointers, problem

ADMINS = "/api/chat/admin/"


def at(trade, what="messages"):
    return f"/api/chat/trade/{trade.reference}/{what}"


def entry(message, kind, **place):
    return {
        "id": str(message.pk),
        **place,
        "senderId": message.sender_id and str(message.sender_id),
        "senderType": kind,
        "message": message.body,
        "timestamp": timestamp(message.created_at),
        "type": message.kind,
    }


def say(user, conversation, body):
    return send_message(actor=user, conversation_id=conversation.pk, client_id=uuid4(), body=body).message


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_messages_of_a_trade(rest, alice, tina, trade, slash):
    mine, theirs = say(alice, trade.conversation, "hello"), say(tina, trade.conversation, "hi")
    system = trade.conversation.messages.filter(kind="system").order_by("seq")

    status, body = answer(rest(alice).get(at(trade) + slash))

    place = {"tradeId": trade.reference}
    assert (status, body) == (
        200,
        {
            "messages": [
                *(entry(message, "system", **place) for message in system),
                entry(mine, "user", **place),
                entry(theirs, "admin", **place),
            ]
        },
    )


def test_writing_in_a_trade(rest, alice, trade):
    response = rest(alice).post(at(trade, "message"), {"message": " hello "})

    message = Message.objects.get(sender=alice)
    assert answer(response) == (201, {"message": entry(message, "user", tradeId=trade.reference)})
    assert (message.body, message.conversation) == (" hello ", trade.conversation)


def test_a_client_id_makes_a_repeat_safe_and_without_one_each_is_new(rest, alice, trade):
    hers, said = rest(alice), {"message": "hello", "client_id": str(uuid4())}

    first, again = hers.post(at(trade, "message"), said), hers.post(at(trade, "message"), said)
    hers.post(at(trade, "message"), {"message": "hello"})

    assert first.json() == again.json()
    assert Message.objects.filter(sender=alice).count() == 2
    assert problem(hers.post(at(trade, "message"), said | {"message": "ho"})) == (409, "conflict")


def test_a_reference_that_is_not_mine_is_not_found(rest, bob, tom, trade):
    for user in (bob, tom):
        assert problem(rest(user).get(at(trade))) == (404, "not_found")
        assert problem(rest(user).post(at(trade, "message"), {"message": "hi"})) == (404, "not_found")
    assert problem(rest(bob).get("/api/chat/trade/none/messages")) == (404, "not_found")
    assert problem(rest(bob).get("/api/chat/trade/a%00b/messages")) == (404, "not_found")


def test_a_super_admin_who_did_not_step_in_reads_no_customers_chat(rest, sara, trade):
    assert problem(rest(sara).get(at(trade))) == (404, "not_found")


def test_messages_between_admins(rest, tina, tom):
    conversation, _ = open_direct(actor=tina, user_id=tom.pk)
    mine, theirs = say(tina, conversation, "hello"), say(tom, conversation, "hi")

    for user, other in ((tina, tom), (tom, tina)):
        body = answer(rest(user).get(f"{ADMINS}messages", **{"with": other.pk}))[1]
        assert body == {
            "messages": [
                entry(mine, "admin", receiverId=str(tom.pk)),
                entry(theirs, "admin", receiverId=str(tina.pk)),
            ]
        }


def test_before_the_first_message_there_are_none_and_no_conversation(rest, tina, tom):
    assert answer(rest(tina).get(f"{ADMINS}messages", **{"with": tom.pk})) == (200, {"messages": []})
    assert not Conversation.objects.exists()


def test_writing_to_a_colleague_opens_the_conversation(rest, tina, tom):
    response = rest(tina).post(f"{ADMINS}message", {"receiverId": str(tom.pk), "message": "hello"})

    assert answer(response) == (201, {"message": entry(Message.objects.get(), "admin", receiverId=str(tom.pk))})
    assert Conversation.objects.get().kind == "direct"


def test_these_are_for_staff_among_themselves(rest, alice, tina, tom):
    assert problem(rest(alice).get(f"{ADMINS}messages", **{"with": tina.pk})) == (403, "forbidden")
    for nobody in (alice.pk, tina.pk, uuid4()):
        assert problem(rest(tina).get(f"{ADMINS}messages", **{"with": nobody})) == (404, "not_found")
        said = {"receiverId": str(nobody), "message": "hi"}
        assert problem(rest(tina).post(f"{ADMINS}message", said)) == (404, "not_found")
    assert pointers(rest(tina).get(f"{ADMINS}messages")) == ["/with"]
    assert problem(rest().get(f"{ADMINS}messages", **{"with": tina.pk})) == (401, "unauthenticated")


@pytest.mark.parametrize("body", [{}, {"message": 7}, {"message": ""}, {"message": "x" * 5_001}])
def test_a_message_that_is_wrong_is_invalid(rest, alice, trade, body):
    assert len(pointers(rest(alice).post(at(trade, "message"), body))) == 1


def test_a_window_of_messages(rest, alice, trade):
    for body in "abc":
        say(alice, trade.conversation, body)
    hers = rest(alice)

    found = [
        [each["message"] for each in answer(hers.get(at(trade), **query))[1]["messages"]]
        for query in ({"limit": 2}, {"after_seq": 2, "limit": 1}, {"before_seq": 5, "limit": 2})
    ]

    assert found == [["b", "c"], ["a"], ["a", "b"]]
