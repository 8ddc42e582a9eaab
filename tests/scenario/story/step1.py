"""Step 1: the place."""

from __future__ import annotations

import subprocess

from drover_lab.spec import MGMT, UPLINKS

from .stage import Stage, ensure, piece

STEP = 1
TITLE = "Three hosts, two switches, redundant uplinks; map, agents and control with certificates made on the spot"


@piece("hosts, switches and uplinks stand", vital=True)
def lab_is_up(stage: Stage) -> str:
    lab = stage.raise_lab()
    poor = lab.spec.node("C")
    ensure(lab.hosts == ["A", "B", "C"], f"hosts are {lab.hosts}")
    ensure(all(lab.node(h).node.uplinks == list(UPLINKS) for h in "AB"), "A and B should have two uplinks")
    ensure(poor is not None and poor.uplinks == ["u1"] and poor.segments == ["front"], "C should be a poor place")
    return f"lab {lab.id} in {sum(lab.timing.values()):.1f} s"


@piece("daemons talk to the map and enforce", vital=True)
def daemons_are_up(stage: Stage) -> str:
    fleet = stage.raise_fleet()
    hosts: list[dict] = fleet.ask("hosts")  # type: ignore[assignment]
    ensure(all(h["alive"] and h["host"]["enforcing"] for h in hosts), f"not every host enforces: {hosts}")
    return f"{len(hosts)} agents, back end {', '.join(sorted({h['host']['backend'] for h in hosts}))}"


@piece("certificates hold, and without one the map does not talk")
def certificates_hold(stage: Stage) -> str:
    pki = stage.lab.dir / "pki"
    names = ["mapd", "control", *(f"agent-{h}" for h in stage.lab.hosts)]
    for name in names:
        done = subprocess.run(["openssl", "verify", "-CAfile", str(pki / "ca.pem"), str(pki / f"{name}.pem")],
                              capture_output=True, text=True, check=False)
        ensure(done.returncode == 0, f"{name}: {done.stderr}")
    said = stage.lab.exec(MGMT, ["/usr/bin/python3", "-I", "-c", ASK_WITHOUT_CERTIFICATE]).stdout.strip()
    ensure(said == "401", f"a client without certificate was answered {said}, not 401")
    return f"{len(names)} certificates; a client without one gets HTTP {said}"


ASK_WITHOUT_CERTIFICATE = """
import http.client, ssl
c = http.client.HTTPSConnection("10.71.0.254", 8443, context=ssl._create_unverified_context(), timeout=5)
c.request("POST", "/", "<x/>")
print(c.getresponse().status)
"""
