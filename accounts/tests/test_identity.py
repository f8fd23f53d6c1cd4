"""Identities as live connections hold them, and who is told when they end."""

from django.db import transaction

from accounts import revocation
from accounts.identity import Identity, identify, identity_of
from accounts.models import Role
from accounts.revocation import Reason, Revoked
from accounts.tests.factories import DeviceSessionFactory
from accounts.tokens import read_access, token_pair


def test_an_identity_says_who_and_until_when(bob):
    session = DeviceSessionFactory(user=bob)
    claims = read_access(token_pair(session)["access"])

    identity = identity_of(session, claims.expires_at)

    assert identity == Identity(bob.pk, session.pk, "Bob", Role.TRADE_ADMIN, claims.expires_at)
    assert identity.staff


def test_a_token_stands_for_a_person_while_its_session_lives(alice, phone):
    claims = read_access(token_pair(phone)["access"])

    assert identify(claims) == alice
    phone.delete()
    assert identify(claims) is None


def test_listeners_hear_of_an_end_once_and_after_the_commit(revoked, alice, django_capture_on_commit_callbacks):
    ended = Revoked(alice.pk, Reason.ACCOUNT)
    second: list[Revoked] = []
    listener = second.append
    revocation.on_revoked(listener)
    revocation.on_revoked(listener)

    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        revocation.announce(ended)
        assert (revoked, second) == ([], [])

    assert (revoked, second) == ([ended], [ended])
