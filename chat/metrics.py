"""What the chat counts about itself, for /metrics."""

from itertools import pairwise

from prometheus_client import Counter, Gauge, Histogram

COMMIT_BOUNDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)  # seconds

sockets = Gauge("parley_sockets", "Live sockets of this process.")
frames_in = Counter("parley_frames_in", "Frames received.", ["type"])
refusals = Counter("parley_refusals", "Frames refused.", ["code"])
closes = Counter("parley_closes", "Sockets closed by the server.", ["code"])
messages = Counter("parley_messages", "Messages committed by this process.")
batch_size = Histogram("parley_commit_batch", "Messages per commit.", buckets=(1, 2, 5, 10, 20, 50, 100, 200))
commit_seconds = Histogram(
    "parley_commit_seconds", "Time of one commit of messages, locks included.", buckets=COMMIT_BOUNDS
)
dropped_frames = Counter("parley_dropped_frames", "Typing and presence dropped at slow sockets.")
fanout_lost = Counter("parley_fanout_lost", "Items that did not reach the channel layer; hubs repair them.")
repairs = Counter("parley_repairs", "Events fetched from the database because the layer did not bring them.")


def quantile(histogram: Histogram, fraction: float) -> float | None:
    """
    Estimated from the buckets as Prometheus' `histogram_quantile` does: values are taken to be spread evenly inside of
    theirs, and above the last bound to be that bound. None before the first value.
    """
    counts = [
        (float(sample.labels["le"]), sample.value)
        for metric in histogram.collect()
        for sample in metric.samples
        if sample.name.endswith("_bucket")
    ]
    wanted = fraction * counts[-1][1]
    if not counts[-1][1]:
        return None
    for (low, below), (high, upto) in pairwise([(0.0, 0.0), *counts]):
        if upto >= wanted and upto > below:
            return low if high == float("inf") else low + (high - low) * (wanted - below) / (upto - below)
    raise AssertionError("the last bucket holds all")
