"""Pushes and their devices in Django admin: for super admins, with nothing to edit and dead letters to send again."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.errors import Forbidden
from accounts.models import Role
from chat.models import AuditEntry
from notifications import health
from notifications.actions.ending import end
from notifications.actions.retrying import retry
from notifications.models import Device, OutboxRow, Push, Service
from notifications.tests.factories import phone

pytestmark = pytest.mark.django_db

PUSHES, DEVICES = "/admin/notifications/push/", "/admin/notifications/device/"


@pytest.fixture
def desk(sara, settings) -> Client:
    settings.SECURE_SSL_REDIRECT = False
    client = Client()
    client.force_login(sara)
    return client


def push(device: Device, state: str = "failed", **fields: Any) -> Push:
    return Push.objects.create(**{"device": device, "thread": uuid4(), "kind": "message", "state": state, **fields})


def row(of: Push, **fields: Any) -> OutboxRow:
    about = {"device": of.device, "user": of.device.user, "kind": of.kind, "thread": of.thread}
    values = {"push": of, "cause": uuid4(), "due_at": timezone.now(), "state": "taken"}
    return OutboxRow.objects.create(**about | values | fields)


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def found(response: Any) -> list[Any]:
    return [row.pk for row in response.context["cl"].result_list]


def test_pushes_are_listed_newest_first_and_found_by_state_kind_person_ticket_and_id(desk, alice, bob):
    dead = push(phone(alice), error="MessageTooBig")
    sent = push(phone(bob), "sent", kind="trade", ticket="ticket-of-bob", count=2)

    answers = {
        query: found(desk.get(f"{PUSHES}?{query}"))
        for query in (
            "", "state__exact=failed", "kind__exact=trade", "q=alice@", "q=ticket-of-bob", f"q={dead.pk}", "q=nobody",
            "q=%20", "q=ticket",
        )
    }  # fmt: skip

    assert list(answers.values()) == [
        [sent.pk, dead.pk], [dead.pk], [sent.pk], [dead.pk], [sent.pk], [dead.pk], [], [sent.pk, dead.pk], [],
    ]  # fmt: skip


def test_a_list_costs_the_same_for_three_and_for_fifty(desk, alice, django_assert_max_num_queries):
    device, counts = phone(alice), []
    desk.get(PUSHES)
    for more in (3, 47):
        for _ in range(more):
            push(device)
        for path in (PUSHES, DEVICES):
            with django_assert_max_num_queries(16) as queries:
                assert desk.get(path).status_code == 200
            counts.append(len(queries))

    assert counts[:2] == counts[2:]


def test_a_page_shows_one_push_and_what_became_of_its_rows(desk, alice):
    dead = push(phone(alice, name="Pixel"), error="InvalidCredentials", attempts=3, unanswered=1, count=1)
    told, dropped = row(dead), row(dead, state="dropped", reason="read", waits=True)

    page = desk.get(f"{PUSHES}{dead.pk}/change/").content.decode()

    for words in (dead.pk, "Pixel", "InvalidCredentials", told.cause, dropped.cause, "app was open", "Send again"):
        assert str(words) in page
    assert desk.get(f"{PUSHES}{uuid4()}/change/").status_code == 404
    assert desk.post(f"{PUSHES}{uuid4()}/again/").status_code == 404


def test_a_push_of_very_many_rows_shows_the_first_of_them(desk, alice):
    dead = push(phone(alice))
    for _ in range(201):
        row(dead)

    assert "and more." in desk.get(f"{PUSHES}{dead.pk}/change/").content.decode()


def test_a_dead_letter_is_sent_again_afresh_and_that_is_written_down(desk, alice, sara):
    dead = push(phone(alice), error="InvalidCredentials", attempts=9, settled_at=timezone.now())

    answer = desk.post(f"{PUSHES}{dead.pk}/again/", follow=True)

    dead.refresh_from_db()
    assert (dead.state, dead.attempts, dead.error, dead.settled_at) == ("ready", 0, "", None)
    assert dead.due_at <= timezone.now()
    assert said(answer) == ["To be sent again: 1."]
    entry = AuditEntry.objects.get(action="pushes.sent_again")
    assert (entry.actor, entry.subject, entry.detail) == (sara, alice, {"dead_letters": [1, 0]})


def test_of_many_only_dead_letters_of_devices_that_are_still_there_are_sent_again(desk, alice, bob):
    dead, sent = push(phone(alice)), push(phone(alice), "sent")
    gone = push(phone(bob))
    Device.objects.filter(pk=gone.device_id).update(ended_at=timezone.now())
    form = {"action": "send_again", "_selected_action": [dead.pk, sent.pk, gone.pk]}

    first, second = (desk.post(PUSHES, form, follow=True) for _ in range(2))

    stay = "Only what failed, on a device that is still active, is sent again."
    assert said(first) == ["To be sent again: 1.", f"Left as they are: 2. {stay}"]
    assert said(second) == [f"Left as they are: 3. {stay}"]
    assert set(Push.objects.values_list("pk", "state")) == {
        (dead.pk, "ready"), (sent.pk, "sent"), (gone.pk, "failed"),
    }  # fmt: skip
    assert "cannot be sent again" in desk.get(f"{PUSHES}{gone.pk}/change/").content.decode()


def test_the_log_names_the_push_and_who_sent_it_again(alice, sara, caplog):
    dead = push(phone(alice))

    with caplog.at_level("INFO", "parley.pushes"):
        retry(actor=sara, push_ids=[dead.pk])

    assert [(line.push, line.actor) for line in caplog.records] == [(str(dead.pk), str(sara.pk))]


@pytest.mark.parametrize("fields", [{"role": Role.TRADE_ADMIN}, {"role": Role.CUSTOMER}, {"is_active": False}])
def test_nobody_but_an_active_super_admin_sends_again_or_ends(alice, sara, fields):
    dead = push(phone(alice))
    for field, value in fields.items():
        setattr(sara, field, value)

    with pytest.raises(Forbidden):
        retry(actor=sara, push_ids=[dead.pk])
    with pytest.raises(Forbidden):
        end(actor=sara, device_ids=[dead.device_id])

    assert Push.objects.filter(state="failed").exists()
    assert Device.objects.active().exists()


def test_devices_are_listed_with_no_more_of_a_token_than_its_beginning(desk, alice, bob):
    mine, theirs = phone(alice, "ExponentPushToken[zq-secret]"), phone(bob)
    Device.objects.filter(pk=theirs.pk).update(ended_at=timezone.now(), end_reason="re_owned")

    pages = [desk.get(path).content.decode() for path in (DEVICES, f"{DEVICES}{mine.pk}/change/")]

    assert all("zq-secret" not in page and "Exponent…, 28 characters" in page for page in pages)
    assert "re owned" in pages[0]
    for query, expected in (("state=active", [mine.pk]), ("state=ended", [theirs.pk]), ("state=odd", 2), ("q=bob@", 1)):
        shown = found(desk.get(f"{DEVICES}?{query}"))
        assert shown == expected or len(shown) == expected


def test_ended_devices_get_no_more_pushes_and_that_is_written_down_once(desk, alice, sara):
    device = phone(alice)
    form = {"action": "end_chosen", "_selected_action": [device.pk]}

    answers = [said(desk.post(DEVICES, form, follow=True)) for _ in range(2)]

    assert answers == [["Devices ended: 1."], ["Devices ended: 0."]]
    device.refresh_from_db()
    assert (device.active, device.end_reason) == (False, "ended_by_admin")
    entry = AuditEntry.objects.get(action="push_devices.ended")
    assert (entry.actor, entry.subject, entry.detail) == (sara, alice, {"devices": [1, 0]})


def test_the_line_above_the_list_says_how_pushes_stand(desk, alice):
    now, device = timezone.now(), phone(alice)
    quiet = health.read(now)
    assert (quiet.oldest, quiet.paused_until, quiet.dead_letters) == (None, None, 0)
    assert "in order" in desk.get(PUSHES).content.decode()

    push(device)
    push(device, "sending")
    push(device, "ready", created_at=now - timedelta(minutes=7))
    row(push(device, "sent"), state="pending", created_at=now - timedelta(hours=3), push=None)
    Service.objects.create(failures=4, paused_until=now + timedelta(minutes=1), last_error="refused: 503")

    found = health.read(now)
    assert (found.waiting, found.ready, found.sending, found.dead_letters) == (1, 1, 1, 1)
    assert (found.oldest, found.failures) == (now - timedelta(hours=3), 4)
    page = desk.get(PUSHES).content.decode()
    for words in ("paused until", "refused: 503", "3 h", "failures in a row"):
        assert words in page
    assert health.read(now + timedelta(minutes=2)).paused_until is None


def test_the_start_page_counts_dead_letters_for_super_admins(desk, alice):
    assert "state__exact=failed" not in desk.get("/admin/").content.decode()

    push(phone(alice))

    assert "/admin/notifications/push/?state__exact=failed" in desk.get("/admin/").content.decode()


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7777|add:7777}}"])
def test_hostile_names_and_errors_are_text(desk, alice, text):
    dead = push(phone(alice, name=text), error=text, ticket=text)
    row(dead, state="dropped", reason=text[:32])
    Service.objects.create(failures=1, last_error=text)

    for path in (PUSHES, f"{PUSHES}{dead.pk}/change/", DEVICES, f"{DEVICES}{dead.device_id}/change/"):
        page = desk.get(path).content.decode()
        assert not any(bad in page for bad in ("<script>alert", "<img src=x", "15554")), path


def test_nothing_can_be_written_here(desk, alice):
    dead = push(phone(alice))

    for path in (f"{PUSHES}add/", f"{DEVICES}add/", f"{PUSHES}{dead.pk}/delete/", f"{DEVICES}{dead.device_id}/delete/"):
        assert desk.post(path, {"post": "yes"}).status_code == 403
    desk.post(f"{PUSHES}{dead.pk}/change/", {"state": "sent"})
    desk.post(f"{DEVICES}{dead.device_id}/change/", {"badge": "7"})

    assert Push.objects.get().state == "failed"
    assert Device.objects.get().badge == 0
