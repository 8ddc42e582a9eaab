"""Step 7: somebody flushes the rules of a host."""

from __future__ import annotations

import time

from drover_lab.util import wait_for

from .net import CARDS, Flood, forbidden_frames
from .stage import Stage, ensure, piece
from .step5 import FRONT, arrivals, settled_session

STEP = 7
TITLE = "nft flush ruleset on a host: noticed, repaired, told"
OPEN_MS = 1000  # that long open would be wrong, on any machine


@piece("the rules are put back, the open time is measured, RULES_TAMPERED stands in drover alerts")
def flushed_rules_return(stage: Stage) -> str:
    lab, fleet, host = stage.lab, stage.fleet, stage.home()
    for m in FRONT:
        stage.guest(f"shop-{m}").forget()
    with Flood(lab, 1000, forbidden_frames(lab)):
        time.sleep(0.5)
        ensure(not arrivals(stage), "forbidden frames arrive before anybody touched the rules")
        begin_ms = time.time() * 1000
        lab.exec(host, ["nft", "flush", "ruleset"])

        def alerts() -> list[dict]:
            return [a for a in fleet.ask("alerts") if a["code"] == "RULES_TAMPERED"  # type: ignore[union-attr]
                    and a["host"] == lab.uuids[host] and a["at-ms"] >= begin_ms]
        wait_for(f"an alert that the rules of {host} were tampered with", lambda: bool(alerts()), 15, 0.1)
        alert = alerts()[0]
        wait_for("conforming rules", lambda: conforming(stage), 15, 0.1)
        time.sleep(0.3)  # until the guests have counted what was under way
        passed = arrivals(stage)
        time.sleep(1)
        later = arrivals(stage)
    open_ms = alert["open-us"] / 1000
    ensure(later == passed, f"forbidden frames were delivered after the repair: {passed}, then {later}")
    ensure(0 < open_ms < OPEN_MS, f"the rules were open for {open_ms:.1f} ms")
    tables = lab.exec(host, ["nft", "list", "tables"]).stdout
    ensure(tables.count("table") > 0, f"{host} has no rules")
    stage.figures["open time after nft flush ruleset, ms"] = open_ms
    stage.figures["forbidden packets that the open time let through"] = sum(passed.values())
    return (f"open for {open_ms:.1f} ms; of 1000 forbidden frames a second {sum(passed.values())} came through;"
            f" {alert['text']}")


@piece("a connection made while the rules were away does not outlive their return")
def connection_is_cut(stage: Stage) -> str:
    """The enforcer is held, so that there is time to make one: outside to the application's port."""
    lab, host = stage.lab, stage.home()
    pid = str(lab.daemons(host)["enforcer"]["pid"])
    lab.send_signal(host, pid, "STOP")
    try:
        lab.exec(host, ["nft", "flush", "ruleset"])
        with settled_session(lab, CARDS["shop-app1"].ip4) as session:
            lab.send_signal(host, pid, "CONT")
            wait_for("conforming rules", lambda: conforming(stage), 15, 0.1)
            time.sleep(0.3)
            before = session.stat()["answers"]
            time.sleep(1)
            after = session.stat()["answers"]
    finally:
        lab.send_signal(host, pid, "CONT")
    ensure(after == before, f"a connection from outside to app1 port 7000 goes on: {after - before} answers in 1 s")
    return "outside to app1 port 7000, made while the enforcer was held: silent once the rules were back"


def conforming(stage: Stage) -> bool:
    return stage.fleet.drover("verify", "shop", check=False).returncode == 0
