"""Refreshing: rotation, the lost answer, and the stolen token."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actions.sessions import refresh
from accounts.errors import Unauthenticated
from accounts.models import DeviceSession
from accounts.revocation import Reason, Revoked
from accounts.tests.factories import DeviceSessionFactory
from accounts.tokens import read_access, read_refresh, token_pair


def test_a_refresh_rotates_the_pair_and_keeps_the_session(phone):
    first = token_pair(phone)

    second = refresh(token=first["refresh"])

    assert second["refresh"] != first["refresh"]
    assert second["access"] != first["access"]
    assert (read_access(second["access"]).session_id, read_refresh(second["refresh"]).user_id) == (
        phone.pk,
        phone.user_id,
    )


def test_a_repeat_within_the_grace_gets_the_very_same_pair(phone):
    first = token_pair(phone)["refresh"]

    answers = [refresh(token=first) for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert refresh(token=answers[0]["refresh"]) != answers[0]


def test_a_repeat_after_the_grace_ends_the_session(phone, revoked, django_capture_on_commit_callbacks):
    first = token_pair(phone)["refresh"]
    latest = refresh(token=first)["refresh"]
    DeviceSession.objects.update(refreshed_at=timezone.now() - timedelta(seconds=31))

    with django_capture_on_commit_callbacks(execute=True), pytest.raises(Unauthenticated):
        refresh(token=first)

    assert revoked == [Revoked(phone.user_id, Reason.LOGGED_OUT, (phone.pk,))]
    with pytest.raises(Unauthenticated):
        refresh(token=latest)


def test_a_token_two_rotations_old_ends_the_session(phone):
    first = token_pair(phone)["refresh"]
    refresh(token=refresh(token=first)["refresh"])

    with pytest.raises(Unauthenticated):
        refresh(token=first)

    assert not DeviceSession.objects.live().exists()


def test_each_refresh_gives_the_session_another_thirty_days(phone):
    DeviceSession.objects.update(expires_at=timezone.now() + timedelta(hours=1))

    refresh(token=token_pair(phone)["refresh"])

    phone.refresh_from_db()
    assert timedelta(days=30) - (phone.expires_at - timezone.now()) < timedelta(minutes=1)


def test_a_browser_session_has_no_refresh_token(root):
    browser = DeviceSessionFactory(user=root, is_browser=True)

    with pytest.raises(Unauthenticated):
        refresh(token=token_pair(browser)["refresh"])


@pytest.mark.django_db(transaction=True)
def test_parallel_refreshes_all_get_the_same_pair(phone):
    first = token_pair(phone)["refresh"]
    answers: list[dict[str, str]] = []
    start = Barrier(6)

    def ask() -> None:
        start.wait()
        answers.append(refresh(token=first))
        connection.close()

    threads = [Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    phone.refresh_from_db()
    assert answers == [token_pair(phone)] * 6
