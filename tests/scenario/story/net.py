"""Packets for and from the story: who has which address, forbidden frames, and a flood of them from the client machine.

Machines are named as people do, "shop-web1"; a card of theirs by its segment.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drover_lab.lab import Lab
with contextlib.suppress(ImportError):  # not needed inside the client machine
    from drover_lab.frames import syn

TCP, UDP = 6, 17


@dataclasses.dataclass(frozen=True)
class Card:
    mac: str
    ip4: str
    ip6: str
    nic: str = "net0"  # as the guest calls it


def card(segment: int, number: int, nic: str = "net0") -> Card:
    """Segment 0 is front, 1 back; the packages number their machines in decimal digits."""
    return Card(f"52:54:00:80:{segment:02}:{number:02}", f"10.8{segment}.0.{number}", f"fd8{segment}::{number}", nic)


CARDS = {
    "shop-web1": card(0, 11), "shop-web2": card(0, 12), "shop-app1": card(0, 21), "shop-app1/back": card(1, 21, "net1"),
    "shop-db1": card(1, 31), "bank-teller": card(0, 51), "bank-ledger": card(0, 52),
}


def outside(lab: Lab) -> Card:
    """The client machine's own card on segment front."""
    shown = lab.exec("outside", ["cat", "/sys/class/net/front/address"]).stdout.strip()
    return Card(shown, "10.80.0.254", "fd80::fe", "front")


ALLOWED = (80, 7000)  # ports that the client machine may reach, on the web tier


def forbidden_frames(lab: Lab) -> list[bytes]:
    """What the client machine may not send to the shop: to the ports of the application and the data base."""
    out = outside(lab)
    frames = [syn((out.mac, to.mac), out.ip4, to.ip4, port) for to, port in (
        (CARDS["shop-app1"], 8080), (CARDS["shop-app1"], 5432), (CARDS["shop-web1"], 5432), (CARDS["shop-web2"], 22))]
    return [*frames, syn((out.mac, CARDS["shop-app1"].mac), out.ip6, CARDS["shop-app1"].ip6, 8080)]


def forbidden_arrivals(lab: Lab, seen: list[dict]) -> dict[tuple, int]:
    """What of the client machine a witness has seen that it may not send: (address, port, SYN?) -> how many."""
    mac = outside(lab).mac
    return {(r["dst"], r["port"], r["syn"]): r["n"] for r in seen
            if r["mac"] == mac and r["proto"] == TCP and r["port"] not in ALLOWED}


class Flood:
    """Frames from the client machine in turn, HZ a second; stop() says how many were sent."""

    def __init__(self, lab: Lab, hz: int, frames: list[bytes]) -> None:
        argv = [sys.executable, "-I", "-S", "-B", str(Path(__file__).resolve()), str(hz), *(f.hex() for f in frames)]
        self.process = lab.popen("outside", argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.sent = 0

    def stop(self) -> int:
        if self.process.poll() is None:
            try:
                said, _ = self.process.communicate("", timeout=5)
                self.sent = json.loads(said or "0")
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.sent

    def __enter__(self) -> Flood:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def send(lab: Lab, frames: list[bytes]) -> None:
    """Each frame once, from the client machine."""
    argv = [sys.executable, "-I", "-S", "-B", str(Path(__file__).resolve()), "0", *(f.hex() for f in frames)]
    lab.exec("outside", argv)


def main() -> None:
    """Inside the client machine: `net.py HZ HEX...`; HZ 0: each once. Ends with its input."""
    hz, frames = int(sys.argv[1]), [bytes.fromhex(f) for f in sys.argv[2:]]
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind(("front", 0))
    if hz == 0:
        for frame in frames:
            out.send(frame)
        return
    import select  # noqa: PLC0415 (only here)
    sent, due = 0, time.monotonic()
    while not select.select([0], [], [], max(0.0, due - time.monotonic()))[0]:
        now = time.monotonic()
        due = max(due, now - 0.05)  # after a long wait catch up with 50 ms, no more
        while due <= now:
            try:
                out.send(frames[sent % len(frames)])
                sent += 1
            except OSError:  # no link or no room for the moment
                pass
            due += 1 / hz
    print(json.dumps(sent), flush=True)


if __name__ == "__main__":
    main()
