"""Staff pages: the cookie stands on a device session and falls with it."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.middleware import browser_session
from accounts.models import DeviceSession, LoginFailure, User
from accounts.revocation import Reason, Revoked
from accounts.tests.factories import PASSWORD

ADMIN = "/admin/"


@pytest.fixture
def desk(root: User) -> Client:
    client = Client(headers={"User-Agent": "Firefox\x1b[31m"})
    client.post("/admin/login/", {"username": "ROOT@example.com", "password": PASSWORD})
    return client


def cookie(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def test_signing_in_on_the_pages_opens_a_browser_session(desk, root):
    session = DeviceSession.objects.get()

    assert desk.get(ADMIN).status_code == 200
    assert (session.user, session.is_browser, session.device_name) == (root, True, "Firefox[31m")
    assert timedelta(hours=12) - (session.expires_at - timezone.now()) < timedelta(minutes=1)
    assert browser_session(cookie(desk)) == session


def test_a_request_of_staff_asks_who_it_is_in_two_queries(desk, django_assert_num_queries):
    with django_assert_num_queries(2):  # Django's session, and ours with its user
        desk.get("/admin/jsi18n/")


def test_a_strangers_request_asks_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        Client().get("/admin/login/")


def revoke(session: DeviceSession) -> None:
    DeviceSession.objects.update(revoked_at=timezone.now())


def expire(session: DeviceSession) -> None:
    DeviceSession.objects.update(expires_at=timezone.now())


def close_account(session: DeviceSession) -> None:
    User.objects.update(is_active=False)


def demote(session: DeviceSession) -> None:
    User.objects.update(role="customer")


def set_password_behind_our_back(session: DeviceSession) -> None:
    User.objects.update(password="md5$x$y")


def delete(session: DeviceSession) -> None:
    session.delete()


def turn_into_a_phone(session: DeviceSession) -> None:
    DeviceSession.objects.update(is_browser=False)


@pytest.mark.parametrize(
    "end", [revoke, expire, close_account, demote, set_password_behind_our_back, delete, turn_into_a_phone]
)
def test_a_cookie_without_a_live_session_is_logged_out(desk, end):
    key = cookie(desk)

    end(DeviceSession.objects.get())

    assert browser_session(key) is None
    assert desk.get(ADMIN).status_code == 302
    assert browser_session(key) is None


def test_a_cookie_is_dead_after_logout(desk, root, revoked, django_capture_on_commit_callbacks):
    session, key = DeviceSession.objects.get(), cookie(desk)

    with django_capture_on_commit_callbacks(execute=True):
        desk.post("/admin/logout/")

    again = Client()
    again.cookies[settings.SESSION_COOKIE_NAME] = key
    assert again.get(ADMIN).status_code == 302
    assert revoked == [Revoked(root.pk, Reason.LOGGED_OUT, (session.pk,))]


def test_a_cookie_fixed_before_login_does_not_become_a_signed_in_one(root):
    attacker = Client()
    store = attacker.session
    store["planted"] = "yes"
    store.save()
    before = cookie(attacker)

    attacker.post("/admin/login/", {"username": root.email, "password": PASSWORD})

    assert cookie(attacker) != before
    assert browser_session(before) is None


def test_signing_in_again_in_the_same_browser_ends_the_session_before(desk, root):
    first = DeviceSession.objects.get()

    desk.post("/admin/login/", {"username": root.email, "password": PASSWORD})

    first.refresh_from_db()
    assert first.revoked_at is not None
    assert DeviceSession.objects.live().count() == 1


def test_customers_get_no_pages_and_no_browser_session(alice):
    client = Client()
    client.force_login(alice)

    assert client.get(ADMIN).status_code == 302
    assert not DeviceSession.objects.exists()


@pytest.mark.parametrize("key", ["", "x", "\0", "a" * 500])
def test_what_is_no_cookie_of_ours_is_nobody(db, key):
    assert browser_session(key) is None


def test_guessing_on_the_sign_in_page_is_slowed_down_too(root):
    client = Client()
    for _ in range(10):
        client.post("/admin/login/", {"username": root.email, "password": "wrong"})

    response = client.post("/admin/login/", {"username": root.email, "password": PASSWORD})

    assert response.status_code == 200
    assert not DeviceSession.objects.exists()
    assert LoginFailure.objects.count() == 10


def test_a_device_that_is_heard_of_is_marked_as_seen_now_and_then(api, phone):
    long_ago = timezone.now() - timedelta(hours=1)
    DeviceSession.objects.update(last_seen_at=long_ago)

    api(phone).get("/api/v1/me/")

    phone.refresh_from_db()
    assert phone.last_seen_at > long_ago


def test_next_stays_on_this_host(root):
    response = Client().post("/admin/login/?next=//evil.example", {"username": root.email, "password": PASSWORD})

    assert response.status_code == 302
    assert response["Location"] == "/admin/"
