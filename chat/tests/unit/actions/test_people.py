"""Coming into a conversation and going from it, once each."""

from chat.actions import people
from chat.enums import ParticipantRole
from chat.models import Participant
from chat.tests.factories import group


def test_who_enters_is_in_it_and_followed_by_their_sockets(alice, bob, ears):
    conversation = group(alice)

    with ears.listening():
        people.enter(conversation, bob, ParticipantRole.MODERATOR)

    assert Participant.objects.current().get(user=bob).role == "moderator"
    assert ears.items == [["joined", str(conversation.pk), str(bob.pk)]]


def test_who_is_in_it_keeps_their_role_and_marks(alice, ears):
    conversation = group(alice)
    Participant.objects.update(read_seq=3, delivered_seq=4)

    with ears.listening():
        people.enter(conversation, alice, ParticipantRole.OBSERVER)

    place = Participant.objects.get()
    assert (place.role, place.read_seq, place.delivered_seq, ears.items) == ("owner", 3, 4, [])


def test_who_leaves_is_put_out_once(alice, bob, ears):
    conversation = group(alice, bob)

    with ears.listening():
        people.leave(conversation, bob.pk)
        people.leave(conversation, bob.pk)

    assert list(Participant.objects.current().values_list("user", flat=True)) == [alice.pk]
    assert ears.items == [["left", str(conversation.pk), str(bob.pk)]]


def test_who_comes_back_keeps_their_marks_and_gets_the_new_role(alice, bob, ears):
    conversation = group(alice, bob)
    Participant.objects.filter(user=bob).update(read_seq=3, delivered_seq=3)
    people.leave(conversation, bob.pk)
    before = Participant.objects.get(user=bob)

    with ears.listening():
        people.enter(conversation, bob, ParticipantRole.OBSERVER)

    place = Participant.objects.get(user=bob)
    assert (place.left_at, place.role, place.read_seq) == (None, "observer", 3)
    assert place.joined_at > before.joined_at
    assert ears.of("joined") == [[str(conversation.pk), str(bob.pk)]]
