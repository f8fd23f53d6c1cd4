"""What the runner asks the generator to do, and what it gets back. Data only."""

import msgspec


class Pair(msgspec.Struct, frozen=True):
    """A conversation of two; the first writes, the second reads."""

    conversation: str
    tokens: tuple[str, str]


class Room(msgspec.Struct, frozen=True):
    """A conversation of many."""

    conversation: str
    tokens: list[str]


class Cast(msgspec.Struct, frozen=True):
    """Everybody who may take part."""

    pairs: list[Pair]
    room: Room


class Order(msgspec.Struct, frozen=True):
    """One workload against one running system. Times in seconds, rates per second."""

    workload: str
    driver: str
    ports: list[int]
    cast: Cast
    server_pids: list[int]
    service_pids: list[int]
    cores: list[int]
    warm_up: float
    seconds: float
    drain: float
    sockets: int
    rate: float
    senders: int
    concurrency: int
    hold: float


class Figures(msgspec.Struct, kw_only=True):
    """One measurement. What a workload does not measure stays None."""

    per_second: float | None = None
    deliveries_per_second: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    cpu_us_per_message: float | None = None
    cpu_us_per_delivery: float | None = None
    connects_per_second: float | None = None
    bytes_per_socket: float | None = None
    sent: int = 0
    acked: int = 0
    unstored: int = 0
    lost: int = 0
    doubled: int = 0
    unacked_but_seen: int = 0
    unanswered: int = 0
    refused: int = 0
    disconnected: int = 0
    first_fault: str = ""
    server_cpu: float = 0.0
    generator_cpu: float = 0.0
    services_cpu: float = 0.0
    foreign_cpu: float = 0.0
