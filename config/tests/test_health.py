"""Alive, ready, counted; and an id for every request."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def get(path, **headers):
    return Client(headers=headers).get(path)


def test_alive_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        response = get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_ready_when_the_database_answers():
    response = get("/readyz")

    assert (response.status_code, response.json()) == (200, {"status": "ready"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_they_are_read_only_and_not_redirected_to_https(path, settings):
    settings.SECURE_SSL_REDIRECT = True

    assert get(path).status_code == 200
    assert Client().head(path).status_code == 200
    assert Client().post(path).status_code == 405


def test_metrics_are_for_this_machine_only():
    assert "parley_messages" in get("/metrics").content.decode()

    assert get("/metrics", X_Forwarded_For="127.0.0.1").status_code == 404
    for peer in ("10.0.0.1", ""):
        assert Client(REMOTE_ADDR=peer).get("/metrics").status_code == 404
    assert Client(REMOTE_ADDR="::1").get("/metrics").status_code == 200


@pytest.mark.parametrize("given", ["a", "A-1.b_2", "x" * 64])
def test_a_harmless_request_id_is_kept(given):
    assert get("/healthz", X_Request_ID=given)["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "é", "<b>", 'a"'])
def test_any_other_gets_one_of_ours(given):
    ids = {get("/healthz", X_Request_ID=given)["X-Request-ID"] for _ in range(2)}

    assert len(ids) == 2
    assert all(len(each) == 32 and each.isalnum() for each in ids)
