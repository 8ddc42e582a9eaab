#!/usr/bin/python3
"""What foreign tools find in the map, and what is seen of the machines: one host, two machines, the real agent.

Run as root: tests/scenario/test_facts.py [-v]; the programs are taken from $DROVER_BUILD (default build/gcc).
"""

from __future__ import annotations

import json
import os
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "lab"))
sys.path.insert(0, str(ROOT / "tests" / "scenario"))

from drover_lab import frames, preflight  # noqa: E402
from drover_lab.fleet import Fleet  # noqa: E402
from drover_lab.lab import Lab  # noqa: E402
from drover_lab.spec import make_spec  # noqa: E402
from drover_lab.util import wait_for  # noqa: E402
from story.net import CARDS  # noqa: E402

BUILD = Path(os.environ.get("DROVER_BUILD", ROOT / "build" / "gcc"))
LEDGER, TELLER = CARDS["bank-ledger"], CARDS["bank-teller"]


def ends(item: dict) -> list:
    """The identifiers of an item of a search's result."""
    return item["link"] if "link" in item else [item["identifier"]]


@unittest.skipIf(preflight.missing(), "no lab here: " + "; ".join(preflight.missing()))
class FactsTest(unittest.TestCase):
    lab: Lab
    fleet: Fleet

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = Lab.up(spec=make_spec(1))
        cls.addClassCleanup(cls.lab.down)
        cls.fleet = Fleet(cls.lab, BUILD)
        cls.fleet.start()
        cls.fleet.drover("label", "load", str(ROOT / "examples" / "labels.conf"))
        cls.fleet.drover("vapp", "import", cls.fleet.package("bank"))
        cls.fleet.drover("vapp", "start", "bank", "--to", "A", timeout=120)
        wait_for("bank-ledger", cls.fleet.guest("bank-ledger", "A").ready, 60)

    def uuid(self, machine: str) -> str:
        return self.lab.local_virsh("A", "domuuid", machine).stdout.strip()

    def search(self, start: str, depth: int, links: str | None = None) -> list[dict]:
        words = ["map", "search", start, "--depth", str(depth), *(["--links", links] if links else [])]
        return self.fleet.ask(*words)["items"]  # type: ignore[index]

    def seen(self, machine: str) -> dict[str, dict]:
        """Address -> sighting, as the machine's fact `seen` has it."""
        for item in self.search(f"device:{self.uuid(machine)}", 1, "d:seen"):
            for fact in item.get("facts", []):
                if "seen" in fact:
                    return {s["address"]: s for s in fact["seen"]["sighting"]}
        return {}

    def test_standard_tools_find_a_machine_by_its_address(self) -> None:
        """From an address by standard metadata alone: the card, the machine and the host."""
        found = {"ip": LEDGER.ip4, "mac": LEDGER.mac, "vm": self.uuid("bank-ledger"), "host": self.lab.uuids["A"]}

        def missing() -> list[str]:
            items = self.search(f"ip:{LEDGER.ip4}", 3, "meta:ip-mac or meta:access-request-mac or "
                                "meta:access-request-device or meta:layer2-information")
            names = json.dumps([ends(item) for item in items])
            return [what for what, value in found.items() if value not in names]

        wait_for("ip, mac, machine and host", lambda: not missing(), 10)
        names = {meta["name"] for item in self.search(f"mac:{LEDGER.mac}", 1) for meta in item["metadata"]}
        self.assertLessEqual({"ip-mac", "discovered-by", "device-characteristic", "access-request-mac", "card"}, names)

    def test_neighbours_are_seen(self) -> None:
        """A host that talks to its machine knows its address; one that nobody declared shows in the status."""
        self.lab.exec("A", ["ip", "addr", "add", "10.80.0.201/24", "dev", "front"])
        self.lab.exec("A", ["ip", "route", "add", "10.99.0.0/16", "via", LEDGER.ip4])
        self.addCleanup(self.lab.exec, "A", ["ip", "addr", "del", "10.80.0.201/24", "dev", "front"])
        self.lab.exec("A", ["busybox", "ping", "-c1", "-W1", LEDGER.ip4], check=False)  # refused, but ARP is answered
        wait_for("a sighting", lambda: self.seen("bank-ledger").get(LEDGER.ip4, {}).get("by") == "neighbour", 10)
        self.assertTrue(self.seen("bank-ledger")[LEDGER.ip4]["declared"])
        host = self.fleet.ask("hosts")[0]  # type: ignore[index]
        self.assertIn({"address": LEDGER.ip4, "device": "front", "mac": LEDGER.mac, "state": "answers"},
                      host["routes"]["gateway"])
        self.lab.exec("A", ["ip", "neigh", "flush", "dev", "front"])
        wait_for("it to be forgotten", lambda: LEDGER.ip4 not in self.seen("bank-ledger"), 10)

    def test_lies_are_told(self) -> None:
        """A machine that uses another's address is refused, and fact, status and standard metadata say so."""
        guest = self.fleet.guest("bank-teller", "A")
        guest.send([frames.udp((TELLER.mac, LEDGER.mac), "10.80.0.77", LEDGER.ip4, 9000)])
        wait_for("the lie", lambda: self.seen("bank-teller").get("10.80.0.77", {}).get("by") == "refused", 10)
        self.assertFalse(self.seen("bank-teller")["10.80.0.77"]["declared"])
        self.assertIn("teller on A uses what nobody declared: 10.80.0.77 (refused)",
                      self.fleet.drover("status").stdout)
        names = {m["name"]: json.dumps(m) for item in self.search(f"mac:{TELLER.mac}", 1) for m in item["metadata"]}
        self.assertIn("uses 10.80.0.77", names["unexpected-behavior"])
        self.assertIn("spoof-ip", names["enforcement-report"])
        bound = json.dumps([ends(item) for item in self.search(f"mac:{TELLER.mac}", 1, "meta:ip-mac")])
        self.assertIn(TELLER.ip4, bound)
        self.assertNotIn("10.80.0.77", bound, "nobody has it")


if __name__ == "__main__":
    unittest.main()
