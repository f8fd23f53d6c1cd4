"""The sender against a stub of Expo over HTTP: what goes out, what does not, and what becomes of each failure."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.ids import new_id
from notifications import sources
from notifications.actions import claiming, sending
from notifications.actions.retrying import retry
from notifications.enums import Kind, PushState, RowState
from notifications.models import Device, OutboxRow, Preferences, Push, Service
from notifications.sources import Dropped
from notifications.tests.factories import phone as registered
from notifications.tests.words import say, want

pytestmark = pytest.mark.django_db


def phone(user, inside="", **fields):
    return registered(user, f"ExponentPushToken[{inside}-{uuid4().hex}]", **fields)


def later(seconds=2.0):
    return timezone.now() + timedelta(seconds=seconds)


def states():
    return sorted(Push.objects.values_list("state", flat=True))


def bodies(stub):
    return [push["payload"].get("body") for push in stub.pushes]


def test_a_push_says_what_it_is_about_and_where_it_leads(words, stub, bob):
    device = phone(bob)
    thread = uuid4()
    cause = want(bob, thread=thread)
    words.said[cause] = say("Tina: the payment is there", conversation=str(thread), message=str(cause), url="/x")
    words.unread[bob.pk] = 3

    assert sending.send_due(later()) == 1

    push = Push.objects.get()
    assert [one["payload"] for one in stub.pushes] == [
        {
            "to": device.token,
            "title": "Trade BP-1",
            "body": "Tina: the payment is there",
            "data": {
                "id": str(push.pk),
                "kind": "message",
                "conversation": str(thread),
                "message": str(cause),
                "url": "/x",
            },
            "badge": 3,
            "sound": "default",
            "priority": "high",
            "ttl": 86400,
            "channelId": "message",
        }
    ]
    assert (push.state, push.ticket, push.count) == (PushState.SENT, stub.pushes[0]["ticket"], 1)
    assert Device.objects.get().badge == 3
    assert sending.send_due(later()) == 0


def test_a_burst_in_one_conversation_is_one_push_with_its_count(words, stub, bob):
    phone(bob)
    thread, begin = uuid4(), timezone.now()
    for number in range(20):  # 20 messages in 3 s
        want(bob, thread=thread, now=begin + timedelta(seconds=0.15 * number))

    for tick in range(12):
        sending.send_due(begin + timedelta(seconds=0.5 * tick))

    assert bodies(stub) == ["20 new messages"]
    assert Push.objects.get().count == 20


def test_nobody_waits_longer_than_five_seconds_in_a_burst_and_no_more_often_than_that_is_pushed(words, stub, bob):
    phone(bob)
    thread, begin = uuid4(), timezone.now()
    for number in range(60):  # 12 s without a pause
        want(bob, thread=thread, now=begin + timedelta(seconds=0.2 * number))
        sending.send_due(begin + timedelta(seconds=0.2 * number))
    sending.send_due(begin + timedelta(seconds=20))

    times = list(Push.objects.order_by("created_at").values_list("created_at", flat=True))
    assert [round((at - begin).total_seconds()) for at in times] == [5, 10, 20]
    assert sum(Push.objects.values_list("count", flat=True)) == 60


def test_conversations_kinds_and_devices_are_pushed_each_by_themselves(words, stub, alice, bob):
    phone(alice), phone(bob), phone(bob)
    one, other = uuid4(), uuid4()
    want(bob, thread=one), want(bob, thread=other), want(bob, thread=one, kind=Kind.TRADE), want(alice, thread=one)

    assert sending.send_due(later()) == 7


def test_what_is_not_due_yet_of_another_kind_stays_where_it_is(words, stub, bob):
    phone(bob)
    thread, begin = uuid4(), timezone.now()
    want(bob, thread=thread, now=begin)
    want(bob, thread=thread, kind=Kind.TRADE, now=begin + timedelta(seconds=5))

    assert sending.send_due(begin + timedelta(seconds=1)) == 1
    assert sorted(OutboxRow.objects.values_list("kind", "state")) == [("message", "taken"), ("trade", "pending")]


def test_what_joins_a_push_that_could_not_go_out_yet_goes_with_it(words, stub, bob):
    phone(bob)
    thread = uuid4()
    want(bob, thread=thread)
    stub.fault("503")
    assert sending.send_due(later()) == 0
    want(bob, thread=thread)

    assert sending.send_due(later(5)) == 1
    assert bodies(stub) == ["2 new messages"]


def test_an_open_app_gets_its_time(words, stub, bob):
    phone(bob)
    want(bob, waits=True)

    assert sending.send_due(later(14)) == 0
    assert sending.send_due(later(16)) == 1


@pytest.mark.parametrize("reason", [Dropped.READ, Dropped.DELIVERED, Dropped.MUTED])
def test_what_is_no_news_any_more_is_dropped_with_its_reason(words, stub, bob, reason):
    phone(bob)
    words.said[want(bob)] = reason

    assert sending.send_due(later()) == 0

    assert stub.pushes == []
    assert list(OutboxRow.objects.values_list("state", "reason")) == [("dropped", reason.value)]
    assert states() == [PushState.DROPPED]


def test_of_a_burst_only_what_is_still_news_is_counted(words, stub, bob):
    phone(bob)
    thread = uuid4()
    causes = [want(bob, thread=thread) for _ in range(4)]
    words.said[causes[0]] = Dropped.READ

    sending.send_due(later())

    assert bodies(stub) == ["3 new messages"]


@pytest.mark.parametrize(
    ("wanted", "goes"),
    [
        ({"message": False}, False),
        ({"trade": False}, True),
        ({"quiet_from": "00:00", "quiet_to": "23:59:59.999999", "time_zone": "Europe/Berlin"}, False),
    ],
)
def test_what_somebody_does_not_want_is_not_pushed(words, stub, bob, wanted, goes):
    phone(bob)
    Preferences.objects.create(user=bob, **wanted)
    want(bob)

    assert sending.send_due(later()) == goes


def test_hidden_content_shows_neither_text_nor_title(words, stub, bob):
    phone(bob)
    Preferences.objects.create(user=bob, hide_content=True)
    thread = uuid4()
    words.said[want(bob)] = say("the secret")
    words.said[want(bob, thread=thread)] = say("the secret")
    words.said[want(bob, thread=thread)] = say("the secret")

    sending.send_due(later())

    assert {(push["payload"]["title"], push["payload"]["body"]) for push in stub.pushes} == {
        ("Parley", "New message"),
        ("Parley", "2 new messages"),
    }
    assert "secret" not in str(stub.pushes)


def test_a_device_that_ended_signed_out_or_changed_hands_gets_nothing(words, stub, alice, bob):
    ended, signed_out, closed = phone(bob), phone(bob), phone(alice)
    for user in (alice, bob):
        want(user)
    Device.objects.filter(pk=ended.pk).update(ended_at=timezone.now())
    signed_out.session.revoked_at = timezone.now()
    signed_out.session.save()
    alice.is_active = False
    alice.save()

    assert sending.send_due(later()) == 0
    assert set(OutboxRow.objects.values_list("device", "reason")) == {
        (device.pk, "device") for device in (ended, signed_out, closed)
    }


def test_old_news_is_dropped(words, stub, bob):
    phone(bob)
    want(bob, now=timezone.now() - timedelta(hours=25))

    assert sending.send_due() == 0
    assert OutboxRow.objects.get().reason == Dropped.STALE


def test_a_silent_push_puts_the_badge_right_where_it_is_wrong(words, stub, bob):
    from notifications.actions import outbox

    shown, right = phone(bob), phone(bob)
    Device.objects.filter(pk=shown.pk).update(badge=4)
    Device.objects.filter(pk=right.pk).update(badge=1)
    words.unread[bob.pk] = 1
    outbox.lower_badges([bob.pk])
    outbox.lower_badges([bob.pk])

    assert sending.send_due(later()) == 1

    [payload] = [push["payload"] for push in stub.pushes]
    assert payload == {
        "to": shown.token,
        "data": {"id": payload["data"]["id"], "kind": "badge", "badge": 1},
        "badge": 1,
        "priority": "normal",
        "ttl": 86400,
        "_contentAvailable": True,
    }
    assert OutboxRow.objects.get(device=right).reason == Dropped.SAME_BADGE
    assert Device.objects.get(pk=shown.pk).badge == 1


@pytest.mark.parametrize(
    ("fault", "options", "unanswered"),
    [
        ("500", {}, 0),
        ("429", {"retry_after": "2"}, 0),
        ("401", {}, 0),
        ("badjson", {"accept": True}, 1),
        ("cut", {"accept": True}, 1),
    ],
)
def test_a_request_that_fails_is_made_again_with_the_same_id(words, stub, bob, fault, options, unanswered):
    phone(bob)
    want(bob)
    stub.fault(fault, **options)

    at = later()
    assert sending.send_due(at) == 0
    assert states() == [PushState.READY]
    assert Service.objects.get().failures == 1
    assert sending.send_due(at + timedelta(seconds=0.5)) == 0
    assert sending.send_due(at + timedelta(seconds=10)) == 1

    push = Push.objects.get()
    assert (push.state, push.unanswered) == (PushState.SENT, unanswered)
    assert {one["payload"]["data"]["id"] for one in stub.pushes} == {str(push.pk)}
    assert len(stub.pushes) == 1 + unanswered
    assert Service.objects.get().failures == 0


def test_an_expo_that_does_not_answer_in_time_may_have_it(words, stub, bob, settings):
    settings.PUSH_TIMEOUT = timedelta(seconds=0.2)
    phone(bob)
    want(bob)
    stub.fault("hang", accept=True)

    assert sending.send_due(later()) == 0
    settings.EXPO_URL = stub.url + "/"  # another client, with its usual patience
    assert Push.objects.get().unanswered == 1
    assert len(stub.pushes) == 1


def test_a_refused_connection_has_sent_nothing(words, stub, bob):
    phone(bob)
    want(bob)
    stub.stop()

    assert sending.send_due(later()) == 0
    assert (Push.objects.get().state, Push.objects.get().unanswered) == (PushState.READY, 0)
    stub.start()
    assert sending.send_due(later(10)) == 1


def test_the_breaker_waits_longer_each_time_and_then_tries_a_few(words, stub, bob):
    phone(bob)
    for _ in range(20):
        want(bob)
    stub.fault("503", times=5)
    at, pauses = later(), []
    for _ in range(5):
        assert sending.send_due(at) == 0
        service = Service.objects.get()
        pauses.append((service.paused_until - at).total_seconds())
        at = service.paused_until

    assert all(0.8 * 2**n <= pause <= 1.2 * 2**n for n, pause in enumerate(pauses))
    assert "503" in Service.objects.get().last_error
    assert sending.send_due(at - timedelta(milliseconds=1)) == 0
    assert len(claiming.claim(at).pushes) == claiming.PROBE


def test_errors_of_single_pushes_harm_no_neighbour(words, stub, bob):
    devices = {inside: phone(bob, inside) for inside in ("dead", "big", "rate", "creds", "well")}
    want(bob)

    assert sending.send_due(later()) == 5

    found = {push.device_id: push for push in Push.objects.all()}
    assert {inside: (found[device.pk].state, found[device.pk].error) for inside, device in devices.items()} == {
        "dead": ("failed", "DeviceNotRegistered"),
        "big": ("failed", "MessageTooBig"),
        "rate": ("ready", "MessageRateExceeded"),
        "creds": ("failed", "InvalidCredentials"),
        "well": ("sent", ""),
    }
    assert list(Device.objects.exclude(ended_at=None).values_list("pk", "end_reason")) == [
        (devices["dead"].pk, "not_registered")
    ]


def test_a_token_that_was_registered_again_meanwhile_stays(words, stub, bob):
    device = phone(bob, "dead")
    want(bob)
    Device.objects.filter(pk=device.pk).update(registered_at=later(60))

    sending.send_due(later())

    assert states() == [PushState.FAILED]
    assert Device.objects.active().exists()


def test_of_a_request_that_is_refused_as_a_whole_only_the_culprit_fails(words, stub, bob, settings):
    settings.DEVICES_PER_USER = 10
    for _ in range(7):
        phone(bob)
    want(bob)
    stub.fault("400", times=4)  # all seven, three of them, one, and the next two

    assert sending.send_due(later()) == 4 or states().count("sent") >= 4

    assert set(states()) == {PushState.SENT, PushState.FAILED}
    assert Push.objects.filter(state=PushState.FAILED).count() == 7 - len(stub.pushes)


def test_a_push_nobody_can_compose_is_given_up_in_the_end_and_stops_no_other(words, stub, bob):
    phone(bob)
    words.broken.add(want(bob))
    want(bob)

    assert sending.send_due(later()) == 1
    assert states() == [PushState.READY, PushState.SENT]
    for hours in range(1, 6):
        sending.send_due(later(3600 * hours))

    broken = Push.objects.get(state=PushState.FAILED)
    assert (broken.error, broken.attempts) == ("could not be composed: ValueError", 5)


def test_what_a_dead_worker_had_claimed_is_sent_by_the_next_and_counted(words, stub, bob):
    phone(bob)
    want(bob)
    at = later()
    claimed = claiming.claim(at)
    assert len(claimed.pushes) == 1  # and here the worker dies

    assert sending.send_due(at + timedelta(seconds=10)) == 0
    assert sending.send_due(at + timedelta(seconds=31)) == 1
    assert (Push.objects.get().unanswered, Push.objects.get().attempts) == (1, 2)


def test_a_late_ticket_counts_and_a_late_error_does_not(words, stub, bob):
    phone(bob)
    phone(bob, "creds")
    want(bob)
    at = later()
    slow = claiming.claim(at)
    composed = sending._compose(slow.pushes, at)
    claiming.claim(at + timedelta(seconds=31))  # another worker takes them over

    assert sending._send(composed, slow, at) == 2

    assert states() == [PushState.SENDING, PushState.SENT]


def test_a_ticket_that_comes_when_all_is_settled_changes_nothing(words, stub, bob):
    phone(bob)
    want(bob)
    at = later()
    slow = claiming.claim(at)
    composed = sending._compose(slow.pushes, at)
    Push.objects.update(state=PushState.DELIVERED, ticket="the first")

    sending._send(composed, slow, at)

    assert Push.objects.get().ticket == "the first"


def test_the_rate_is_kept_by_all_together(words, stub, bob):
    phone(bob)
    for _ in range(250):
        want(bob)
    at = later()

    first, second = claiming.claim(at), claiming.claim(at)

    assert (len(first.pushes), len(second.pushes)) == (100, 100)
    taken = Service.objects.get().next_slot_at - at
    assert taken.total_seconds() == pytest.approx(200 / (0.8 * 600), abs=0.001)
    assert second.slot > first.slot
    assert claiming.claim(at).pushes == []  # no more than two batches are on their way at once


def test_dead_letters_are_sent_again_by_hand(words, stub, alice, bob, sara):
    from accounts.errors import Forbidden

    phone(bob, "creds")
    want(bob)
    sending.send_due(later())
    ids = [push.pk for push in Push.objects.all()]

    with pytest.raises(Forbidden):
        retry(actor=alice, push_ids=ids)
    assert states() == [PushState.FAILED]
    assert retry(actor=sara, push_ids=[*ids, new_id()]) == 1
    assert retry(actor=sara, push_ids=ids) == 0
    Device.objects.update(token="ExponentPushToken[well]")
    assert sending.send_due(later()) == 1
    assert states() == [PushState.SENT]


def test_a_run_ends_in_time_and_leaves_the_rest_to_the_next(words, stub, bob, monkeypatch):
    phone(bob)
    want(bob)
    monkeypatch.setattr(sending, "LONGEST_RUN", 0.0)

    assert sending.send_due(later()) == 0


def test_nobody_can_send_before_somebody_answers_for_the_words(monkeypatch):
    monkeypatch.setattr(sources, "_source", None)

    with pytest.raises(AssertionError, match="nobody answers"):
        sources.current()


def test_a_row_of_a_user_whose_device_is_anothers_by_now_is_dropped(words, stub, alice, bob):
    device = phone(bob)
    want(bob)
    Device.objects.filter(pk=device.pk).update(user=alice)

    assert sending.send_due(later()) == 0
    assert OutboxRow.objects.get().state == RowState.DROPPED
