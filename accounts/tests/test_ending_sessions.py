"""Every way a session ends, who is told, and tickets."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actions import sessions
from accounts.actions.cleanup import forget_expired
from accounts.errors import InvalidBody, RateLimited, Unauthenticated
from accounts.models import DeviceSession, LoginFailure, WsTicket
from accounts.revocation import Reason, Revoked
from accounts.tests.factories import PASSWORD, DeviceSessionFactory
from accounts.tokens import token_pair

NEW = "another good password"


def test_logging_out_ends_this_session_and_tells_of_it_once(phone, revoked, django_capture_on_commit_callbacks):
    other = DeviceSessionFactory(user=phone.user)

    with django_capture_on_commit_callbacks(execute=True):
        sessions.log_out(session=phone)
        sessions.log_out(session=phone)

    assert revoked == [Revoked(phone.user_id, Reason.LOGGED_OUT, (phone.pk,))]
    assert list(DeviceSession.objects.live()) == [other]


def test_logging_out_everywhere_spares_nobody_but_strangers(alice, revoked, django_capture_on_commit_callbacks):
    mine = {DeviceSessionFactory(user=alice).pk for _ in range(2)}
    strangers = DeviceSessionFactory()

    with django_capture_on_commit_callbacks(execute=True):
        sessions.log_out_all(user=alice)

    assert [(told.user_id, told.reason, set(told.session_ids)) for told in revoked] == [
        (alice.pk, Reason.LOGGED_OUT, mine)
    ]
    assert list(DeviceSession.objects.live()) == [strangers]


def test_logging_out_everywhere_can_keep_one(alice, phone):
    DeviceSessionFactory(user=alice)

    sessions.log_out_all(user=alice, keep=phone)

    assert list(DeviceSession.objects.live()) == [phone]


def test_a_refresh_token_can_log_out_too(phone):
    refresh = token_pair(phone)["refresh"]

    sessions.log_out_with(token=refresh)

    assert not DeviceSession.objects.live().exists()
    with pytest.raises(Unauthenticated):
        sessions.log_out_with(token=refresh)


def test_a_new_password_ends_all_other_sessions(alice, phone, revoked, django_capture_on_commit_callbacks):
    other = DeviceSessionFactory(user=alice)

    with django_capture_on_commit_callbacks(execute=True):
        sessions.change_password(actor=alice, session=phone, current=PASSWORD, new=NEW)

    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert revoked == [Revoked(alice.pk, Reason.LOGGED_OUT, (other.pk,))]
    assert list(DeviceSession.objects.live()) == [phone]


@pytest.mark.parametrize(
    ("current", "new", "pointer"),
    [("wrong", NEW, "/current"), (PASSWORD, "short", "/new"), (PASSWORD, "12345678", "/new")],
)
def test_a_refused_password_changes_nothing(alice, phone, current, new, pointer):
    DeviceSessionFactory(user=alice)

    with pytest.raises(InvalidBody) as refusal:
        sessions.change_password(actor=alice, session=phone, current=current, new=new)

    alice.refresh_from_db()
    assert {error["pointer"] for error in refusal.value.errors} == {pointer}
    assert alice.check_password(PASSWORD)
    assert DeviceSession.objects.live().count() == 2


def test_guessing_the_current_password_is_slowed_down_like_signing_in(alice, phone):
    for _ in range(10):
        with pytest.raises(InvalidBody):
            sessions.change_password(actor=alice, session=phone, current="wrong", new=NEW)

    with pytest.raises(RateLimited):
        sessions.change_password(actor=alice, session=phone, current=PASSWORD, new=NEW)


def test_whatever_else_sets_a_password_ends_every_session(alice, phone):
    alice.set_password(NEW)
    alice.save()

    assert not DeviceSession.objects.live().exists()


def test_a_ticket_opens_one_socket(phone):
    ticket = sessions.new_ticket(session=phone)

    assert sessions.redeem_ticket(ticket=ticket) == phone
    assert sessions.redeem_ticket(ticket=ticket) is None
    assert not WsTicket.objects.exists()


def test_a_ticket_runs_out_and_dies_with_its_session(phone):
    late, ended = (sessions.new_ticket(session=phone) for _ in range(2))
    WsTicket.objects.filter(digest=sessions._digest(late)).update(expires_at=timezone.now())
    assert sessions.redeem_ticket(ticket=late) is None

    sessions.log_out(session=phone)

    assert sessions.redeem_ticket(ticket=ended) is None


@pytest.mark.parametrize("ticket", ["", "null", "\0", "\ud83d", "x" * 10_000, "' OR 1=1--"])
def test_what_is_no_ticket_opens_nothing(db, ticket):
    assert sessions.redeem_ticket(ticket=ticket) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_who_use_a_ticket_at_once_one_gets_in(phone):
    ticket = sessions.new_ticket(session=phone)
    answers: list[DeviceSession | None] = []
    start = Barrier(6)

    def use() -> None:
        start.wait()
        answers.append(sessions.redeem_ticket(ticket=ticket))
        connection.close()

    threads = [Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers, key=bool) == [None] * 5 + [phone]


def test_what_no_longer_matters_is_forgotten(phone):
    now = timezone.now()
    sessions.new_ticket(session=phone)
    WsTicket.objects.create(digest="old", session=phone, expires_at=now - timedelta(seconds=1))
    LoginFailure.objects.create(account="old", at=now - timedelta(hours=1))
    LoginFailure.objects.create(account="new", at=now)
    ended = DeviceSessionFactory(revoked_at=now - timedelta(days=1))
    DeviceSessionFactory(revoked_at=now - timedelta(days=31))
    DeviceSessionFactory(expires_at=now - timedelta(days=31))

    assert forget_expired() == 4
    assert set(DeviceSession.objects.all()) == {phone, ended}
    assert list(LoginFailure.objects.values_list("account", flat=True)) == ["new"]
    assert WsTicket.objects.count() == 1
