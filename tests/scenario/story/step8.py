"""Step 8: kill -9 of the map server under publish load."""

from __future__ import annotations

import json
import subprocess
import threading
import time

from drover_lab.spec import MGMT
from drover_lab.util import wait_for

from .net import Flood, forbidden_frames
from .stage import Stage, ensure, piece
from .step5 import FRONT, arrivals

STEP = 8
TITLE = "kill -9 of the map server under publish load: nothing acknowledged is lost, nothing opens, all reconnect"
WRITERS = 4
BEFORE, AFTER = 3.0, 2.0  # seconds of load before the kill, and of being away
NOTE = '<s:note xmlns:s="urn:example:story" ifmap-cardinality="multiValue" n="{}"/>'


class Writers:
    """drover map publish, one after another in several threads; `acknowledged` are the notes whose command ended 0."""

    def __init__(self, stage: Stage) -> None:
        self.acknowledged: set[str] = set()
        self.failed = 0
        self._end = threading.Event()
        argv = [stage.fleet.program("drover"), "map", "publish", "--quiet", "--timeout", "5"]
        self._argv = [stage.lab.node(MGMT).enter([*argv, f"device:story{i}"]) for i in range(WRITERS)]
        self._threads = [threading.Thread(target=self._write, args=(i,)) for i in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def _write(self, writer: int) -> None:
        number = 0
        while not self._end.is_set():
            number += 1
            note = f"{writer}-{number}"
            done = subprocess.run(self._argv[writer], input=NOTE.format(note), text=True, capture_output=True,
                                  check=False)
            if done.returncode == 0:
                self.acknowledged.add(note)
            else:
                self.failed += 1

    def stop(self) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(60)


@piece("nothing acknowledged is lost, the rules never open, agents come back by themselves")
def map_is_killed(stage: Stage) -> str:
    lab, fleet = stage.lab, stage.fleet
    for m in FRONT:
        stage.guest(f"shop-{m}").forget()
    with Flood(lab, 1000, forbidden_frames(lab)) as flood:
        writers = Writers(stage)
        try:
            time.sleep(BEFORE)
            early = len(writers.acknowledged)
            lab.kill(MGMT, "mapd")
            time.sleep(AFTER)
            fleet.start_mapd()
            begin = time.monotonic()
            wait_for("all agents in the map again", lambda: all_back(stage), 60, 0.1)
            back = time.monotonic() - begin
        finally:
            writers.stop()
        sent = flood.stop()
    got = arrivals(stage)
    kept = notes(stage)
    lost = writers.acknowledged - kept
    ensure(early > 0, "no publish was acknowledged before the kill: there was no load")
    ensure(len(writers.acknowledged) > early, "no publish was acknowledged after the kill")
    ensure(not lost, f"acknowledged and lost: {sorted(lost)}")
    ensure(not got, f"of {sent} forbidden frames were delivered meanwhile: {got}")
    stage.figures["acknowledged publishes lost by kill -9"] = len(lost)
    stage.figures["agents back after the map's restart, s"] = back
    return (f"{len(writers.acknowledged)} acknowledged ({early} before the kill), 0 lost, {writers.failed} refused"
            f" meanwhile; 0 of {sent} forbidden frames delivered; agents back {back:.1f} s after the restart")


def all_back(stage: Stage) -> bool:
    done = stage.fleet.drover("hosts", "--json", "--timeout", "3", check=False)
    if done.returncode:
        return False
    hosts = json.loads(done.stdout)
    return len(hosts) == len(stage.lab.hosts) and all(h["alive"] and h["host"]["enforcing"] for h in hosts)


def notes(stage: Stage) -> set[str]:
    """What the map holds of the writers' notes."""
    found = set()
    for i in range(WRITERS):
        text = stage.fleet.drover("map", "search", f"device:story{i}").stdout
        found |= {word.split('"')[1] for word in text.split() if word.startswith('n="')}
    return found


@piece("everything still works: rules verified, application answers, control decides")
def all_is_well(stage: Stage) -> str:
    verified = stage.fleet.drover("verify", check=False)
    ensure(verified.returncode == 0, f"drover verify: {verified.stdout}{verified.stderr}")
    stage.answers(20)
    begin_ms = time.time() * 1000
    stage.lab.mend_uplink("C", "u2")
    wait_for("a verdict without PATHS", lambda: "PATHS" not in {r["code"] for r in
             stage.fleet.verdict("shop", "C")["reason"]}, 10, 0.1)
    delay = stage.fleet.verdict("shop", "C")["at-ms"] - begin_ms
    return f"as before; C got its second uplink, and the verdict followed after {delay:.0f} ms"
