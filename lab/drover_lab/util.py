"""Small things every module needs: one error type, running a command, waiting with a deadline."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

if "/usr/sbin" not in os.environ.get("PATH", "").split(":"):  # `su` without a dash leaves it out
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
os.umask(0o022)  # a closed one would shut the daemons, which have accounts of their own, out of what a lab writes for them


class LabError(Exception):
    """What the person at the terminal should read: one sentence saying what failed and why."""


def run(argv: Sequence[str], *, stdin: str | None = None, check: bool = True,
        timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and capture its text; a failure names the command and what it said."""
    try:
        done = subprocess.run(list(argv), input=stdin, capture_output=True, text=True, errors="replace",
                              timeout=timeout, check=False)
    except FileNotFoundError as e:
        raise LabError(f"{argv[0]}: not installed") from e
    except subprocess.TimeoutExpired as e:
        raise LabError(f"{' '.join(argv)}: no end after {timeout:.0f} s") from e
    if check and done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise LabError(f"{' '.join(argv)}: exit {done.returncode}: {said}")
    return done


def wait_for(what: str, ready: Callable[[], bool], timeout: float, step: float = 0.02) -> float:
    """Wait until ready() holds and return the seconds it took; LabError "WHAT: not within N s" after the timeout."""
    begin = time.monotonic()
    while not ready():
        if time.monotonic() - begin > timeout:
            raise LabError(f"{what}: not within {timeout:g} s")
        time.sleep(step)
    return time.monotonic() - begin


def mounts_below(directory: Path) -> list[str]:
    """What is mounted in a directory, the last one first."""
    rows = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    rows = [re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), r) for r in rows]  # a blank stands there as \040
    return [r for r in reversed(rows) if r.startswith(f"{directory}/")]


class Stopwatch:
    """Named durations in seconds, in the order in which they were measured."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = round(now - self._last, 3)
        self._last = now
