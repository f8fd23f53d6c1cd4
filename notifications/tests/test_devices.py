"""Whose a device is, when it ends, and how many there may be."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actions import people, sessions
from accounts.errors import InvalidBody, NotFound, Unauthenticated
from accounts.models import DeviceSession
from accounts.tests.factories import PASSWORD, DeviceSessionFactory
from accounts.tokens import token_pair
from notifications.actions import devices, outbox
from notifications.enums import Kind, Platform
from notifications.models import Device, OutboxRow
from notifications.tests.factories import new_token, phone

pytestmark = pytest.mark.django_db


def state(device: Device) -> tuple[bool, str]:
    device.refresh_from_db()
    return device.active, device.end_reason


GOOD = [
    "ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]",
    "ExpoPushToken[a]",
    "ExponentPushToken[!#$%&'()*+,-./:;<=>?@Z\\^_`a{|}~]",
    f"ExponentPushToken[{'x' * 160}]",
]
BAD = [
    *("", "x", "xxxxxxxxxxxxxxxxxxxxxx", "https://evil/", "ExponentPushToken", "ExponentPushToken[]", "[x]"),
    *("exponentpushtoken[x]", "ExpoToken[x]", " ExpoPushToken[x]", "ExpoPushToken[x] ", "ExpoPushToken[x]\n"),
    *("ExpoPushToken[x", "ExpoPushToken[x]]", "ExpoPushToken[[x]", "ExpoPushToken[x][y]", "ExpoPushToken[a b]"),
    *("ExpoPushToken[a\tb]", "ExpoPushToken[a\0b]", "ExpoPushToken[é]", "ExpoPushToken[١]", "ExpoPushToken[\x7f]"),
    *(f"ExponentPushToken[{'x' * 161}]", "x" * 10_000, "ExpoPushToken[a\r\nHost: evil]"),
]


@pytest.mark.parametrize("token", GOOD)
def test_an_expo_token_is_taken_as_it_is(alice, token):
    assert phone(alice, token).token == token


@pytest.mark.parametrize("token", BAD, ids=range(len(BAD)))
def test_anything_else_is_none(alice, token):
    with pytest.raises(InvalidBody) as refusal:
        phone(alice, token)

    assert refusal.value.errors == [{"pointer": "/token", "detail": "This is not an Expo push token."}]
    assert not Device.objects.exists()


def test_both_spellings_are_one_device(alice):
    session = DeviceSessionFactory.create(user=alice)
    first = phone(alice, "ExponentPushToken[abc]", session=session)

    again, is_new = devices.register(
        actor=alice, session=session, token="ExpoPushToken[abc]", platform=Platform.ANDROID, name="Pixel"
    )

    assert (again.pk, is_new) == (first.pk, False)
    again.refresh_from_db()
    assert (again.token, again.platform, again.name) == ("ExpoPushToken[abc]", "android", "Pixel")
    assert Device.objects.count() == 1


def test_a_device_moves_to_the_sign_in_that_registers_it(alice):
    first = phone(alice)
    later, at = DeviceSessionFactory.create(user=alice), timezone.now() + timedelta(hours=1)

    again = phone(alice, first.token, session=later, now=at)

    assert again.pk == first.pk
    first.refresh_from_db()
    assert (first.session, first.registered_at) == (later, at)


def test_another_persons_token_is_theirs_no_longer(alice, bob):
    hers = phone(alice)

    his = phone(bob, hers.token.replace("ExponentPushToken", "ExpoPushToken"))

    assert state(hers) == (False, "re_owned")
    assert (his.pk == hers.pk, state(his)) == (False, (True, ""))
    assert list(Device.objects.reachable()) == [his]


def test_a_token_that_comes_back_is_a_new_device(alice, bob):
    first = phone(alice)
    phone(bob, first.token)

    second = phone(alice, first.token)

    assert second.pk != first.pk
    assert list(Device.objects.reachable()) == [second]


def test_what_waits_for_a_device_stays_with_the_person_it_was_meant_for(alice, bob):
    hers = phone(alice)
    outbox.add([outbox.Wanted(alice.pk, Kind.MESSAGE, hers.pk, hers.pk, False)])

    his = phone(bob, hers.token)

    [row] = OutboxRow.objects.all()
    assert (row.device_id, row.user_id) == (hers.pk, alice.pk)
    assert not Device.objects.reachable().filter(pk=row.device_id).exists()
    outbox.add([outbox.Wanted(alice.pk, Kind.MESSAGE, his.pk, his.pk, False)])
    assert OutboxRow.objects.count() == 1


def test_a_new_token_of_the_same_sign_in_replaces_the_first(alice):
    session = DeviceSessionFactory.create(user=alice)
    first, elsewhere = phone(alice, session=session), phone(alice)

    second = phone(alice, session=session)

    assert state(first) == (False, "replaced")
    assert set(Device.objects.active()) == {second, elsewhere}


def test_coming_back_to_an_older_token_of_mine_leaves_one_device_to_the_sign_in(alice):
    session = DeviceSessionFactory.create(user=alice)
    older, newer = phone(alice), phone(alice, session=session)

    again = phone(alice, older.token, session=session)

    assert (again.pk, state(newer)) == (older.pk, (False, "replaced"))


def test_of_too_many_the_one_registered_longest_ago_ends(alice, bob, settings):
    settings.DEVICES_PER_USER = 3
    now = timezone.now()
    others = phone(bob)
    third, first, second = (phone(alice, now=now - timedelta(days=days)) for days in (1, 3, 2))

    fourth = phone(alice)

    assert state(first) == (False, "too_many")
    assert set(Device.objects.active()) == {second, third, fourth, others}


def test_registering_one_of_many_again_ends_none(alice, settings):
    settings.DEVICES_PER_USER = 2
    first, second = phone(alice), phone(alice)

    phone(alice, first.token)

    assert set(Device.objects.active()) == {first, second}


def test_a_lower_limit_is_kept_by_the_next_registration(alice, settings):
    for _ in range(5):
        phone(alice)
    settings.DEVICES_PER_USER = 2

    phone(alice)

    assert Device.objects.active().count() == 2


@pytest.mark.parametrize("ended", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now()}])
def test_an_ended_sign_in_registers_nothing(alice, ended):
    session = DeviceSessionFactory.create(user=alice, **ended)

    with pytest.raises(Unauthenticated):
        phone(alice, session=session)

    assert not Device.objects.exists()


def test_nobody_registers_with_the_sign_in_of_somebody_else(alice, bob):
    with pytest.raises(Unauthenticated):
        phone(alice, session=DeviceSessionFactory.create(user=bob))


def test_a_removed_device_is_gone(alice):
    device = phone(alice)

    devices.remove(actor=alice, device_id=device.pk)

    assert state(device) == (False, "removed")
    with pytest.raises(NotFound):
        devices.remove(actor=alice, device_id=device.pk)


def test_nobody_removes_the_device_of_somebody_else(alice, bob, sara):
    device = phone(alice)

    for stranger in (bob, sara):
        with pytest.raises(NotFound):
            devices.remove(actor=stranger, device_id=device.pk)

    assert state(device) == (True, "")


# -- Pushes end with the sign-in ---------------------------------------------------------------------------------------


def log_out(session, sara):
    sessions.log_out(session=session)


def log_out_everywhere(session, sara):
    sessions.log_out_all(user=session.user)


def close_the_account(session, sara):
    people.administer(actor=sara, user_id=session.user_id, is_active=False)


def give_another_role(session, sara):
    people.administer(actor=sara, user_id=session.user_id, role="trade_admin")


def change_the_password_elsewhere(session, sara):
    elsewhere = DeviceSessionFactory.create(user=session.user)
    sessions.change_password(actor=session.user, session=elsewhere, current=PASSWORD, new="another good password")


def use_a_refresh_token_twice(session, sara):
    stolen = token_pair(session)["refresh"]
    for _ in range(2):
        session.refresh_from_db()
        sessions.refresh(token=token_pair(session)["refresh"])
    with pytest.raises(Unauthenticated):
        sessions.refresh(token=stolen)


def sign_in_again_on_it(session, sara):
    sessions.sign_in(email=session.user.email, password=PASSWORD, address=None, device_id=session.device_id)


ENDINGS = [
    log_out,
    log_out_everywhere,
    close_the_account,
    give_another_role,
    change_the_password_elsewhere,
    use_a_refresh_token_twice,
    sign_in_again_on_it,
]


@pytest.mark.parametrize("end", ENDINGS)
def test_pushes_stop_with_the_commit_and_the_list_learns_of_it(
    alice, bob, sara, end, django_capture_on_commit_callbacks
):
    session = DeviceSessionFactory.create(user=alice, device_id="phone-1")
    device, others = phone(alice, session=session), phone(bob)

    with django_capture_on_commit_callbacks() as after_commit:
        end(session, sara)

    assert list(Device.objects.reachable()) == [others], "before anybody was told"
    for callback in after_commit:
        callback()
    assert state(device) == (False, "signed_out")
    assert list(Device.objects.active()) == [others]


def test_my_other_sign_ins_keep_their_pushes(alice, django_capture_on_commit_callbacks):
    session = DeviceSessionFactory.create(user=alice)
    here, elsewhere = phone(alice, session=session), phone(alice)

    with django_capture_on_commit_callbacks(execute=True):
        sessions.log_out(session=session)

    assert state(here) == (False, "signed_out")
    assert list(Device.objects.reachable()) == [elsewhere]


def test_who_changes_the_password_keeps_the_pushes_there(alice, django_capture_on_commit_callbacks):
    session = DeviceSessionFactory.create(user=alice)
    here, elsewhere = phone(alice, session=session), phone(alice)

    with django_capture_on_commit_callbacks(execute=True):
        sessions.change_password(actor=alice, session=session, current=PASSWORD, new="another good password")

    assert (state(here), state(elsewhere)) == ((True, ""), (False, "signed_out"))


def test_after_signing_in_again_the_app_registers_again(alice, django_capture_on_commit_callbacks):
    session = DeviceSessionFactory.create(user=alice, device_id="phone-1")
    first = phone(alice, session=session)
    with django_capture_on_commit_callbacks(execute=True):
        _, again = sessions.sign_in(email=alice.email, password=PASSWORD, address=None, device_id="phone-1")

    second = phone(alice, first.token, session=again)

    assert second.pk != first.pk
    assert list(Device.objects.reachable()) == [second]


def test_devices_whose_end_nobody_told_of_end_by_the_clock(alice, bob, sara):
    now = timezone.now()
    run_out, logged_out, closed, still_there = phone(alice), phone(alice), phone(bob), phone(sara)
    DeviceSession.objects.filter(pk=run_out.session_id).update(expires_at=now)
    DeviceSession.objects.filter(pk=logged_out.session_id).update(revoked_at=now)
    bob.is_active = False
    bob.save(update_fields=["is_active"])

    assert devices.end_signed_out(now=now) == 3
    assert devices.end_signed_out() == 0
    for device in (run_out, logged_out, closed):
        assert state(device) == (False, "signed_out")
    assert list(Device.objects.active()) == [still_there]


def test_a_device_calls_itself_by_its_name_or_its_platform(alice):
    assert str(phone(alice, name="Pixel 9")) == "Pixel 9"
    assert "Token" not in str(phone(alice, new_token(), name=""))
