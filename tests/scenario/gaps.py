#!/usr/bin/python3
"""The gap of a group move next to plain concurrent `virsh migrate`s of equal machines, several times on one lab.

Run as root: tests/scenario/gaps.py [-n ROUNDS] [--load] [--build DIRECTORY]. Both are measured in each round, with the
same machines running; `--load` puts a session through all tiers, 100 requests a second and, for the move, 1000 forbidden
frames a second on them, as step 5 of the story does. Prints a row a round, then medians.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "scenario"))

from story import step1, step2, step4  # noqa: E402
from story.net import CARDS, Flood, forbidden_frames  # noqa: E402
from story.plain import PLAIN, WEB1, WEB2  # noqa: E402
from story.stage import SHOP, Stage, ensure  # noqa: E402
from story.step5 import settled_session, together  # noqa: E402
from story.watch import Lifecycle, gaps_ms  # noqa: E402

from drover_lab.probe import Requests  # noqa: E402
from drover_lab.util import wait_for  # noqa: E402


def prepare(stage: Stage) -> None:
    for part in (step1.lab_is_up, step1.daemons_are_up, step2.import_packages, step2.start_both,
                 step4.unclaimed_machines_start):
        part(stage)
    for guest in PLAIN:
        wait_for(f"guest {guest.name}", stage.lab.control(guest.name, "A").ready, 90)


def load(stage: Stage, wanted: bool, web1: str, web2: str, forbidden: bool) -> contextlib.ExitStack:
    """The load of step 5 until it is closed."""
    stack = contextlib.ExitStack()
    if wanted:
        stack.enter_context(Requests(stage.lab, web2))
        stack.enter_context(settled_session(stage.lab, web1))
        if forbidden:
            stack.enter_context(Flood(stage.lab, 1000, forbidden_frames(stage.lab)))
    return stack


def plain(stage: Stage, source: str, target: str, loaded: bool) -> list[float]:
    with Lifecycle(stage.lab, "AB") as events, load(stage, loaded, WEB1.nics[0].ip4, WEB2.nics[0].ip4, False):
        together(stage, [g.name for g in PLAIN], source, target)
        time.sleep(0.5)
        gaps = gaps_ms(events.stop(), source, target)
    ensure(len(gaps) == len(PLAIN), f"gaps were seen of {sorted(gaps)} only")
    return [gaps[g.name] for g in PLAIN]


def group(stage: Stage, source: str, target: str, loaded: bool) -> list[float]:
    wait_for(f"clearance of {target}", lambda: stage.clear(target), 30, 0.2)
    with Lifecycle(stage.lab, "AB") as events, \
            load(stage, loaded, CARDS["shop-web1"].ip4, CARDS["shop-web2"].ip4, True):
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
    parser.add_argument("--load", action="store_true")
    parser.add_argument("--logs", type=Path, help="where to keep what the agents and control said")
    args = parser.parse_args()
    stage = Stage(args.build)
    ratios, all_plain, all_group = [], [], []
    try:
        prepare(stage)
        for i in range(args.n):
            source, target = "AB" if i % 2 == 0 else "BA"
            p, g = plain(stage, source, target, args.load), group(stage, source, target, args.load)
            all_plain += p
            all_group += g
            ratios.append(statistics.median(g) / statistics.median(p))
            print(f"plain {told(p)}   group {told(g)}   ratio {ratios[-1]:.2f}", flush=True)
        if args.logs:
            daemons = (("A", "hostd"), ("B", "hostd"), ("mgmt", "control"))
            args.logs.write_text("".join(stage.lab.log(*d) for d in daemons))
    finally:
        stage.close()
    print(f"medians: plain {statistics.median(all_plain):.0f} ms, group {statistics.median(all_group):.0f} ms,"
          f" ratio of each round {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
