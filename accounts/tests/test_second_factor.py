"""The authenticator of staff: setting it up, signing in with it, what is refused, and the way back after losing it."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import totp
from accounts.actions import second_factor
from accounts.actions.second_factor import CodeRefused
from accounts.actions.sessions import sign_in
from accounts.errors import Conflict, Forbidden, InvalidBody, NotFound, RateLimited, Unauthenticated
from accounts.middleware import browser_session
from accounts.models import DeviceSession, LoginFailure, RecoveryCode, SecondFactor, User
from accounts.tests.factories import PASSWORD, TradeAdminFactory

TOKEN = "/api/v1/auth/token/"
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890", of RFC 6238's appendix B


def code(user: User, *, steps: int = 0) -> str:
    """What the person's app shows now, or some steps of thirty seconds from now."""
    factor = SecondFactor.objects.get(user=user)
    return totp.code_at(factor.secret, int(timezone.now().timestamp() // totp.STEP) + steps)


def enrol(user: User) -> list[str]:
    """With the code of the step before, so that the one of now is still there to be used."""
    second_factor.begin(actor=user)
    return second_factor.confirm(actor=user, code=code(user, steps=-1))


def enter(user: User, otp: str | None = None, password: str = PASSWORD):
    return sign_in(email=user.email, password=password, address="192.0.2.1", otp=otp)


def why(otp: str | None, user: User) -> str:
    with pytest.raises(CodeRefused) as refusal:
        enter(user, otp)
    return refusal.value.errors[0]["code"]


@pytest.mark.parametrize(("seconds", "digits"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_the_rfc(seconds, digits):
    assert totp.code_at(RFC_SECRET, seconds // 30) == digits


def test_a_clock_that_is_off_by_half_a_minute_does_not_matter_and_by_more_it_does():
    now = 1111111109.0
    codes = {drift: totp.code_at(RFC_SECRET, int(now // 30) + drift) for drift in (-2, -1, 0, 1, 2)}

    found = {drift: totp.matching_step(RFC_SECRET, text, now=now, after=0) is not None for drift, text in codes.items()}

    assert found == {-2: False, -1: True, 0: True, 1: True, 2: False}


def test_until_it_is_confirmed_the_password_is_enough(bob):
    second_factor.begin(actor=bob)

    assert enter(bob)[0] == bob


def test_with_an_authenticator_the_password_alone_opens_nothing(bob):
    enrol(bob)

    assert why(None, bob) == why("", bob) == "otp_required"
    assert why("000000x", bob) == "otp_invalid"
    assert not DeviceSession.objects.exists()
    assert enter(bob, code(bob))[0] == bob


def test_a_code_counts_once_and_none_before_it_counts_any_more(bob):
    enrol(bob)
    enter(bob, code(bob))

    assert why(code(bob), bob) == "otp_invalid"
    assert why(code(bob, steps=-1), bob) == "otp_invalid"


@pytest.mark.parametrize("written", [" {} ", "{:.3} {:.3}"])
def test_a_code_may_be_written_with_spaces(bob, written):
    enrol(bob)
    digits = code(bob)

    assert enter(bob, written.format(digits[:3] if "." in written else digits, digits[3:]))[0] == bob


def test_a_recovery_code_signs_in_once_however_it_is_written(bob):
    codes = enrol(bob)

    assert enter(bob, codes[0].upper().replace("-", " "))[0] == bob
    assert why(codes[0], bob) == "otp_invalid"
    assert enter(bob, codes[1])[0] == bob
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    assert second_factor.recovery_codes_left(bob) == second_factor.RECOVERY_CODES - 2
    assert not {text.replace("-", "") for text in codes} & set(RecoveryCode.objects.values_list("digest", flat=True))


@pytest.mark.parametrize("text", ["١٢٣٤٥٦", "\0", "é" * 6, "0" * 64, "-" * 6, " "])
def test_what_is_no_code_is_refused_like_a_wrong_one(bob, text):
    enrol(bob)

    assert why(text, bob) == "otp_invalid"


def test_guessing_codes_is_slowed_down_and_the_right_password_does_not_reset_it(bob):
    enrol(bob)
    for _ in range(9):
        assert why("000000x", bob) == "otp_invalid"

    with pytest.raises(CodeRefused):
        enter(bob, "000000x")
    for otp in (code(bob), "000000x"):
        with pytest.raises(RateLimited):
            enter(bob, otp)

    assert not DeviceSession.objects.exists()
    assert LoginFailure.objects.count() == 10


def test_a_right_code_forgets_the_wrong_ones(bob):
    enrol(bob)
    for _ in range(9):
        why("000000x", bob)

    enter(bob, code(bob))

    assert not LoginFailure.objects.exists()


def test_a_wrong_password_is_told_as_before_and_no_code_is_looked_at(bob):
    enrol(bob)
    before = SecondFactor.objects.get(user=bob).last_step

    with pytest.raises(Unauthenticated) as refusal:
        enter(bob, code(bob), password="wrong")

    assert not isinstance(refusal.value, CodeRefused)
    assert SecondFactor.objects.get(user=bob).last_step == before


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_one_code_at_once_one_gets_in():
    user = TradeAdminFactory()
    enrol(user)
    digits, gate, outcomes = code(user), Barrier(2), []

    def use() -> None:
        gate.wait()
        try:
            enter(user, digits)
            outcomes.append("in")
        except CodeRefused:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["in", "refused"]


def test_over_the_api_the_refusal_says_what_is_missing(bob, api):
    enrol(bob)
    body = {"email": bob.email, "password": PASSWORD}

    missing = api().post(TOKEN, body, content_type="application/json")
    wrong = api().post(TOKEN, body | {"otp": "1"}, content_type="application/json")
    right = api().post(TOKEN, body | {"otp": code(bob)}, content_type="application/json")

    assert (missing.status_code, wrong.status_code, right.status_code) == (401, 401, 200)
    assert missing.json()["code"] == "unauthenticated"
    assert missing.json()["errors"] == [
        {"pointer": "/otp", "detail": "A code from the authenticator app is needed.", "code": "otp_required"}
    ]
    assert wrong.json()["errors"][0]["code"] == "otp_invalid"


def test_an_otp_of_somebody_without_an_authenticator_is_ignored(alice, api):
    body = {"email": alice.email, "password": PASSWORD, "otp": "123456"}

    assert api().post(TOKEN, body, content_type="application/json").status_code == 200


def test_customers_have_no_second_step(alice):
    with pytest.raises(Forbidden):
        second_factor.begin(actor=alice)


def test_setting_up_is_done_in_order(bob):
    with pytest.raises(NotFound):
        second_factor.confirm(actor=bob, code="1")
    first = second_factor.begin(actor=bob)
    assert second_factor.begin(actor=bob).secret != first.secret
    with pytest.raises(InvalidBody):
        second_factor.confirm(actor=bob, code="000000x")
    second_factor.confirm(actor=bob, code=code(bob))
    for again in (lambda: second_factor.begin(actor=bob), lambda: second_factor.confirm(actor=bob, code=code(bob))):
        with pytest.raises(Conflict):
            again()


def test_removing_it_takes_a_code(bob):
    with pytest.raises(NotFound):
        second_factor.remove(actor=bob, code="1")
    enrol(bob)
    with pytest.raises(InvalidBody):
        second_factor.remove(actor=bob, code="000000x")
    assert why(None, bob) == "otp_required"

    second_factor.remove(actor=bob, code=code(bob))

    assert enter(bob)[0] == bob
    assert not SecondFactor.objects.exists()
    assert not RecoveryCode.objects.exists()


def test_a_super_admin_resets_somebodys_authenticator_and_nobody_else_does(root, bob):
    enrol(bob)
    for actor in (bob, TradeAdminFactory()):
        with pytest.raises(Forbidden):
            second_factor.reset(actor=actor, user_id=bob.pk)
    with pytest.raises(NotFound):
        second_factor.reset(actor=root, user_id=DeviceSession().pk)

    with pytest.raises(Conflict):  # or an unattended screen would be enough
        second_factor.reset(actor=root, user_id=root.pk)

    assert second_factor.reset(actor=root, user_id=bob.pk)
    assert not second_factor.reset(actor=root, user_id=bob.pk)
    assert enter(bob)[0] == bob


def test_where_it_is_required_staff_set_it_up_first_and_customers_never(bob, alice, settings):
    settings.STAFF_TOTP = "required"

    assert why(None, bob) == "otp_setup_required"
    assert enter(alice)[0] == alice
    enrol(bob)
    assert enter(bob, code(bob))[0] == bob


# -- On the pages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def door(bob: User) -> Client:
    """A browser in which Bob, who has an authenticator, has given his password."""
    enrol(bob)
    client = Client(enforce_csrf_checks=False)
    answer = client.post("/admin/login/?next=/admin/chat/trade/", {"username": bob.email, "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/login/code/?next=%2Fadmin%2Fchat%2Ftrade%2F")
    return client


def test_after_the_password_nothing_is_open_yet(door):
    assert not DeviceSession.objects.exists()
    assert door.get("/admin/")["Location"] == "/admin/login/?next=/admin/"
    assert door.get("/admin/login/code/").status_code == 200


def test_the_code_opens_the_page_that_was_asked_for(door, bob):
    answer = door.post("/admin/login/code/?next=/admin/chat/trade/", {"code": code(bob)})

    assert (answer.status_code, answer["Location"]) == (302, "/admin/chat/trade/")
    assert DeviceSession.objects.get().user == bob
    assert door.get("/admin/").status_code == 200


def test_a_wrong_code_is_said_beside_its_field_and_opens_nothing(door):
    answer = door.post("/admin/login/code/", {"code": "000000x"})

    assert answer.context["form"].errors == {"code": ["This code is wrong or was used before."]}
    assert not DeviceSession.objects.exists()


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "javascript:alert(1)"])
def test_the_second_step_leads_nowhere_else(door, bob, target):
    answer = door.post(f"/admin/login/code/?next={target}", {"code": code(bob), "next": target})

    assert answer["Location"] == "/admin/"


def later(door: Client, bob: User) -> None:
    session = door.session
    session["sign_in"] = session["sign_in"] | {"at": timezone.now().timestamp() - 301}
    session.save()


def password_changed(door: Client, bob: User) -> None:
    bob.set_password("another good password")
    bob.save()


def closed(door: Client, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)


def demoted(door: Client, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(role="customer")


@pytest.mark.parametrize("meanwhile", [later, password_changed, closed, demoted])
def test_the_second_step_does_not_outlive_what_the_first_stood_on(door, bob, meanwhile):
    digits = code(bob)

    meanwhile(door, bob)

    assert door.post("/admin/login/code/", {"code": digits})["Location"] == "/admin/login/"
    assert not DeviceSession.objects.exists()


def test_a_cookie_fixed_before_the_password_cannot_go_on_after_it(bob):
    enrol(bob)
    attacker = Client()
    store = attacker.session
    store["planted"] = "yes"
    store.save()
    before = attacker.cookies["sessionid"].value

    attacker.post("/admin/login/", {"username": bob.email, "password": PASSWORD})

    thief = Client()
    thief.cookies["sessionid"] = before
    assert thief.get("/admin/login/code/")["Location"] == "/admin/login/"


def test_an_authenticator_is_set_up_and_removed_on_its_page(bob):
    client = Client()
    client.force_login(bob)
    page = "/admin/authenticator/"
    assert b"Set up an authenticator" in client.get(page).content

    client.post(page, {"do": "begin"})
    shown = client.get(page)
    assert b"<svg" in shown.content
    assert shown.context["secret"].replace(" ", "") == SecondFactor.objects.get().secret
    assert "no-store" in shown["Cache-Control"]
    wrong = client.post(page, {"do": "confirm", "code": "000000x"}, follow=True)
    assert [str(message) for message in wrong.context["messages"]] == ["This is not the code of this moment."]

    confirmed = client.post(page, {"do": "confirm", "code": code(bob, steps=-1)})
    assert len(confirmed.context["recovery_codes"]) == second_factor.RECOVERY_CODES
    assert all(text not in client.get(page).content.decode() for text in confirmed.context["recovery_codes"])

    client.post(page, {"do": "remove", "code": code(bob)})
    client.post(page, {"do": "nothing we know"})
    assert not SecondFactor.objects.exists()


def test_where_it_is_required_every_page_leads_to_it_until_it_is_set_up(bob, settings):
    settings.STAFF_TOTP = "required"
    client = Client()
    client.force_login(bob)

    assert {client.get(page)["Location"] for page in ("/admin/", "/admin/password_change/")} == {
        "/admin/authenticator/"
    }
    assert client.get("/admin/authenticator/").status_code == 200
    assert browser_session(client.cookies["sessionid"].value) is None  # no socket either
    enrol(bob)
    assert client.get("/admin/").status_code == 200
    assert browser_session(client.cookies["sessionid"].value) is not None


def test_a_super_admin_resets_it_from_the_list_of_people(root, bob, alice):
    enrol(bob)
    client = Client()
    client.force_login(root)

    answer = client.post(
        "/admin/accounts/user/",
        {"action": "reset_authenticator", "_selected_action": [bob.pk, alice.pk, root.pk]},
        follow=True,
    )

    said = [str(message) for message in answer.context["messages"]]
    assert said == ["Your own you remove with a code.", "Authenticators reset: 1."]
    assert not SecondFactor.objects.exists()


def test_pages_say_what_their_browser_may_load(root):
    client = Client()
    client.force_login(root)

    for page in ("/admin/login/code/", "/admin/", "/admin/accounts/user/", "/admin/authenticator/"):
        policy = client.get(page, follow=True)["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy


def test_codes_stay_good_for_a_moment_after_their_thirty_seconds(bob, monkeypatch):
    enrol(bob)
    digits, begun = code(bob), timezone.now()

    monkeypatch.setattr(timezone, "now", lambda: begun + timedelta(seconds=29))

    assert enter(bob, digits)[0] == bob
