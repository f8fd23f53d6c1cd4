"""Staff with a lease, what a trade's conversation says of it, and REST calls sent at the same instant."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from accounts.ids import new_id
from accounts.models import Role
from accounts.tests.factories import DeviceSessionFactory, UserFactory
from chat import presence
from chat.models import AuditEntry, Trade
from chat.presence import Change
from chat.tests.promises.people import Device
from testing.rest import RestClient
from testing.server import ServerProcess

ORDER = {
    "side": "buy",
    "asset": "BTC",
    "asset_amount": "0.0100",
    "fiat_currency": "EUR",
    "fiat_amount": "600.00",
    "payment_method": "SEPA",
}


def somebody(name: str, role: Role = Role.CUSTOMER, **fields: Any) -> Device:
    user = UserFactory.create(password=None, display_name=name, role=role, **fields)
    return Device(user, DeviceSessionFactory.create(user=user))


def online_admin(name: str, **fields: Any) -> Device:
    admin = somebody(name, Role.TRADE_ADMIN, **fields)
    presence.note([Change(new_id(), admin.user.pk)])
    return admin


def order() -> dict[str, str]:
    return ORDER | {"reference": f"BP-{uuid4().hex[:12]}"}


def said(trade: Trade) -> list[str]:
    messages = trade.conversation.messages.filter(kind="system").order_by("seq")
    return [message.data["event"] for message in messages]


def recorded(trade: Trade) -> list[str]:
    return list(AuditEntry.objects.filter(trade=trade).order_by("id").values_list("action", flat=True))


async def at_once(servers: Sequence[ServerProcess], device: Device, requests: Sequence[tuple[str, Any]]) -> list[Any]:
    """POST these, on all servers in turn and as many at a time as a busy app would. Their answers."""
    clients = [device.rest(server) for server in servers]
    gate = asyncio.Semaphore(16)

    async def one(client: RestClient, path: str, body: Any) -> Any:
        async with gate:
            return await client.post(path, body)

    try:
        calls = [one(clients[place % len(clients)], path, body) for place, (path, body) in enumerate(requests)]
        return list(await asyncio.gather(*calls))
    finally:
        for client in clients:
            await client.__aexit__(None, None, None)
