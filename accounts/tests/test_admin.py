"""Django admin of people and devices."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.models import DeviceSession, Role, User
from accounts.tests.factories import PASSWORD, DeviceSessionFactory, SuperAdminFactory, UserFactory

USERS = "/admin/accounts/user/"
SESSIONS = "/admin/accounts/devicesession/"
NEW = "another good password"


@pytest.fixture
def desk(root: User) -> Client:
    client = Client()
    client.force_login(root)
    return client


def change(client: Client, user: User, **changed: object):
    sessions = {f"device_sessions-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    names = ("email", "display_name", "role", "availability", "capacity")
    form = {name: getattr(user, name) for name in names} | ({"is_active": "on"} if user.is_active else {}) | sessions
    form = {name: value for name, value in (form | changed).items() if value is not None}
    return client.post(f"{USERS}{user.pk}/change/", form, follow=True)


def messages(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


@pytest.mark.parametrize("path", [USERS, SESSIONS])
def test_lists_cost_the_same_for_one_person_and_for_three(desk, path, django_assert_max_num_queries):
    counts = []
    for _ in range(2):
        with django_assert_max_num_queries(20) as queries:
            assert desk.get(path).status_code == 200
        counts.append(len(queries))
        DeviceSessionFactory.create_batch(2)

    assert counts[0] == counts[1]


def test_a_persons_page_costs_the_same_for_one_device_and_for_three(desk, alice, django_assert_max_num_queries):
    counts = []
    desk.get(f"{USERS}{alice.pk}/change/")  # Django remembers content types from here on
    for _ in range(2):
        DeviceSessionFactory(user=alice)
        with django_assert_max_num_queries(20) as queries:
            assert desk.get(f"{USERS}{alice.pk}/change/").status_code == 200
        counts.append(len(queries))
        DeviceSessionFactory(user=alice)

    assert counts[0] == counts[1]


def test_every_page_opens_and_can_be_searched(desk, alice, phone):
    for path in (
        f"{USERS}?q=ali&role__exact=customer&is_active__exact=1",
        f"{USERS}add/",
        f"{USERS}{alice.pk}/password/",
        f"{SESSIONS}?q=phone&is_browser__exact=0",
        f"{SESSIONS}{phone.pk}/change/",
        "/admin/password_change/",
    ):
        assert desk.get(path).status_code == 200, path


@pytest.mark.parametrize("path", [USERS, SESSIONS, f"{USERS}add/"])
def test_trade_admins_and_customers_may_not_look(bob, alice, path):
    trader, customer = Client(), Client()
    trader.force_login(bob)
    customer.force_login(alice)

    assert (trader.get(path).status_code, customer.get(path).status_code) == (403, 302)


def test_a_new_role_goes_through_the_action_and_ends_sessions(desk, alice, phone):
    change(desk, alice, role="trade_admin", display_name="Support Alice", capacity=4)

    alice.refresh_from_db()
    assert (alice.role, alice.display_name, alice.capacity) == (Role.TRADE_ADMIN, "Support Alice", 4)
    assert not DeviceSession.objects.live().filter(user=alice).exists()
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize("changed", [{"role": "customer"}, {"is_active": None}])
def test_the_last_super_admin_is_told_why_they_stay(desk, root, changed):
    response = change(desk, root, display_name="Renamed", **changed)

    root.refresh_from_db()
    assert messages(response) == ["Nothing was changed. Somebody has to stay super admin."]
    assert (root.role, root.is_active, root.display_name) == (Role.SUPER_ADMIN, True, "Root")
    assert not LogEntry.objects.exists()


def test_a_bad_name_is_refused_beside_its_field(desk, alice):
    response = change(desk, alice, display_name="Support")

    assert response.context["adminform"].form.errors == {
        "display_name": ["This name is kept for the people of support."]
    }


def test_a_super_admin_makes_staff(desk):
    form = {
        "email": "New@Example.com",
        "display_name": "Support",
        "role": "trade_admin",
        "password1": NEW,
        "password2": NEW,
    }

    desk.post(f"{USERS}add/", form)

    user = User.objects.get(email="new@example.com")
    assert (user.role, user.display_name, user.check_password(NEW)) == (Role.TRADE_ADMIN, "Support", True)


def test_a_reset_password_ends_every_session_of_that_person(desk, alice, phone):
    desk.post(f"{USERS}{alice.pk}/password/", {"password1": NEW, "password2": NEW})

    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert not DeviceSession.objects.live().filter(user=alice).exists()


def test_the_password_form_cannot_take_the_password_away(desk, alice):
    response = desk.post(f"{USERS}{alice.pk}/password/", {"usable_password": "false", "unset-password": "1"})

    alice.refresh_from_db()
    assert response.status_code == 200
    assert alice.check_password(PASSWORD)


def test_chosen_people_and_devices_are_logged_out(desk, alice):
    kept, gone, other = DeviceSessionFactory(user=alice), DeviceSessionFactory(user=alice), DeviceSessionFactory()

    one = desk.post(SESSIONS, {"action": "log_out", "_selected_action": [gone.pk]}, follow=True)
    assert messages(one) == ["Devices logged out: 1."]
    assert set(DeviceSession.objects.live().filter(is_browser=False)) == {kept, other}

    all_of_alice = desk.post(USERS, {"action": "log_out_everywhere", "_selected_action": [alice.pk]}, follow=True)
    assert messages(all_of_alice) == ["Devices logged out: 1."]
    assert set(DeviceSession.objects.live().filter(is_browser=False)) == {other}


def test_nobody_is_deleted_and_no_session_edited(desk, alice, phone):
    assert desk.get(f"{USERS}{alice.pk}/delete/").status_code == 403
    assert desk.get(f"{SESSIONS}add/").status_code == 403
    assert desk.post(f"{SESSIONS}{phone.pk}/change/", {"revoked_at": ""}).status_code == 403


def test_names_are_shown_as_text(desk):
    UserFactory(display_name="<script>alert(1)</script>")

    assert b"<script>alert(1)" not in desk.get(USERS).content


def test_a_foreign_page_cannot_act_with_the_cookie(root):
    client = Client(enforce_csrf_checks=True)
    client.force_login(root)

    assert client.post(USERS, {"action": "log_out_everywhere", "_selected_action": [root.pk]}).status_code == 403


def test_one_super_admin_may_demote_another_here(desk):
    second = SuperAdminFactory()

    change(desk, second, role="customer")

    second.refresh_from_db()
    assert second.role == Role.CUSTOMER
