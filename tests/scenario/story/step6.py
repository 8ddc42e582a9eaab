"""Step 6: the move with a fault at each stage. Each time all four machines run on exactly one side, none twice, none
lost, and `drover move --status` says which side and why."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from drover_lab import libvirtd
from drover_lab.spec import MGMT
from drover_lab.util import LabError, wait_for

from .net import Flood, forbidden_frames
from .stage import SHOP, Stage, ensure, piece
from .step5 import FRONT, arrivals
from .step7 import conforming

STEP = 6
TITLE = "The move with a fault at each stage: all four on exactly one side, none twice, none lost, and it says why"
ENDED = ("done", "rolled-back", "refused")
AWAY = 1.0  # seconds that something is gone before it is started again
VETO = "not this one"

Fault = Callable[[Stage, str, str], None]  # stage, source, target


def boots(stage: Stage) -> dict[str, str]:
    """Machine -> what tells one start of it from another."""
    ids = {m: stage.guest(f"shop-{m}").run("cat /proc/sys/kernel/random/boot_id") for m in SHOP}
    ensure(all(a["ok"] and a["output"].strip() for a in ids.values()), f"no boot id: {ids}")
    return {m: a["output"].strip() for m, a in ids.items()}


def wait_for_phase(move: subprocess.Popen, phase: str) -> list[str]:
    """Reads what `drover move` says until the order is in this phase."""
    assert move.stdout
    lines = []
    for line in move.stdout:
        lines.append(line.strip())
        if line.strip() == f"shop: {phase}":
            return lines
    raise AssertionError(f"the order never came to {phase}: {lines}")


def move_with(stage: Stage, phase: str, fault: Fault, delay: float = 0.0) -> dict:
    """Moves the shop to the other of A and B, lets the fault happen in a phase, and returns the order as it ended."""
    source = stage.home()
    target = "B" if source == "A" else "A"
    wait_for(f"clearance of {target}", lambda: stage.clear(target), 30, 0.2)
    before = boots(stage)
    for m in FRONT:
        stage.guest(f"shop-{m}").forget()
    with Flood(stage.lab, 200, forbidden_frames(stage.lab)):
        move = stage.lab.popen(MGMT, [stage.fleet.program("drover"), "move", "shop", "--to", target],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        begin = time.monotonic()
        try:
            wait_for_phase(move, phase)
            time.sleep(delay)
            fault(stage, source, target)
            order = ended(stage)
        finally:
            move.kill()
            move.communicate()
        took = time.monotonic() - begin
        stage.places_changed()
        judge(stage, order, source, target)
        after = boots(stage)
        got = arrivals(stage)
        ensure(not got, f"forbidden frames were delivered: {got}")
    lost = [m for m in SHOP if before[m] != after[m]]
    ensure(not lost, f"started afresh, so their state was lost: {lost}")
    return order | {"took": took, "source": source, "target": target}


def ended(stage: Stage) -> dict:
    last: dict = {}

    def over() -> bool:
        try:
            last.update(stage.order())
        except LabError:  # the map or the way to it is gone for the moment
            return False
        return last["state"] in ENDED
    try:
        wait_for("end of the order", over, 90, 0.2)
    except LabError as e:
        raise AssertionError(f"the order does not end: {last.get('state')} in {last.get('phase')}:"
                             f" {last.get('reason')}; {stage.active()}") from e
    return last


def judge(stage: Stage, order: dict, source: str, target: str) -> None:
    """The order's word, libvirt's word and the application's must agree."""
    ensure(order["state"] != "refused", f"refused: {order['reason']}")
    stage.runs_on(target if order["state"] == "done" else source)
    ensure(order["state"] == "done" or bool(order["reason"]), "it came back, and does not say why")
    said = stage.fleet.drover("move", "shop", "--status", check=False).stdout
    ensure(f"move of shop: {order['state']}" in said and (order["reason"] or "") in said, f"--status: {said}")
    stage.answers(20)
    wait_for("conforming rules", lambda: conforming(stage), 15, 0.2)


