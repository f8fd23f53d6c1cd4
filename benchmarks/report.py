"""Turns figures into Markdown tables, which read well in a terminal too."""

from collections.abc import Iterable, Sequence

from benchmarks.generator.order import Figures
from benchmarks.goals import Summary, Verdict, faults

NOTHING = "-"
HEAD = (
    "system",
    "load",
    "msg/s",
    "deliv/s",
    "p50 ms",
    "p99 ms",
    "µs/msg",
    "µs/deliv",
    "conn/s",
    "KB/sock",
    "faults",
    "server",
    "gen",
    "services",
    "others",
)


def absolute(summary: Summary) -> str:
    rows = [_row(system, workload, figures) for system, loads in summary.items() for workload, figures in loads.items()]
    return _table(HEAD, rows)


def _row(system: str, workload: str, figures: Figures) -> list[str]:
    memory = None if figures.bytes_per_socket is None else figures.bytes_per_socket / 1024
    return [
        system,
        workload,
        _number(figures.per_second),
        _number(figures.deliveries_per_second),
        _number(figures.p50_ms, 1),
        _number(figures.p99_ms, 1),
        _number(figures.cpu_us_per_message),
        _number(figures.cpu_us_per_delivery, 1),
        _number(figures.connects_per_second),
        _number(memory, 1),
        str(faults(figures)),
        *(f"{share:.0%}" for share in _shares(figures)),
    ]


def _shares(figures: Figures) -> tuple[float, float, float, float]:
    return figures.server_cpu, figures.generator_cpu, figures.services_cpu, figures.foreign_cpu


def fault_lines(summary: Summary) -> list[str]:
    """One line for each measurement in which anything went wrong."""
    lines = []
    for system, loads in summary.items():
        for workload, figures in loads.items():
            if faults(figures):
                lines.append(f"{system} {workload}: {_faults(figures)}")
    return lines


def _faults(figures: Figures) -> str:
    counts = {
        "acked but not stored": figures.unstored,
        "lost": figures.lost,
        "doubled": figures.doubled,
        "unacked but seen": figures.unacked_but_seen,
        "unanswered": figures.unanswered,
        "refused": figures.refused,
        "disconnected": figures.disconnected,
    }
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return f"{said} of {figures.sent} sent" + (f" (first: {figures.first_fault})" if figures.first_fault else "")


def ratios(verdicts: Iterable[Verdict]) -> str:
    return _table(("measure", "here", "must", "goal", "must met", "goal met"), [_verdict(v) for v in verdicts])


def _verdict(verdict: Verdict) -> list[str]:
    goal = verdict.goal
    sign = "≥" if goal.at_least else "≤"
    bounds = [f"{sign} {bound:g} {goal.unit}" for bound in (goal.must, goal.goal)]
    if verdict.value is None:
        return [goal.title, "not measured", *bounds, NOTHING, NOTHING]
    marks = [_mark(verdict.must_met), _mark(verdict.goal_met)]
    return [goal.title, f"{verdict.value:.2f} {goal.unit}", *bounds, *marks]


def _mark(met: bool) -> str:
    return "yes" if met else "NO"


def _number(value: float | None, digits: int = 0) -> str:
    return NOTHING if value is None else f"{value:,.{digits}f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    return "\n".join(_line(row, widths) for row in [head, ["-" * width for width in widths], *rows])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
