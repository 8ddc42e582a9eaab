#!/usr/bin/python3
"""The gap of a group move next to plain concurrent `virsh migrate`s of equal machines, several times on one lab.

Run as root: tests/scenario/gaps.py [-n ROUNDS] [--build DIRECTORY] [--trace FILE]. Both are measured in each round,
with the same machines running and without load; prints a row a round, then medians. `--trace` keeps the agents' logs.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "scenario"))

from story import step1, step2, step4  # noqa: E402
from story.plain import PLAIN  # noqa: E402
from story.stage import SHOP, Stage, ensure  # noqa: E402
from story.step5 import together  # noqa: E402
from story.watch import Lifecycle, gaps_ms  # noqa: E402

from drover_lab.util import wait_for  # noqa: E402


def prepare(stage: Stage) -> None:
    for part in (step1.lab_is_up, step1.daemons_are_up, step2.import_packages, step2.start_both,
                 step4.unclaimed_machines_start):
        part(stage)
    for guest in PLAIN:
        wait_for(f"guest {guest.name}", stage.lab.control(guest.name, "A").ready, 90)


def plain(stage: Stage, source: str, target: str) -> list[float]:
    with Lifecycle(stage.lab, "AB") as events:
        together(stage, [g.name for g in PLAIN], source, target)
        time.sleep(0.5)
        gaps = gaps_ms(events.stop(), source, target)
    ensure(len(gaps) == len(PLAIN), f"gaps were seen of {sorted(gaps)} only")
    return [gaps[g.name] for g in PLAIN]


def group(stage: Stage, source: str, target: str) -> list[float]:
    wait_for(f"clearance of {target}", lambda: stage.clear(target), 30, 0.2)
    with Lifecycle(stage.lab, "AB") as events:
        done = stage.fleet.drover("move", "shop", "--to", target, check=False, timeout=120)
        time.sleep(0.5)
        gaps = gaps_ms(events.stop(), source, target)
    ensure(done.returncode == 0, f"drover move: {done.stdout}{done.stderr}")
    return [gaps[f"shop-{m}"] for m in SHOP]


def told(gaps: list[float]) -> str:
    return " ".join(f"{g:5.0f}" for g in gaps) + f"  median {statistics.median(gaps):5.0f}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="gaps.py")
    parser.add_argument("-n", type=int, default=5)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "gcc")
    parser.add_argument("--trace", type=Path)
    args = parser.parse_args()
    stage = Stage(args.build)
    ratios, all_plain, all_group = [], [], []
    try:
        prepare(stage)
        for i in range(args.n):
            source, target = "AB" if i % 2 == 0 else "BA"
            p, g = plain(stage, source, target), group(stage, source, target)
            all_plain += p
            all_group += g
            ratios.append(statistics.median(g) / statistics.median(p))
            print(f"plain {told(p)}   group {told(g)}   ratio {ratios[-1]:.2f}", flush=True)
        if args.trace:
            logs = [(stage.lab.dir / n / "log" / f"{d}.log").read_text(errors="replace")
                    for n, d in (("A", "hostd"), ("B", "hostd"), ("mgmt", "control"))]
            args.trace.write_text("".join(logs))
    finally:
        stage.close()
    print(f"medians: plain {statistics.median(all_plain):.0f} ms, group {statistics.median(all_group):.0f} ms,"
          f" ratio of each round {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
