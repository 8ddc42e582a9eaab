"""Step 3: a bad place, and what would mend it."""

from __future__ import annotations

import time

from drover_lab.util import wait_for

from .stage import Stage, ensure, piece

STEP = 3
TITLE = "C is a bad place in four ways; plan names all four, and the verdict follows the facts by itself"
BAD = {"LABEL_CONFLICT", "PATHS", "MEMORY", "SEGMENT_MISSING"}
PROMISE_MS = 1000


def codes(verdict: dict) -> set[str]:
    return {r["code"] for r in verdict["reason"]}


@piece("drover plan shop --to C says exactly the four reasons, each with facts and a fix")
def four_reasons(stage: Stage) -> str:
    verdict = stage.fleet.verdict("shop", "C")
    ensure(not verdict["clear"] and codes(verdict) == BAD, f"reasons are {sorted(codes(verdict))}, not {sorted(BAD)}")
    for reason in verdict["reason"]:
        lacks = [k for k in ("text", "fact", "fix") if not reason[k]]
        ensure(not lacks, f"{reason['code']} comes without {lacks}")
    done = stage.fleet.drover("plan", "shop", "--to", "C", check=False)
    ensure(done.returncode == 1, f"drover plan ends with {done.returncode}, not 1")
    ensure(all(r["text"] in done.stdout and r["fix"] in done.stdout for r in verdict["reason"]),
           f"plan does not print all of it: {done.stdout}")
    return ", ".join(r["code"] for r in verdict["reason"])


@piece("B is clear for the shop")
def b_is_clear(stage: Stage) -> str:
    wait_for("clearance of B", lambda: stage.clear("B"), 5, 0.2)
    return "plan shop --to B: clear"


@piece("one of the four is mended, and the verdict changes within a second without anyone asking")
def verdict_follows(stage: Stage) -> str:
    """Nobody asks for a while after the change: the verdict found then must have been reached by itself."""
    before = stage.fleet.verdict("shop", "C")
    began_ms = time.time() * 1000
    stage.lab.mend_segment("C", "back")
    mended_ms = time.time() * 1000
    time.sleep(PROMISE_MS / 1000 + 0.5)
    asked_ms = time.time() * 1000
    after = stage.fleet.verdict("shop", "C")
    ensure("SEGMENT_MISSING" in codes(before), f"before: {sorted(codes(before))}")
    ensure("SEGMENT_MISSING" not in codes(after), f"segment back stands on C, yet {sorted(codes(after))}")
    ensure(before["at-ms"] < after["at-ms"] < asked_ms, f"the verdict is of {after['at-ms']}, asked at {asked_ms:.0f}")
    delay = after["at-ms"] - mended_ms
    ensure(delay < PROMISE_MS, f"the verdict changed {delay:.0f} ms after the fact")
    whole = after["at-ms"] - began_ms
    stage.figures["verdict follows a fact, ms"] = whole
    return f"{after['changed']}: {whole:.0f} ms after the repair began (it took {mended_ms - began_ms:.0f} ms)"
