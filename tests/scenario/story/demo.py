#!/usr/bin/python3
"""The story told on the terminal: what ./demo runs once everything is installed and built."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import textwrap
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from story import ROOT  # noqa: E402
from story.stage import OWNER, Outcome, Stage, pieces_of  # noqa: E402
from story.tale import STEPS  # noqa: E402

from drover_lab import preflight, registry  # noqa: E402
from drover_lab.lab import CACHE, Lab  # noqa: E402
from drover_lab.node import process_identity  # noqa: E402
from drover_lab.util import LabError  # noqa: E402

PREFIX = "drover-demo-"  # of the directories of labs that a demo raised
WIDTH = 110
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Paint:
    """Colours, on a terminal that wants them."""

    def __init__(self) -> None:
        self.on = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def __call__(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.on else text

    def verdict(self, ok: bool) -> str:
        return self("32", "ok  ") if ok else self("1;31", "FAIL")


paint = Paint()


def tell(outcome: Outcome) -> None:
    print(f"  {paint.verdict(outcome.ok)} {outcome.piece.title}")
    for line in textwrap.wrap(outcome.said, WIDTH - 9, break_long_words=False) or [""]:
        print("         " + paint("2" if outcome.ok else "31", line))
    sys.stdout.flush()


def story(stage: Stage) -> list[Outcome]:
    outcomes = []
    for step in STEPS:
        print(paint("1", f"\n{step.STEP}. {step.TITLE}"), flush=True)
        for part in pieces_of(step):
            outcome = stage.run(part)
            tell(outcome)
            outcomes.append(outcome)
    return outcomes


def report(stage: Stage, outcomes: list[Outcome], seconds: float) -> None:
    print(paint("1", "\nReport"))
    for step in STEPS:
        mine = [o for o in outcomes if o.piece.step == step.STEP]
        good = sum(o.ok for o in mine)
        title = textwrap.shorten(step.TITLE, WIDTH - 32, placeholder=" ...")
        print(f"  {paint.verdict(good == len(mine))} {step.STEP}. {title:<{WIDTH - 32}} {good}/{len(mine)}"
              f" {sum(o.seconds for o in mine):7.1f} s")
    for name, value in stage.figures.items():
        print(f"       {name:<{WIDTH - 25}} {value:>10.4g}")
    bad = sum(not o.ok for o in outcomes)
    print(f"\n{len(outcomes) - bad} passed, {bad} failed, in {seconds:.0f} s", flush=True)


def how_to_use(stage: Stage) -> str:
    lab, drover = stage.lab, stage.fleet.program("drover")
    tool = f"{ROOT / 'lab' / 'lab'}"
    return f"""
The lab stays up. Its name is {lab.id}; the management node is where `drover` is used:
  {tool} exec --lab {lab.id} mgmt                      (a shell there)
or, from here:
  export DROVER_LAB={lab.id}
  {tool} exec mgmt {drover} status
  {tool} exec mgmt {drover} vapp list
  {tool} exec mgmt {drover} plan shop --to C
  {tool} exec mgmt {drover} move shop --to B
  {tool} exec mgmt {drover} why shop-web1
  {tool} exec A nft list ruleset
  {tool} virsh A list --all
  {tool} cut A u1; {tool} mend A u1
  {ROOT / 'demo'} --down                                (removes it)
"""


def demo_labs() -> dict[str, Path]:
    return {i: where for i, where in registry.labs().items() if where.name.startswith(PREFIX)}


def lives(where: Path) -> bool:
    """Whether the demo that raised this lab is still at work."""
    try:
        identity = (where / OWNER).read_text()
    except OSError:
        return False
    return bool(identity) and process_identity(int(identity.split()[0])) == identity


def down() -> int:
    """Every lab that a demo left, and, when no lab is left at all, what labs keep between runs."""
    for lab_id, where in demo_labs().items():
        if lives(where):
            print(f"lab {lab_id}: its demo is still running, left alone")
            continue
        Lab.remove(lab_id)
        print(f"lab {lab_id} is gone")
    if not registry.labs() and CACHE.exists():
        import shutil  # noqa: PLC0415 (only here)
        shutil.rmtree(CACHE)
        print(f"{CACHE} is gone")
    return 0


def run(build: Path, keep: bool) -> int:
    begin = time.monotonic()
    where = Path("/run") / f"{PREFIX}{os.getpid()}-{int(time.time())}"
    stage = Stage(build, where)
    try:
        outcomes = story(stage)
        report(stage, outcomes, time.monotonic() - begin)
        if keep and not stage.broken:
            print(how_to_use(stage), flush=True)
        return 0 if all(o.ok for o in outcomes) else 1
    except KeyboardInterrupt:
        print("\ninterrupted: taking the lab down", flush=True)
        keep = False
        return 130
    finally:
        if not keep:
            for number in INTERRUPTS:  # once is enough; the end must be reached
                signal.signal(number, signal.SIG_IGN)
            stage.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "gcc")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--down", action="store_true")
    args = parser.parse_args()
    for number in INTERRUPTS:  # one that is ignored where we were started from, too
        signal.signal(number, signal.default_int_handler)
    try:
        lacks = preflight.missing()
        if lacks:
            raise LabError("this machine cannot run the lab: " + "; ".join(lacks))
        return down() if args.down else run(args.build, args.keep)
    except LabError as e:
        print(f"demo: {e}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
