"""What is new in somebody's in-app list, as their sockets hear of it, on whichever process they are."""

from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from accounts.ids import new_id
from accounts.models import User
from chat.tests.promises.conftest import Farm
from chat.tests.promises.people import in_database, people
from notifications.actions import outbox
from notifications.enums import Kind

pytestmark = pytest.mark.xdist_group("mentions")


def is_news(frame: dict[str, Any]) -> bool:
    return frame["type"] == "notification.new"


def tell(cause: UUID, text: str, *users: User, undo: bool = False) -> None:
    with transaction.atomic():
        outbox.notify(
            user_ids=[user.pk for user in users], kind=Kind.TRADE, cause=cause, thread=cause, text=text, url="/trades/1"
        )
        transaction.set_rollback(undo)


async def test_each_socket_of_who_is_told_hears_of_it_once_and_nobody_else(farm: Farm):
    near, far = farm.start({}, {})
    alice, bob, stranger = await in_database(people, 3)
    cause = new_id()
    async with (
        await alice.connect(near) as one,
        await alice.connect(far) as other,
        await bob.connect(far) as his,
        await stranger.connect(near) as theirs,
    ):
        await in_database(tell, new_id(), "Never happened.", alice.user, undo=True)
        await in_database(tell, cause, "BP-1 waits.", alice.user, bob.user)
        await in_database(tell, cause, "BP-1 waits.", alice.user, bob.user)
        await in_database(tell, new_id(), "BP-2 waits.", alice.user)

        for socket in (one, other):
            await socket.wait_for(lambda frame: is_news(frame) and frame["unread"] == 2)
            heard = [frame for frame in socket.journal if is_news(frame)]
            assert [(frame["notification"]["text"], frame["unread"]) for frame in heard] == [
                ("BP-1 waits.", 1),
                ("BP-2 waits.", 2),
            ]
        rest = alice.rest(near)
        listed = (await rest.get("notifications/")).json()
        assert [frame["notification"] for frame in heard] == listed["results"][::-1]
        assert listed["unread"] == 2
        await rest.close()
        for socket, count in ((his, 1), (theirs, 0)):
            assert (await socket.request({"type": "ping"}))["type"] == "pong"
            assert len([frame for frame in socket.journal if is_news(frame)]) == count
