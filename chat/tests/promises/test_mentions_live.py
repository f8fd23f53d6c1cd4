"""A colleague named in a staff note, as sockets on another process see it; the trade's customer sees nothing."""

from typing import Any

import pytest

from accounts.models import Role
from chat.models import Trade
from chat.tests.factories import open_trade
from chat.tests.promises.conftest import Farm
from chat.tests.promises.people import in_database, person, texts

pytestmark = pytest.mark.xdist_group("mentions")


def is_mention(frame: dict[str, Any]) -> bool:
    return frame["type"] == "mention.new"


async def test_who_is_named_in_a_note_is_told_and_follows_it_and_the_customer_hears_nothing(farm: Farm):
    near, far = farm.start({}, {})
    tina = await in_database(person, Role.TRADE_ADMIN, display_name="Tina", capacity=1_000)
    sara = await in_database(person, Role.SUPER_ADMIN, display_name="Sara Long-Name")
    alice = await in_database(person)
    trade: Trade = await in_database(open_trade, alice.user)
    notes = str(trade.notes_conversation_id)
    async with (
        await tina.connect(near) as hers,
        await sara.connect(far) as named,
        await alice.connect(far) as customer,
    ):
        ack = await hers.send_message(notes, "Look at this, @sara long-name!")
        mention = (await named.wait_for(is_mention))["mention"]
        added = await named.wait_for(lambda frame: frame["type"] == "conversation.added")

        assert (mention["message"], mention["conversation"], mention["trade"]) == (ack["message"], notes, str(trade.pk))
        assert added["conversation"]["id"] == notes
        await hers.send_message(notes, "More of it")
        await named.wait_for_seq(notes, 2)
        assert texts(named, notes) == ["More of it"]
        named.check()

        await customer.send_message(str(trade.conversation_id), "@Sara Long-Name, are you there?")
        await hers.wait_for_seq(str(trade.conversation_id), 3)
        assert (await named.request({"type": "ping"}))["type"] == "pong"
        assert len([frame for frame in named.journal if is_mention(frame)]) == 1
        assert notes not in str(customer.journal)
        assert not any(map(is_mention, customer.journal))
