"""What super admins do to accounts in Django admin is written down, as it is over REST."""

import pytest

from accounts import totp
from accounts.actions import second_factor
from accounts.models import User
from chat.models import AuditEntry

PEOPLE = "/admin/accounts/user/"
NEW = "another good password"


def form_of(user: User, **changed: object) -> dict[str, object]:
    sessions = {f"device_sessions-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    names = ("email", "display_name", "role", "availability", "capacity")
    return {name: getattr(user, name) for name in names} | {"is_active": "on"} | sessions | changed


@pytest.fixture
def written(sara):
    """The details of what Sara did, by whose account it was."""

    def entries() -> list[tuple[str, dict]]:
        rows = AuditEntry.objects.filter(action="account.changed", actor=sara).order_by("id")
        return [(row.subject.display_name, row.detail) for row in rows]

    return entries


def test_changed_fields_are_written_down_with_what_they_were(desk, tina, sara, written):
    client = desk(sara)

    client.post(f"{PEOPLE}{tina.pk}/change/", form_of(tina, capacity=3, availability="away", display_name="Tina B."))

    assert written() == [
        ("Tina B.", {"capacity": [10, 3]}),
        ("Tina B.", {"availability": ["available", "away"], "display_name": ["Tina", "Tina B."]}),
    ]
    assert "10 → 3" in client.get("/admin/chat/auditentry/").content.decode()


def test_a_refused_change_is_not(desk, sara, written):
    desk(sara).post(f"{PEOPLE}{sara.pk}/change/", form_of(sara, role="customer", display_name="Renamed"))

    assert written() == []


def test_new_people_and_new_passwords_are_written_down_but_no_password(desk, alice, sara, written):
    client = desk(sara)
    form = {"email": "n@example.com", "display_name": "Nora", "role": "trade_admin", "password1": NEW, "password2": NEW}

    client.post(f"{PEOPLE}add/", form)
    client.post(f"{PEOPLE}{alice.pk}/password/", {"password1": NEW, "password2": NEW})
    client.post(f"{PEOPLE}{alice.pk}/password/", {"password1": NEW, "password2": "something else"})

    assert written() == [("Nora", {"created": ["", "trade_admin"]}), ("Alice", {"password": ["", "set"]})]


def test_a_reset_authenticator_is_written_down_once(desk, tina, sara, written):
    factor = second_factor.begin(actor=tina)
    second_factor.confirm(actor=tina, code=totp.code_at(factor.secret, int(factor.created_at.timestamp()) // 30))
    form = {"action": "reset_authenticator", "_selected_action": [tina.pk]}

    for _ in range(2):
        desk(sara).post(PEOPLE, form)

    assert written() == [("Tina", {"second_factor": ["on", "off"]})]
