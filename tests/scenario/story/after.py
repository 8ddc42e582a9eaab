"""After the story, for tests alone: libvirtd goes, several watchers in one name, a host that is declared to be off."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator

from drover_lab import libvirtd
from drover_lab.spec import MGMT
from drover_lab.util import wait_for

from .stage import SHOP, Stage, ensure, piece
from .watch import Lifecycle

STEP = 9
TITLE = "After the story: libvirtd goes, several watchers, a host that is declared off"
TURNS = (("db1",), ("app1",), ("web1", "web2"))  # as the package's StartupSection has them
WATCHERS = 3


def in_order(events: list[tuple[float, str, str, str]], what: str, turns: tuple) -> None:
    """Each machine's event comes after those of all machines of the turn before."""
    at = {machine.removeprefix("shop-"): t for t, _, machine, said in events if said.startswith(what)}
    ensure(set(at) >= set(SHOP), f"{what} was seen of {sorted(at)} only")
    for first, then in zip(turns, turns[1:]):
        late = max(first, key=lambda m: at[m])
        early = min(then, key=lambda m: at[m])
        ensure(at[late] < at[early], f"{what}: {early} came before {late}")


@piece("libvirtd is killed and started again: the agent finds it, and goes on seeing what it does")
def libvirtd_restarts(stage: Stage) -> str:
    lab, host = stage.lab, stage.home()
    lab.kill(host, "libvirtd")
    lab.spawn(host, "libvirtd", libvirtd.ARGV)
    wait_for("libvirtd", lambda: lab.exec(host, ["virsh", "-c", "qemu:///system", "version"], check=False).returncode
             == 0, 20, 0.1)
    begin = time.monotonic()

    def says(state: str) -> bool:
        return stage.fleet.machines("shop")["web2"]["state"] == state
    for verb, state in (("suspend", "paused"), ("resume", "running")):
        lab.local_virsh(host, verb, "shop-web2")
        wait_for(f"shop-web2 {state} in the map", lambda: says(state), 10, 0.1)
    return f"a machine that is paused and resumed is seen {time.monotonic() - begin:.1f} s later"


@contextlib.contextmanager
def watchers(stage: Stage) -> Iterator[list[subprocess.Popen]]:
    """Several `drover map watch` of one operator."""
    words = [stage.fleet.program("drover"), "map", "watch", "vapp:shop"]
    running = [stage.lab.popen(MGMT, words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True) for _ in range(WATCHERS)]
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.communicate()


def told(process: subprocess.Popen) -> str:
    """What a watcher has said, and that it was there to the end."""
    ensure(process.poll() is None, f"a watcher ended with {process.returncode}")
    process.kill()
    return process.communicate(timeout=10)[0]


def silent(stage: Stage, host: str) -> bool:
    return any(h["name"] == host and not h["alive"] for h in stage.fleet.ask("hosts"))  # type: ignore[attr-defined]


@piece("a move beside three watchers with the operator's own certificate: all land, all three see the end")
def watched_move(stage: Stage) -> str:
    source = stage.home()
    target = "B" if source == "A" else "A"
    wait_for(f"clearance of {target}", lambda: stage.clear(target), 30, 0.2)
    with watchers(stage) as watching:
        done = stage.fleet.drover("move", "shop", "--to", target, check=False, timeout=120)
        stage.places_changed()
        ensure(done.returncode == 0, f"drover move: {done.stdout}{done.stderr}")
        time.sleep(0.5)
        said = [told(w) for w in watching]
    stage.runs_on(target)
    ensure(all("<phase>release</phase>" in s or "release" in s for s in said), f"not all saw the release: {said}")
    return f"{source} to {target}; the watchers saw {', '.join(str(len(s.splitlines())) for s in said)} lines"


@piece("a host loses power: its machines start elsewhere, in their turns, once somebody has declared it off")
def declared_off(stage: Stage) -> str:
    lab, fleet, host = stage.lab, stage.fleet, stage.home()
    other = "B" if host == "A" else "A"
    refused = fleet.drover("fence", host, "--confirm-powered-off", check=False)
    ensure(refused.returncode != 0 and "is there" in refused.stderr, f"a living host was fenced: {refused.stdout}")
    begin = time.monotonic()
    lab.kill_host(host)
    wait_for(f"silence of {host}", lambda: silent(stage, host), 40, 0.2)
    noticed = time.monotonic() - begin
    early = fleet.drover("vapp", "start", "shop", "--to", other, check=False, timeout=60)
    ensure(early.returncode != 0 and "HOME_SILENT" in early.stdout + early.stderr, f"started twice: {early.stdout}")
    fleet.drover("fence", host, "--confirm-powered-off", "--reason", "the test pulled its plugs")
    with Lifecycle(lab, other) as events:
        done = fleet.drover("vapp", "start", "shop", "--to", other, check=False, timeout=120)
        ensure(done.returncode == 0, f"start on {other}: {done.stdout}{done.stderr}")
        in_order(events.stop(), "Started", TURNS)
    stage.places_changed()
    stage.answers(40)
    return f"{host} was missed after {noticed:.1f} s; HOME_SILENT until it was fenced; then all four on {other}, in turn"


@piece("the host is back: nothing is placed there until somebody takes the word back")
def unfence(stage: Stage) -> str:
    lab, fleet = stage.lab, stage.fleet
    home = stage.home()
    host = "B" if home == "A" else "A"
    lab.start_host(host)
    fleet.start_host(host)
    wait_for(f"{host} in the map", lambda: not silent(stage, host), 30, 0.2)

    def codes() -> set[str]:
        return {r["code"] for r in fleet.verdict("shop", host)["reason"]}
    wait_for("HOST_FENCED alone", lambda: codes() == {"HOST_FENCED"}, 30, 0.2)
    done = fleet.drover("move", "shop", "--to", host, check=False, timeout=60)
    ensure(done.returncode != 0 and "HOST_FENCED" in done.stdout + done.stderr, f"moved there: {done.stdout}")
    fleet.drover("unfence", host)
    wait_for(f"clearance of {host}", lambda: stage.clear(host), 30, 0.2)
    ensure(not any(host in hosts for hosts in stage.active().values()), f"something runs on {host}")
    return f"{host}: HOST_FENCED, then clear"
