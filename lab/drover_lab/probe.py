#!/usr/bin/python3
"""Measuring from the client machine: how long an application was silent, and whether a session lived through it.

    with Requests(lab, "10.80.0.11", 80) as requests, Session(lab, "10.80.0.11", 7000) as session:
        ...move...
        print(requests.stat()["max_gap_ms"], session.stat()["broken"])

Both run as processes inside the node "outside" (this file is also their program: see main()). They
speak one JSON line per line of input and end with the input.
"""

from __future__ import annotations

import errno
import json
import os
import selectors
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .lab import Lab

NOTABLE_GAP = 0.1  # seconds; longer silences are listed one by one
REQUEST_TIMEOUT = 2.0
MAX_OUTSTANDING = 400
BEHIND = 0.05


class Silence:
    """When answers came, and the longest time between two of them."""

    def __init__(self) -> None:
        self.first = self.last = 0.0
        self.n = 0
        self.longest = 0.0
        self.notable: list[dict] = []

    def answer(self, now: float) -> None:
        self.first = self.first or now
        gap = now - self.last if self.last else 0.0
        self.last = now
        self.n += 1
        self.longest = max(self.longest, gap)
        if gap >= NOTABLE_GAP:
            self.notable.append({"at": round(time.time() - gap, 3), "ms": round(gap * 1000, 1)})

    def describe(self) -> dict:
        silent = time.monotonic() - self.last if self.last else 0.0
        return {"answers": self.n, "max_gap_ms": round(max(self.longest, silent) * 1000, 1),
                "silent_ms": round(silent * 1000, 1), "gaps": self.notable[-50:]}


class RequestLoop:
    """GET /id at a fixed rate, each on a connection of its own, whether or not the earlier ones were answered: after
    a silence the next request is answered at once, so the gap is not lengthened by TCP's patience."""

    def __init__(self, ip: str, port: int, selector: selectors.BaseSelector) -> None:
        self.where = (ip, port)
        self.selector = selector
        self.silence = Silence()
        self.open: dict[socket.socket, float] = {}
        self.sent = self.failed = self.skipped = 0
        self.seen: dict[str, int] = {}

    def beat(self) -> None:
        now = time.monotonic()
        for s in [s for s, begin in self.open.items() if now - begin > REQUEST_TIMEOUT]:
            self.fail(s)
        if len(self.open) >= MAX_OUTSTANDING:
            self.skipped += 1
            return
        s = socket.socket(socket.AF_INET6 if ":" in self.where[0] else socket.AF_INET)
        s.setblocking(False)
        self.sent += 1
        if s.connect_ex(self.where) not in (0, errno.EINPROGRESS):
            self.failed += 1
            s.close()
            return
        self.open[s] = now
        self.selector.register(s, selectors.EVENT_WRITE, self.writable)

    def writable(self, s: socket.socket) -> None:
        try:
            s.send(b"GET /id HTTP/1.0\r\n\r\n")
        except OSError:
            self.fail(s)
            return
        self.selector.modify(s, selectors.EVENT_READ, self.readable)

    def readable(self, s: socket.socket) -> None:
        try:
            data = s.recv(4096)  # the answer is one segment
        except OSError:
            data = b""
        if b" 200 " not in data:
            self.fail(s)
            return
        self.silence.answer(time.monotonic())
        body = data.partition(b"\r\n\r\n")[2]
        boot_id = json.loads(body)["boot_id"] if body else "?"
        self.seen[boot_id] = self.seen.get(boot_id, 0) + 1
        self.forget(s)

    def fail(self, s: socket.socket) -> None:
        self.failed += 1
        self.forget(s)

    def forget(self, s: socket.socket) -> None:
        self.selector.unregister(s)
        del self.open[s]
        s.close()

    def describe(self) -> dict:
        return {"sent": self.sent, "failed": self.failed, "skipped": self.skipped, "boot_ids": self.seen} \
            | self.silence.describe()


class HeldSession:
    """One TCP connection through the application; each beat must come back in order, byte for byte."""

    def __init__(self, ip: str, port: int, selector: selectors.BaseSelector) -> None:
        self.socket = socket.create_connection((ip, port), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.selector = selector
        selector.register(self.socket, selectors.EVENT_READ, self.readable)
        self.silence = Silence()
        self.sent = 0
        self.expected = b""
        self.broken: str | None = None

    def beat(self) -> None:
        if self.broken:
            return
        line = b"beat %d\n" % self.sent
        try:
            if self.socket.send(line) == len(line):
                self.sent += 1
                self.expected += line
        except BlockingIOError:
            pass
        except OSError as e:
            self.end(str(e))

    def readable(self, s: socket.socket) -> None:
        try:
            data = s.recv(65536)
        except OSError as e:
            self.end(str(e))
            return
        if not data:
            self.end("closed by the application")
        elif not self.expected.startswith(data):
            self.end(f"wrong bytes came back: {data[:40]!r}")
        else:
            self.expected = self.expected[len(data):]
            self.silence.answer(time.monotonic())

    def end(self, why: str) -> None:
        self.broken = why
        self.selector.unregister(self.socket)

    def describe(self) -> dict:
        return {"sent": self.sent, "unanswered_bytes": len(self.expected), "broken": self.broken} \
            | self.silence.describe()


KINDS = {"requests": RequestLoop, "session": HeldSession}


def main() -> None:
    kind, ip, port, hz = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    selector = selectors.DefaultSelector()
    probe = KINDS[kind](ip, port, selector)
    selector.register(0, selectors.EVENT_READ, None)
    due = time.monotonic()
    while True:
        for key, _ in selector.select(max(0.0, due - time.monotonic())):
            if key.data is not None:
                key.data(key.fileobj)
                continue
            asked = os.read(0, 4096)
            if not asked:
                return
            print(json.dumps(probe.describe()), flush=True)
        now = time.monotonic()
        if now >= due:
            probe.beat()
            due = now if now > due + BEHIND else due
            due += 1 / hz


class _Remote:
    """The parent's side: a probe inside a node. `nsenter` passes no signal on, but the probe ends with its input."""

    kind = ""

    def __init__(self, lab: Lab, ip: str, port: int, hz: float, node: str = "outside") -> None:
        argv = [sys.executable, "-I", "-S", "-B", str(Path(__file__).resolve()), self.kind, ip, str(port), str(hz)]
        self.process = lab.popen(node, argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.last: dict = {}

    def stat(self) -> dict:
        """The figures so far."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("stat\n")
        self.process.stdin.flush()
        self.last = json.loads(self.process.stdout.readline())
        return self.last

    def stop(self) -> dict:
        """The last figures; the probe ends."""
        figures = self.stat() if self.process.poll() is None else self.last
        self.close()
        return figures

    def close(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def __enter__(self):  # noqa: ANN204 (typing.Self is not in older checkers)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Requests(_Remote):
    """`sent failed skipped answers max_gap_ms silent_ms gaps boot_ids`; gaps: silences over 100 ms, in wall time."""

    kind = "requests"

    def __init__(self, lab: Lab, ip: str, port: int = 80, hz: float = 100, node: str = "outside") -> None:
        super().__init__(lab, ip, port, hz, node)


class Session(_Remote):
    """`sent unanswered_bytes broken answers max_gap_ms silent_ms gaps`; broken is null or says why."""

    kind = "session"

    def __init__(self, lab: Lab, ip: str, port: int, hz: float = 50, node: str = "outside") -> None:
        super().__init__(lab, ip, port, hz, node)


if __name__ == "__main__":
    main()
