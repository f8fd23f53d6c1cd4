"""Access tokens on REST: one good one gets in, and nothing else does."""

import base64
import hmac
import json
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import DeviceSession
from accounts.tests.factories import DeviceSessionFactory
from accounts.tokens import token_pair

ME = "/api/v1/me/"


def claims(session: DeviceSession, **changed: Any) -> dict[str, Any]:
    good = jwt.decode(token_pair(session)["access"], options={"verify_signature": False})
    return {name: value for name, value in (good | changed).items() if value is not ...}


def signed(payload: dict[str, Any], key: str = settings.JWT_KEY, algorithm: str = "HS256") -> str:
    return jwt.encode(payload, key, algorithm)


def raw_token(header: dict[str, Any], payload: str, signature: str = "") -> str:
    """A token whose JSON no library would write."""
    parts = [base64.urlsafe_b64encode(text.encode()).rstrip(b"=") for text in (json.dumps(header), payload)]
    body = b".".join(parts)
    mac = hmac.digest(settings.JWT_KEY.encode(), body, "sha256")
    return (body + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode() if not signature else f"{body.decode()}."


def ask(header: str | None) -> tuple[int, str | None, str | None]:
    response = Client(headers={} if header is None else {"Authorization": header}).get(ME)
    assert response["Content-Type"] == "application/problem+json" or response.status_code == 200
    return response.status_code, response.json().get("code"), response.headers.get("WWW-Authenticate")


REFUSED = (401, "unauthenticated", "Bearer")


def test_the_token_of_a_live_session_gets_in_with_one_query(api, phone, django_assert_num_queries):
    client = api(phone)

    with django_assert_num_queries(1):
        response = client.get(ME)

    assert response.status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "null",
        "undefined",
        "Bearer",
        "Bearer ",
        "Bearer null",
        "Bearer undefined",
        "Bearer a.b.c",
        "Basic YTpi",
        "Bearer é.b.c",
        "Token a.b.c",
        "Bearer " + "a" * 5000,
        "Bearer ..",
        "Bearer a.b.c d",
        "bearer\ta.b.c",
    ],
)
def test_what_is_no_token_is_refused(db, header):
    assert ask(header) == REFUSED


def test_two_bearer_headers_are_none(phone):
    token = token_pair(phone)["access"]

    assert ask(f"Bearer {token},Bearer {token}") == ask(f"Bearer {token} Bearer {token}") == REFUSED
    assert ask(f"bearer {token}")[0] == 200


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", "HS512", "RS256", "", None])
def test_no_other_algorithm_counts(phone, algorithm):
    payload = json.dumps(claims(phone))

    for signature in ("", "without"):
        assert ask("Bearer " + raw_token({"alg": algorithm, "typ": "JWT"}, payload, signature)) == REFUSED


def test_an_altered_or_otherwise_signed_token_is_refused(phone):
    token = token_pair(phone)["access"]
    head, body, signature = token.split(".")
    swapped = ("A" if signature[0] != "A" else "B") + signature[1:]

    assert ask(f"Bearer {head}.{body}.{swapped}") == REFUSED
    assert ask(f"Bearer {head}.{body}.") == REFUSED
    assert ask("Bearer " + signed(claims(phone), key="x" * 64)) == REFUSED
    assert ask("Bearer " + signed(claims(phone), algorithm="HS512")) == REFUSED


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": ...},
        {"exp": "soon"},
        {"exp": "99999999999"},
        {"exp": 99999999999.5},
        {"exp": 10**400},
        {"exp": 10**18},
        {"exp": [1]},
        {"exp": None},
        {"nbf": 99999999999},
        {"iat": 99999999999},
        {"token_type": "refresh"},
        {"token_type": ...},
        {"sub": 1},
        {"sub": ["a"]},
        {"sub": "1 OR 1"},
        {"sub": None},
        {"sub": ...},
        {"sub": "\0"},
        {"sub": "8d7a4b52-5a0e-4a5e-9d43-4c1f0e6a2f11"},
        {"sub": {}},
        {"sid": 1},
        {"sid": "\0"},
        {"sid": ...},
        {"sid": "8d7a4b52-5a0e-4a5e-9d43-4c1f0e6a2f12"},
        {"jti": ...},
        {"jti": 5},
        {"jti": "x"},
    ],
    ids=str,
)
def test_a_signed_token_with_absurd_claims_is_refused(phone, changed):
    payload = claims(phone, **changed)
    token = raw_token({"alg": "HS256", "typ": "JWT"}, json.dumps(payload))

    assert ask(f"Bearer {token}") == REFUSED


@pytest.mark.parametrize("exp", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_an_expiry_that_is_no_number_is_refused(phone, exp):
    payload = json.dumps(claims(phone, exp="EXP")).replace('"EXP"', exp)

    assert ask("Bearer " + raw_token({"alg": "HS256"}, payload)) == REFUSED


@pytest.mark.parametrize("exp", [-(10**12), -1, 0, True, "a second ago"])
def test_an_expired_token_says_that_it_may_be_refreshed(phone, exp):
    if exp == "a second ago":
        exp = int(time.time()) - 1

    assert ask("Bearer " + signed(claims(phone, exp=exp))) == (401, "token_expired", "Bearer")


def test_refresh_tokens_are_no_access_tokens_and_the_reverse(phone):
    pair = token_pair(phone)

    assert ask(f"Bearer {pair['refresh']}") == REFUSED
    response = Client().post("/api/v1/auth/token/refresh/", {"refresh": pair["access"]}, "application/json")
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


def end_by_revoking(session: DeviceSession) -> None:
    DeviceSession.objects.filter(pk=session.pk).update(revoked_at=timezone.now())


def end_by_time(session: DeviceSession) -> None:
    DeviceSession.objects.filter(pk=session.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def end_by_closing_the_account(session: DeviceSession) -> None:
    session.user.is_active = False
    session.user.save()


def end_by_deleting(session: DeviceSession) -> None:
    session.user.delete()


def end_by_giving_it_to_another(session: DeviceSession) -> None:
    DeviceSession.objects.filter(pk=session.pk).update(user=DeviceSessionFactory().user)


@pytest.mark.parametrize(
    "end", [end_by_revoking, end_by_time, end_by_closing_the_account, end_by_deleting, end_by_giving_it_to_another]
)
def test_a_good_token_of_an_ended_session_is_refused(api, phone, end):
    pair = token_pair(phone)

    end(phone)

    assert ask(f"Bearer {pair['access']}") == REFUSED
    response = Client().post("/api/v1/auth/token/refresh/", {"refresh": pair["refresh"]}, "application/json")
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


def test_a_cookie_does_not_count_on_the_api(root):
    client = Client(enforce_csrf_checks=True)
    client.force_login(root)

    assert client.get(ME).status_code == 401
    assert client.post("/api/v1/auth/logout-all/").status_code == 401
