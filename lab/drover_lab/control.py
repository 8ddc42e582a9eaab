"""Talking to the agent inside a guest (lab/guest/agent.h) over its virtio-serial port.

The port needs no network, so probes can be started and read while every flow of the guest is cut. It migrates with
the guest; the socket is then a new one on the new host, and a connection to the old one is closed.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from .util import LabError


class Control:
    """A connection to one guest's agent, made when first used and again after it broke. One thread at a time, and one
    connection: QEMU serves the next client when this one closes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket: socket.socket | None = None
        self._rest = b""
        self._mark = secrets.token_hex(4)  # an answer to somebody before us must not match
        self._asked = 0

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._rest = b""

    def ask(self, verb: str, *words: object, timeout: float = 10) -> dict:
        """Send one request and wait for its answer; LabError if the guest does not answer in time."""
        deadline = time.monotonic() + timeout
        reused = self._socket is not None
        try:
            return self._exchange(verb, words, deadline)
        except ConnectionError as e:  # closed behind our back: the guest was moved or restarted since
            self.close()
            if not reused:
                raise LabError(f"guest {self.path.stem}: no answer to {verb}: {e}") from e
        except OSError as e:
            self.close()
            raise LabError(f"guest {self.path.stem}: no answer to {verb}: {e}") from e
        return self.ask(verb, *words, timeout=max(0.1, deadline - time.monotonic()))

    def ready(self) -> bool:
        """Whether the agent answers now."""
        try:
            return self.ask("id", timeout=1)["ok"]
        except LabError:
            return False

    # -- the verbs that tests use most --------------------------------------------------------------------------------

    def can(self, kind: str, ip: str, port: int | None = None, timeout_ms: int = 1000) -> bool:
        """kind "tcp", "udp" or "ping": does IP (and PORT) answer within the time?"""
        words = [ip] if port is None else [ip, port]
        return self.ask(kind, *words, timeout_ms, timeout=timeout_ms / 1000 + 10)["ok"]

    def send(self, frames: Sequence[bytes], nic: str = "net0") -> None:
        """Send raw frames once each."""
        self._must("raw", nic, *(f.hex() for f in frames))

    def flood(self, slot: int, hz: int, frames: Sequence[bytes], nic: str = "net0") -> None:
        """Send raw frames in turn, HZ a second, until stop(slot)."""
        self._must("flood", slot, hz, nic, *(f.hex() for f in frames))

    def hold(self, slot: int, ip: str, port: int, hz: int = 20) -> None:
        """Keep a TCP session with another guest's relay port, one beat HZ times a second."""
        self._must("hold", slot, ip, port, hz)

    def stat(self, slot: int) -> dict:
        return self._must("stat", slot)

    def stop(self, slot: int) -> dict:
        return self._must("stop", slot)

    def seen(self, proto: int | None = None, port: int | None = None) -> list[dict]:
        """Frames that arrived, by kind: nic, mac, type, src, dst, proto, port, syn, n."""
        words = [] if proto is None else [proto, port]
        return self._must("seen", *words)["seen"]

    def forget(self) -> None:
        self._must("forget")

    def run(self, command: str) -> dict:
        """A shell command inside the guest: "status" and "output" (600 bytes at most)."""
        return self.ask("run", command)

    def _exchange(self, verb: str, words: Sequence[object], deadline: float) -> dict:
        self._asked += 1
        request = f"{self._mark}-{self._asked}"
        connection = self._connect()
        connection.settimeout(max(0.1, deadline - time.monotonic()))
        connection.sendall((" ".join([request, verb, *map(str, words)]) + "\n").encode())
        while True:
            answer = self._read_line(connection, deadline)
            if answer.get("id") == request:
                return answer

    def _must(self, verb: str, *words: object) -> dict:
        answer = self.ask(verb, *words)
        if not answer["ok"]:
            raise LabError(f"guest {self.path.stem}: {verb}: {answer['why']}")
        return answer

    def _connect(self) -> socket.socket:
        if self._socket is None:
            # By descriptor, since a socket's path may have no more than 107 bytes.
            fd = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                connection = socket.socket(socket.AF_UNIX)
                connection.connect(f"/proc/self/fd/{fd}/{self.path.name}")
            finally:
                os.close(fd)
            self._socket = connection
        return self._socket

    def _read_line(self, connection: socket.socket, deadline: float) -> dict:
        while b"\n" not in self._rest:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            data = connection.recv(65536)
            if not data:
                raise ConnectionResetError("the port was closed (guest stopped or moved)")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            return json.loads(line)
        except ValueError:  # half a line from before a move
            return {}
