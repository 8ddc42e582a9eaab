"""When machines stopped and went on, as libvirt tells it: the gap of each machine, however it was moved."""

from __future__ import annotations

import datetime
import re
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drover_lab.lab import Lab

EVENT = re.compile(r"^(\S+ \S+): event 'lifecycle' for domain '?([^':]+)'?: (\w+) (\w+)")


class Lifecycle:
    """libvirt's lifecycle events of some hosts, from now until stop()."""

    def __init__(self, lab: Lab, hosts: str) -> None:
        # The pid comes first; then line by line, not by whole pipes.
        words = "echo $$; exec stdbuf -oL virsh -c qemu:///system event --event lifecycle --loop --timestamp"
        self.lab = lab
        self.watchers = {h: lab.popen(h, ["sh", "-c", words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, text=True) for h in hosts}
        self.pids = {h: w.stdout.readline().strip() for h, w in self.watchers.items()}  # type: ignore[union-attr]
        time.sleep(0.7)  # until they have registered, which virsh does not tell

    def stop(self) -> list[tuple[float, str, str, str]]:
        """(time in s, host, machine, what), in order. May be repeated, with nothing more to say."""
        rows = []
        for host, watcher in self.watchers.items():
            self.lab.send_signal(host, self.pids[host], "TERM")
            said, _ = watcher.communicate(timeout=10)
            for line in said.splitlines():
                if found := EVENT.match(line):
                    at = datetime.datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S.%f%z").timestamp()
                    rows.append((at, host, found[2], f"{found[3]} {found[4]}"))
        self.watchers = {}
        return sorted(rows)

    def __enter__(self) -> Lifecycle:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def gaps_ms(rows: list[tuple[float, str, str, str]], source: str, target: str) -> dict[str, float]:
    """Machine -> from its last stop on the source to its first going on at the target."""
    stopped: dict[str, float] = {}
    gaps: dict[str, float] = {}
    for at, host, machine, what in rows:
        if host == source and what.startswith("Suspended"):
            stopped[machine] = at
        elif host == target and what.startswith("Resumed") and machine in stopped:
            gaps.setdefault(machine, (at - stopped[machine]) * 1000)
    return gaps
