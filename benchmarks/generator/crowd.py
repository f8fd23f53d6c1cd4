"""Connects many sockets at once, a bounded number at a time, and lets them go again."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from benchmarks.generator.client import Client, Watcher
from benchmarks.generator.drivers import DRIVERS
from benchmarks.generator.order import Order


class Place(NamedTuple):
    """Who sits where: the process a socket goes to is `port`."""

    seat: int
    token: str
    conversation: str
    port: int


def pair_places(order: Order, sockets: int) -> list[Place]:
    """Neighbours talk to each other. With several ports, the two of a pair are on different processes."""
    places = []
    for number, pair in enumerate(order.cast.pairs[: sockets // 2]):
        for side, token in enumerate(pair.tokens):
            places.append(Place(2 * number + side, token, pair.conversation, order.ports[side % len(order.ports)]))
    return places


def room_places(order: Order) -> list[Place]:
    room = order.cast.room
    ports = order.ports
    return [Place(seat, token, room.conversation, ports[seat % len(ports)]) for seat, token in enumerate(room.tokens)]


async def connect(order: Order, places: Iterable[Place], watcher: Watcher) -> list[Client]:
    """All of them, or the first failure."""
    waiting = iter(places)
    clients: list[Client] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(order.concurrency):
            group.create_task(_connect_next(order, waiting, watcher, clients))
    return sorted(clients, key=lambda client: client.seat)


async def _connect_next(order: Order, waiting: Iterator[Place], watcher: Watcher, clients: list[Client]) -> None:
    driver = DRIVERS[order.driver]
    for place in waiting:
        client = driver(place.seat, place.token, place.conversation, watcher)
        clients.append(await client.connect(place.port))


async def disperse(clients: list[Client]) -> None:
    for start in range(0, len(clients), 100):
        await asyncio.gather(*(client.leave() for client in clients[start : start + 100]))
