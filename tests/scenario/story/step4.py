"""Step 4: nothing passes the gate by habit."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from drover_lab.spec import MGMT

from .plain import PLAIN
from .stage import Stage, ensure, piece

STEP = 4
TITLE = "The gate refuses virsh migrate to C and virsh start of an unsealed copy"
COPY = "shop-copy"


@piece("virsh migrate of a shop machine to C is refused with the codes and sentences of plan")
def migrate_is_refused(stage: Stage) -> str:
    verdict = stage.fleet.verdict("shop", "C")
    lab = stage.lab
    done = lab.virsh("A", "migrate", "--live", "--p2p", "--persistent", "--undefinesource", "shop-web1", lab.uri("C"),
                     check=False)
    ensure(done.returncode != 0, "virsh migrate went through")
    missing = [r["code"] for r in verdict["reason"] if f"{r['code']}: {r['text']}" not in done.stderr]
    ensure(bool(verdict["reason"]) and not missing, f"the gate does not say {missing} as plan does: {done.stderr}")
    stage.runs_on("A")
    return ", ".join(r["code"] for r in verdict["reason"]) + ", word for word; web1 runs on where it was"


def copy_of(xml: str, keep_seal: bool) -> str:
    """The domain under another name and UUID, with its cards; its metadata removed or left as it was."""
    xml = re.sub(r"<name>.*?</name>", f"<name>{COPY}</name>", xml, count=1)
    xml = re.sub(r"<uuid>.*?</uuid>", f"<uuid>{uuid.uuid4()}</uuid>", xml, count=1)
    return xml if keep_seal else re.sub(r"<metadata>.*?</metadata>", "", xml, flags=re.DOTALL)


@contextmanager
def defined(stage: Stage, host: str, name: str, xml: str) -> Iterator[None]:
    lab = stage.lab
    lab.exec(MGMT, ["virsh", "-c", lab.uri(host), "define", "/dev/stdin"], stdin=xml)
    try:
        yield
    finally:
        lab.virsh(host, "destroy", name, check=False)
        lab.virsh(host, "undefine", name, check=False)


def start_is_refused(stage: Stage, keep_seal: bool, code: str) -> str:
    xml = stage.lab.virsh("A", "dumpxml", "--inactive", "--security-info", "shop-web1").stdout
    ensure("<drover:member" in xml, "shop-web1 bears no seal")
    with defined(stage, "B", COPY, copy_of(xml, keep_seal)):
        done = stage.lab.virsh("B", "start", COPY, check=False)
        ensure(done.returncode != 0, "virsh start went through")
        said = re.search(r"drover: (\w+): (.*)", done.stderr)
        ensure(said is not None and said[1] == code, f"refused, but not as {code}: {done.stderr}")
        ensure(stage.lab.where(COPY) == {"B": "shut off"}, f"the copy: {stage.lab.where(COPY)}")
        assert said is not None
        return f"{said[1]}: {said[2]}"


@piece("virsh start of a copy without seal is refused")
def unsealed_copy_is_refused(stage: Stage) -> str:
    return start_is_refused(stage, keep_seal=False, code="SEAL_MISSING")


@piece("virsh start of a copy with another machine's seal is refused")
def foreign_seal_is_refused(stage: Stage) -> str:
    return start_is_refused(stage, keep_seal=True, code="SEAL_INVALID")


@piece("machines that no application claims may start: four on A, the measure for step 5")
def unclaimed_machines_start(stage: Stage) -> str:
    for guest in PLAIN:
        stage.lab.define("A", guest)
        stage.lab.virsh("A", "start", guest.name)
    listed = stage.lab.virsh("A", "list", "--name").stdout.split()
    ensure(set(listed) >= {g.name for g in PLAIN}, f"running on A: {listed}")
    return ", ".join(g.name for g in PLAIN)
