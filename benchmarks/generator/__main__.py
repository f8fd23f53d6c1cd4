"""Reads an order from standard input, carries it out, prints the figures. `python -m benchmarks.generator`."""

import sys

import msgspec
import uvloop
from picows import WSError

from benchmarks.generator.order import Figures, Order
from benchmarks.generator.workloads import WORKLOADS


async def carry_out(order: Order) -> Figures:
    """A server that lets somebody wait or throws somebody out at the door is a result too."""
    figures = Figures()
    try:
        figures = await WORKLOADS[order.workload](order)
    except* (OSError, WSError) as failures:
        figures.refused = len(failures.exceptions)
        figures.first_fault = f"not measured, cannot connect: {failures.exceptions[0]!r}"
    return figures


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(carry_out(order))))


if __name__ == "__main__":
    main()