def told(order: dict) -> str:
    side = order["target"] if order["state"] == "done" else order["source"]
    why = f": {order['reason']}" if order["reason"] else ""
    return f"{order['source']} to {order['target']}: {order['state']} in {order['took']:.1f} s, all four on {side}{why}"


# -- the faults ---------------------------------------------------------------------------------------------------


def kill_agent(which: int) -> Fault:
    def fault(stage: Stage, *hosts: str) -> None:
        stage.lab.kill(hosts[which], "hostd")
        time.sleep(AWAY)
        stage.fleet.start_hostd(hosts[which])
    return fault


def kill_control(stage: Stage, _source: str, _target: str) -> None:
    stage.lab.kill(MGMT, "control")
    time.sleep(AWAY)
    stage.fleet.start_control()


def cut_power(stage: Stage, _source: str, target: str) -> None:
    stage.lab.kill_host(target)


def cut_uplink(stage: Stage, source: str, _target: str) -> None:
    stage.lab.cut(source, "u1")


@piece("the source's agent is killed in precopy")
def source_agent_in_precopy(stage: Stage) -> str:
    return told(move_with(stage, "precopy", kill_agent(0), 1))


@piece("the destination's agent is killed in precopy")
def destination_agent_in_precopy(stage: Stage) -> str:
    return told(move_with(stage, "precopy", kill_agent(1), 1))


@piece("control is killed in precopy")
def control_in_precopy(stage: Stage) -> str:
    return told(move_with(stage, "precopy", kill_control, 1))


@piece("control is killed in the switch")
def control_in_switch(stage: Stage) -> str:
    return told(move_with(stage, "switch", kill_control))


@piece("the destination loses power in precopy")
def destination_power_in_precopy(stage: Stage) -> str:
    source = stage.home()
    target = "B" if source == "A" else "A"
    try:
        order = move_with(stage, "precopy", cut_power, 1)
    finally:
        if not stage.lab.node(target).alive():
            stage.lab.start_host(target)
            stage.fleet.start_host(target)
    ensure(order["state"] == "rolled-back", f"the order is {order['state']}, with no power at its destination")
    wait_for(f"{target} in the map again", lambda: stage.clear(target), 30, 0.2)
    ensure(not any(target in hosts for hosts in stage.active().values()), f"something runs on {target}")
    return told(order) + f"; {target} is back and clear"


@piece("an uplink of the source is cut in precopy")
def uplink_in_precopy(stage: Stage) -> str:
    source = stage.home()
    try:
        order = move_with(stage, "precopy", cut_uplink, 1)
    finally:
        stage.lab.mend(source, "u1")
    return told(order)


@piece("an uplink of the destination is cut in precopy: they land, and the order says what is worse there")
def target_uplink_in_precopy(stage: Stage) -> str:
    source = stage.home()
    target = "B" if source == "A" else "A"
    try:
        order = move_with(stage, "precopy", lambda stage, _source, target: stage.lab.cut(target, "u1"), 1)
    finally:
        stage.lab.mend(target, "u1")
    ensure(order["state"] == "done", f"the order is {order['state']}: {order['reason']}")
    ensure(str(order["reason"]).startswith("DEGRADED: PATHS: flow customers needs 2"), f"it does not say so: {order['reason']}")
    return told(order)


@piece("one machine is vetoed by its destination")
def one_is_vetoed(stage: Stage) -> str:
    """By a hook before ours, as an administrator may have one."""
    source = stage.home()
    target = "B" if source == "A" else "A"
    hook = stage.fleet.program("drover-hook")
    libvirtd.install_hook(stage.lab.node(target).dir, f"""#!/bin/sh
case "$1 $2" in "shop-db1 migrate"|"shop-db1 prepare") echo "{VETO}" >&2; exit 1 ;; esac
exec "{hook}" "$@"
""")
    try:
        order = move_with(stage, "precopy", lambda *_: None)
    finally:
        stage.lab.install_hook(type(stage.lab.dir)(hook))
    ensure(order["state"] == "rolled-back", f"the order is {order['state']} despite the veto")
    ensure("db1" in order["reason"] and VETO in order["reason"], f"the reason does not tell: {order['reason']}")
    return told(order)
