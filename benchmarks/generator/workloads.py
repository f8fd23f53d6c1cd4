"""The workloads W1, W1o, W2 and W3: who sits where, who writes, what is measured."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from time import perf_counter

from benchmarks.generator.client import Client
from benchmarks.generator.crowd import Place, connect, disperse, pair_places, room_places
from benchmarks.generator.loads import ClosedLoop, Load, OpenLoop, Seats
from benchmarks.generator.meter import Meter
from benchmarks.generator.order import Figures, Order
from benchmarks.generator.tally import Tally

SETTLE = 0.3
WARM_SOCKETS = 50


async def pairs_saturated(order: Order) -> Figures:
    """W1: one writer in each conversation of two, one message outstanding each."""
    return await _converse(order, ClosedLoop(), pair_places(order, order.sockets), _first_of_each_pair)


async def pairs_by_clock(order: Order) -> Figures:
    """W1o: messages at a fixed rate, round robin over the same writers."""
    return await _converse(order, OpenLoop(order.rate), pair_places(order, order.sockets), _first_of_each_pair)


async def room_by_clock(order: Order) -> Figures:
    """W2r: one conversation of many at a fixed rate; the delay of each single delivery counts."""
    load = OpenLoop(order.rate, time_deliveries=True)
    return await _converse(order, load, room_places(order), lambda clients: _one_room(clients, order.senders))


async def room_saturated(order: Order) -> Figures:
    """W2: one conversation of many; a few writers with one message outstanding each."""
    load = ClosedLoop()
    return await _converse(order, load, room_places(order), lambda clients: _one_room(clients, order.senders))


async def idle(order: Order) -> Figures:
    """W3: what a silent socket costs, and how fast they come in."""
    figures, meter, tally = Figures(), Meter(order), Tally(lambda flight: None)
    places = pair_places(order, order.sockets)
    await disperse(await connect(order, places[:WARM_SOCKETS], tally))
    await asyncio.sleep(1)  # Let the server finish what it does after a disconnect.
    before, first = meter.server_rss(), meter.read()
    clients = await connect(order, places, tally)
    last = meter.read()
    await asyncio.sleep(order.hold)
    figures.connects_per_second = len(clients) / (last.at - first.at)
    figures.bytes_per_socket = (meter.server_rss() - before) / len(clients)
    meter.note(figures, first, last)
    tally.close(figures)
    await disperse(clients)
    return figures


def _first_of_each_pair(clients: list[Client]) -> list[tuple[Client, Seats]]:
    return [(clients[n], {clients[n].seat: 0, clients[n + 1].seat: 1}) for n in range(0, len(clients), 2)]


def _one_room(clients: list[Client], senders: int) -> list[tuple[Client, Seats]]:
    seats = {client.seat: place for place, client in enumerate(clients)}
    return [(client, seats) for client in clients[:: len(clients) // senders][:senders]]


async def _converse(
    order: Order, load: Load, places: list[Place], choose: Callable[[list[Client]], list[tuple[Client, Seats]]]
) -> Figures:
    clients = await connect(order, places, load.tally)
    # Millions of small objects live to the end of the run; walking them would be measured as the server's delay.
    gc.collect()
    gc.disable()
    figures, tally, meter = Figures(), load.tally, Meter(order)
    load.start(choose(clients))
    await asyncio.sleep(order.warm_up)
    first, tally.counting = meter.read(), True
    await asyncio.sleep(order.seconds)
    last, tally.counting = meter.read(), False
    await load.stop()
    await _drain(tally, order.drain)
    _summarise(figures, tally, last.at - first.at, meter.note(figures, first, last))
    await disperse(clients)
    return figures


async def _drain(tally: Tally, limit: float) -> None:
    deadline = perf_counter() + limit
    while tally.unsettled and perf_counter() < deadline:
        await asyncio.sleep(0.02)
    await asyncio.sleep(SETTLE)  # A second copy would come about now.


def _summarise(figures: Figures, tally: Tally, seconds: float, server_cpu: float) -> None:
    figures.per_second = tally.done / seconds
    figures.deliveries_per_second = tally.deliveries / seconds
    if tally.latencies:
        delays = sorted(tally.latencies)
        figures.p50_ms = 1000 * delays[len(delays) // 2]
        figures.p99_ms = 1000 * delays[int(len(delays) * 0.99)]
        figures.max_ms = 1000 * delays[-1]
    if tally.done:
        figures.cpu_us_per_message = 1e6 * server_cpu / tally.done
        figures.cpu_us_per_delivery = 1e6 * server_cpu / tally.deliveries
    tally.close(figures)


WORKLOADS: dict[str, Callable[[Order], Awaitable[Figures]]] = {
    "W1": pairs_saturated,
    "W1o": pairs_by_clock,
    "W2r": room_by_clock,
    "W2": room_saturated,
    "W3": idle,
    "W1x2": pairs_saturated,
}
