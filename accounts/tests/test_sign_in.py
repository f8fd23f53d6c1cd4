"""Registering and signing in, and what slows down guessing."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actions.registration import register
from accounts.actions.sessions import sign_in
from accounts.errors import Conflict, InvalidBody, RateLimited, Unauthenticated
from accounts.models import DeviceSession, LoginFailure, Role, User
from accounts.revocation import Reason, Revoked
from accounts.tests.factories import PASSWORD, SuperAdminFactory, UserFactory


def enter(email: str = "alice@example.com", password: str = PASSWORD, address: str | None = "192.0.2.1", **device: str):
    return sign_in(email=email, password=password, address=address, **device)


def outcome(**credentials: str) -> type[Exception] | None:
    try:
        enter(**credentials)
    except (Unauthenticated, RateLimited) as refusal:
        return type(refusal)
    return None


def test_whoever_registers_is_a_customer_and_can_sign_in(db):
    user = register(email=" Alice@Example.COM ", password=PASSWORD, display_name="Alice")

    assert (user.email, user.display_name, user.role, user.is_staff) == (
        "alice@example.com",
        "Alice",
        Role.CUSTOMER,
        False,
    )
    assert enter("ALICE@example.com")[0] == user


def test_an_address_has_one_account_whatever_its_case(alice):
    with pytest.raises(Conflict):
        register(email="ALICE@example.com", password=PASSWORD, display_name="Another")

    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"email": "alice"}, "/email"),
        ({"email": "a\0@example.com"}, "/email"),
        ({"email": "a" * 250 + "@example.com"}, "/email"),
        ({"email": "a@b"}, "/email"),
        ({"email": "a@example.com\nBcc: x"}, "/email"),
        ({"password": "short"}, "/password"),
        ({"password": "password123"}, "/password"),
        ({"password": "1234567890123"}, "/password"),
        ({"password": "newcomer@example.com"}, "/password"),
        ({"display_name": "Support"}, "/display_name"),
        ({"display_name": ""}, "/display_name"),
    ],
    ids=str,
)
def test_what_may_not_be_registered_is_refused_where_it_stands(db, changed, pointer):
    good = {"email": "newcomer@example.com", "password": PASSWORD, "display_name": "Newcomer"}

    with pytest.raises(InvalidBody) as refusal:
        register(**good | changed)

    assert {error["pointer"] for error in refusal.value.errors} == {pointer}
    assert not User.objects.exists()


def test_signing_in_opens_a_session_of_thirty_days(alice):
    user, session = enter(device_id="a1", device_name="Phone")

    assert (user, session.user_id, session.device_id, session.device_name) == (alice, alice.pk, "a1", "Phone")
    assert timedelta(days=30) - (session.expires_at - timezone.now()) < timedelta(minutes=1)


def test_a_second_sign_in_on_a_device_replaces_the_first_and_no_other(
    alice, revoked, django_capture_on_commit_callbacks
):
    first = enter(device_id="a1")[1]
    other = enter(device_id="a2")[1]
    nameless = enter()[1]
    strangers = sign_in(email=UserFactory().email, password=PASSWORD, address=None, device_id="a1")[1]

    with django_capture_on_commit_callbacks(execute=True):
        second = enter(device_id="a1")[1]

    assert revoked == [Revoked(alice.pk, Reason.LOGGED_OUT, (first.pk,))]
    assert set(DeviceSession.objects.live()) == {other, nameless, strangers, second}


@pytest.mark.parametrize("case", ["unknown", "wrong", "closed", "nul", "surrogate"])
def test_every_refused_sign_in_looks_the_same(alice, case):
    UserFactory(email="closed@example.com", is_active=False)
    tries = {
        "unknown": {"email": "nobody@example.com"},
        "wrong": {"password": "wrong"},
        "closed": {"email": "closed@example.com"},
        "nul": {"password": "\0"},
        "surrogate": {"password": "é" * 900},
    }

    with pytest.raises(Unauthenticated) as refusal:
        enter(**tries[case])

    assert (str(refusal.value.detail), refusal.value.get_codes()) == ("E-mail or password is wrong.", "unauthenticated")
    assert not DeviceSession.objects.exists()


def test_after_ten_failures_an_account_waits_even_with_the_right_password(alice):
    assert [outcome(password="wrong") for _ in range(10)] == [Unauthenticated] * 10

    with pytest.raises(RateLimited) as refusal:
        enter(address="198.51.100.7")

    assert 890 <= refusal.value.wait <= 900
    assert outcome(email=UserFactory().email) is None
    LoginFailure.objects.update(at=timezone.now() - timedelta(minutes=15))
    assert outcome() is None


def test_unknown_accounts_wait_like_known_ones(db):
    assert [outcome(email="nobody@example.com") for _ in range(11)] == [Unauthenticated] * 10 + [RateLimited]


def test_an_address_waits_after_fifty_failures_over_all_accounts(alice):
    tries = [outcome(email=f"person{n}@example.com", address="2001:db8::1") for n in range(50)]

    assert tries == [Unauthenticated] * 50
    assert outcome(address="2001:db8::2") is RateLimited
    assert outcome() is None


def test_signing_in_forgets_the_failures_of_the_account(alice):
    for _ in range(2):
        assert [outcome(password="wrong") for _ in range(9)] == [Unauthenticated] * 9
        assert outcome() is None


def test_without_throttling_nobody_waits(alice, settings):
    settings.THROTTLE = False

    assert [outcome(password="wrong") for _ in range(12)] == [Unauthenticated] * 12
    assert not LoginFailure.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_tries_made_at_once_are_told_no_more_than_those_made_in_turn(alice, settings):
    settings.LOGIN_FAILURES_PER_ACCOUNT = 3
    outcomes: list[type[Exception] | None] = []
    start = Barrier(8)

    def guess() -> None:
        start.wait()
        outcomes.append(outcome(password="wrong"))
        connection.close()

    threads = [Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(outcomes) == 8
    assert outcomes.count(Unauthenticated) <= 3
    assert outcome() is RateLimited


def test_a_password_changed_while_it_was_being_checked_does_not_let_in(alice):
    from accounts.actions.credentials import prove

    proof = prove(email=alice.email, password=PASSWORD, address=None)
    alice.set_password("another password")
    alice.save()

    with pytest.raises(Unauthenticated):
        proof.settle()


def test_super_admins_are_found_by_any_case(db):
    root = SuperAdminFactory(email="Root@Example.com")

    assert User.objects.get_by_natural_key("ROOT@example.com") == root
