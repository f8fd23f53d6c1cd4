"""`python -m benchmarks`: measure, print, judge. Exits with 1 when a must is missed or Parley lost something."""

import argparse
import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import msgspec

from benchmarks import report
from benchmarks.goals import Verdict, faults, judge
from benchmarks.machine import facts
from benchmarks.plan import QUICK, WORKLOADS, Cores, Plan
from benchmarks.runner import Results, Series, medians
from benchmarks.services import services
from benchmarks.systems import SYSTEMS


def main() -> int:
    options = _options()
    plan = QUICK if options.quick else Plan()
    if options.repeats:
        plan = replace(plan, repeats=options.repeats)
    cores = Cores.of_this_machine()
    os.sched_setaffinity(0, {cores.load})  # What we start inherits it; servers are then moved to the other core.
    with services() as running:
        machine = facts(running.describe)
        results = Series(plan, cores, running, options.profile).measure(options.systems, options.workloads)
    summary = medians(results)
    verdicts = judge(summary)
    print("\n".join(["", report.absolute(summary), "", report.ratios(verdicts), "", *report.fault_lines(summary)]))
    if options.json:
        _save(options.json, machine, plan, results, verdicts)
    missed = any(verdict.value is not None and not verdict.must_met for verdict in verdicts)
    return 1 if missed or any(faults(figures) for figures in summary.get("parley", {}).values()) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--systems", nargs="+", choices=list(SYSTEMS), default=list(SYSTEMS))
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--quick", action="store_true", help="one short pass: shows that it works, not how fast it is")
    parser.add_argument("--repeats", type=int, help="how often each is measured (3, with --quick 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write machine facts and every single figure there")
    parser.add_argument("--profile", type=Path, metavar="FOLDER", help="watch the servers with py-spy; slows them")
    return parser.parse_args()


def _save(path: Path, machine: dict[str, object], plan: Plan, results: Results, verdicts: list[Verdict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "machine": machine,
        "plan": asdict(plan),
        "results": msgspec.to_builtins(results),
        "verdicts": [_plain(verdict) for verdict in verdicts],
    }
    path.write_text(json.dumps(content, indent=1) + "\n")


def _plain(verdict: Verdict) -> dict[str, object]:
    goal = verdict.goal
    bounds = {"must": goal.must, "goal": goal.goal, "at_least": goal.at_least, "unit": goal.unit}
    return {"title": goal.title, "value": verdict.value, **bounds, "must_met": verdict.must_met}


if __name__ == "__main__":
    raise SystemExit(main())
