"""Watches a server with py-spy while it is measured. A profiled run shows where time goes, not how fast it is.

Only the thread which holds the interpreter lock is sampled: the others wait, however busy they look.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RATE = 200  # samples per second
TOP = 40


@contextmanager
def profiled(pid: int, seconds: float, folder: Path | None, name: str) -> Iterator[None]:
    """Leave `<name>.raw` (collapsed stacks) and `<name>.txt` (the most expensive functions) in the folder, if any."""
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    raw = folder / f"{name}.raw"
    options = ["--gil", "--duration", str(round(seconds)), "--rate", str(RATE), "--format", "raw", "--output", str(raw)]
    with subprocess.Popen(
        [str(Path(sys.executable).with_name("py-spy")), "record", *options, "--pid", str(pid)],
        stdout=subprocess.DEVNULL,
    ) as spy:
        yield
        spy.wait()
    (folder / f"{name}.txt").write_text(summary(raw.read_text()))


def summary(stacks: str) -> str:
    """Per function: its share of the samples in which it was at the end of the stack, and anywhere on it."""
    own: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for line in stacks.splitlines():
        path, _, count = line.rpartition(" ")
        frames = [frame.rpartition(":")[0] or frame for frame in path.split(";")]
        own[frames[-1]] += int(count)
        below.update(dict.fromkeys(frames, int(count)))
    total = max(1, own.total())
    return "\n\n".join(_ranking(title, counts, total) for title, counts in (("own", own), ("with callees", below)))


def _ranking(title: str, counts: Counter[str], total: int) -> str:
    return "\n".join([f"# {title}", *(f"{count / total:6.1%}  {frame}" for frame, count in counts.most_common(TOP))])
