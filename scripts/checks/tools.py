"""What the stages share: counting and telling, running commands that die with us, reading what meson recorded."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
JOBS = os.cpu_count() or 2
LOGS_OF_TIDY = BUILD / "logs" / "tidy"
LINES = 40  # of the begin and the end of a failed command's words that are shown
GRACE = 30  # seconds a command has to clean up after an interrupt

running: set[subprocess.Popen[bytes]] = set()


class Interrupted(BaseException):
    """Ctrl-C, or a polite kill."""


def interrupt(*_: object) -> None:
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, signal.SIG_IGN)
    for child in list(running):
        stop(child)
    raise Interrupted


def stop(child: subprocess.Popen[bytes]) -> None:
    """Ask a command and all it started to end, then end them."""
    for sig, seconds in ((signal.SIGINT, GRACE), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, sig)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
            return


class Report:
    """Counts cases and prints as it goes, with the seconds since the start."""

    def __init__(self) -> None:
        self.begin = time.monotonic()
        self.stage = ""
        self.count = {"passed": 0, "failed": 0, "skipped": 0}
        self.failures: list[str] = []
        self.reasons: dict[tuple[str, str], list[str]] = {}

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.begin:4.0f} s] {self.stage}: {text}", flush=True)

    def passed(self, n: int = 1) -> None:
        self.count["passed"] += n

    def failed(self, name: str, why: str = "") -> None:
        self.count["failed"] += 1
        self.failures.append(f"{self.stage}: {name}")
        self.say(f"FAILED: {name}")
        if why:
            lines = why.strip().splitlines()
            if len(lines) > 2 * LINES:
                lines[LINES:-LINES] = [f"... {len(lines) - 2 * LINES} lines ..."]
            print("\n".join("    " + line for line in lines), flush=True)

    def skipped(self, name: str, reason: str) -> None:
        self.count["skipped"] += 1
        self.reasons.setdefault((self.stage, reason), []).append(name)

    def verdict(self, name: str, good: bool, words: str) -> bool:
        """One case: a command that must succeed."""
        if good:
            self.passed()
        else:
            self.failed(name, words)
        return good

    def end(self) -> int:
        """Prints why cases were skipped, what failed, and the line of figures; the exit code."""
        for (stage, reason), names in self.reasons.items():
            print(f"skipped: {stage}: {reason}: {', '.join(names)}")
        for failure in self.failures:
            print(f"failed: {failure}")
        passed, failed, skipped = self.count.values()
        self.stage = "end"
        self.say("all stages done")
        print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
        return 0 if passed and not failed else 1


@contextlib.contextmanager
def only_one_here() -> Iterator[None]:
    """Two checks in one checkout would build over each other: the second waits."""
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / ".check.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("check: another check runs in this checkout, waiting for it", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def start(argv: Sequence[str | Path], out: int, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """A command in a process group of its own, without input, its output in a file."""
    child = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                             env=os.environ | (env or {}), start_new_session=True)
    running.add(child)
    return child


def run(argv: Sequence[str | Path], log: Path, env: dict[str, str] | None = None,
        timeout: float = 1800) -> tuple[int, str]:
    """Run a command to its end: its exit code and its words, which also stay in the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as out:
        child = start(argv, out.fileno(), env)
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            stop(child)
            code = -1
            out.write(f"\nno end after {timeout:.0f} s\n".encode())
        finally:
            running.discard(child)
    return code, log.read_text(errors="replace")


TAP = re.compile(r"^(not ok|ok)\b\s*\d*\s*(?:- )?(.*?)(?:\s+#\s*(SKIP|TODO)\b\s*(.*))?$", re.IGNORECASE)


def read_tap(text: str) -> Iterator[tuple[str, str, str]]:
    """(name, passed | failed | skipped, reason) of every case at the top level."""
    for line in text.splitlines():
        match = TAP.match(line)
        if match is None:
            continue
        result, name, directive, reason = match.groups()
        if (directive or "").upper() == "SKIP":
            yield name, "skipped", reason or "no reason given"
        elif result == "ok" or directive:
            yield name, "passed", ""
        else:
            yield name, "failed", ""


def count_meson(report: Report, build: Path, words: str) -> None:
    """Counts every case of the tests that meson just ran in a build directory; its words, if there are none."""
    log = build / "meson-logs" / "testlog.json"
    tests = [json.loads(line) for line in log.read_text(errors="replace").splitlines()] if log.exists() else []
    for test in tests:
        name, words = test["name"].split(" / ")[-1], test.get("stdout", "") + test.get("stderr", "")
        good = test["result"] in ("OK", "SKIP", "EXPECTEDFAIL")
        cases = list(read_tap(test.get("stdout", "")))
        for case, what, reason in cases:
            if what == "passed":
                report.passed()
            elif what == "skipped":
                report.skipped(f"{name} {case}", reason)
            else:
                report.failed(f"{name} {case}")
        if not good:
            report.failed(f"{name}: {test['result'].lower()} (exit {test['returncode']})", words)
        elif not cases and test["result"] == "SKIP":
            report.skipped(name, words.strip().splitlines()[-1] if words.strip() else "no reason given")
        elif not cases:
            report.passed()
    if not tests:
        report.failed("meson test: no test has run", words)
