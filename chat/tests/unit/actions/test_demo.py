"""The demo's people and their trade."""

import pytest

from accounts.models import User
from chat.actions import demo
from chat.models import Message, Trade

pytestmark = pytest.mark.django_db


def test_filling_makes_the_people_and_a_short_chat_once() -> None:
    first = demo.fill()

    again = demo.fill()

    assert again == first
    assert set(User.objects.values_list("email", flat=True)) == {email for email, _, _ in demo.PEOPLE}
    assert (Trade.objects.count(), first.customer.email) == (1, "alice@example.com")
    said = Message.objects.filter(conversation=first.conversation, kind="text").order_by("seq")
    assert [message.body for message in said] == [text for _, text in demo.CHAT]
