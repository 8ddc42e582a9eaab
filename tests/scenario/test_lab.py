#!/usr/bin/python3
"""The lab itself, really raised: hosts, guests, moves, faults, and that nothing of it remains.

Run as root: tests/scenario/test_lab.py [-v] [LabTest.test_...]. Skipped with the reason where a lab cannot run.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "lab"))

from drover_lab import frames, preflight, registry  # noqa: E402
from drover_lab.guest import Guest, nic  # noqa: E402
from drover_lab.lab import Lab  # noqa: E402
from drover_lab.node import process_identity  # noqa: E402
from drover_lab.probe import Requests, Session  # noqa: E402
from drover_lab.spec import make_spec  # noqa: E402
from drover_lab.util import LabError, wait_for  # noqa: E402

LAB = ROOT / "lab" / "lab"
DB = Guest("db", (nic(14), nic(14, "back")), serve=(5432,), relay=7000)
WEB = Guest("web", (nic(11),), serve=(80, 8080), relay=7000, next=(nic(14).ip4, 5432))
NOBODY = 65534


def traces(lab_id: str, directory: Path) -> list[str]:
    """What is left of a lab on this machine."""
    found = [line for line in subprocess.check_output(["ip", "netns", "list"], text=True).splitlines()
             if line.startswith(f"dl{lab_id}-")]
    found += [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(directory) in line]
    if directory.exists():
        found.append(str(directory))
    if lab_id in registry.labs():
        found.append(f"registered as {lab_id}")
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            words = (proc / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(directory) in words or f"dl{lab_id}-" in words:
            found.append(f"process {proc.name}: {words}")
    return found


def migrate(lab: Lab, guest: str, source: str, target: str) -> float:
    begin = time.monotonic()
    lab.virsh(source, "migrate", "--live", "--p2p", "--persistent", "--undefinesource", guest, lab.uri(target))
    return time.monotonic() - begin


@unittest.skipIf(preflight.missing(), "no lab here: " + "; ".join(preflight.missing()))
class LabTest(unittest.TestCase):
    lab: Lab

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = Lab.up()
        cls.addClassCleanup(cls.lab.down)
        boot = cls.lab.boot("A", DB, WEB)
        print(f"# up {cls.lab.timing}, two guests answer after {boot:.1f} s", file=sys.stderr)

    def test_hosts_are_apart(self) -> None:
        """Each host has its own name, libvirtd and directories, and none of them is the machine's."""
        for host in self.lab.hosts:
            self.assertEqual(self.lab.exec(host, ["hostname"]).stdout.strip(), host)
            self.lab.exec(host, ["sh", "-c", "hostname > /var/lib/drover/who; hostname > /run/who"])
        for host in self.lab.hosts:
            for file in ("/var/lib/drover/who", "/run/who"):
                self.assertEqual(self.lab.path(host, file).read_text().strip(), host)
                self.assertFalse(Path(file).exists())
            self.assertIn(self.lab.uuids[host], self.lab.virsh(host, "capabilities").stdout)
            self.assertTrue(os.access(self.lab.path(host, "/etc/libvirt/hooks/qemu"), os.X_OK))

    def test_application_works(self) -> None:
        web = self.lab.control("web")
        self.assertEqual(web.ask("get", WEB.nics[0].ip4, 80, "/chain", 2000)["body"], "web>db\n")
        for kind, ip, port in (("tcp", DB.nics[0].ip6, 5432), ("udp", DB.nics[0].ip4, 5432),
                               ("ping", DB.nics[0].ip6, None), ("ping", "10.80.0.254", None)):
            self.assertTrue(web.can(kind, ip, port), (kind, ip, port))
        self.assertFalse(web.can("tcp", DB.nics[0].ip4, 5433), "nothing listens there")
        self.assertFalse(web.can("ping", "10.80.0.99", timeout_ms=300), "nobody is there")

    def test_witness_sees_lies(self) -> None:
        """Spoofed frames of every kind leave one guest and are counted in the other."""
        web, db = self.lab.control("web"), self.lab.control("db")
        card, peer, liar = WEB.nics[0], DB.nics[0], "52:54:00:66:66:66"
        db.forget()
        web.send([frames.syn((card.mac, peer.mac), "10.80.0.77", peer.ip4, 9001),
                  frames.syn((liar, peer.mac), card.ip4, peer.ip4, 9002),
                  frames.udp((card.mac, peer.mac), "fd80::77", peer.ip6, 9003),
                  frames.claim_ip4(liar, peer.ip4), frames.claim_ip6(liar, peer.ip6)])
        wait_for("the frames", lambda: bool(db.seen(17, 9003)), 3)
        self.assertEqual([(r["src"], r["syn"], r["n"]) for r in db.seen(6, 9001)], [("10.80.0.77", True, 1)])
        self.assertEqual([r["mac"] for r in db.seen(6, 9002)], [liar])
        self.assertEqual([r["src"] for r in db.seen(17, 9003)], ["fd80::77"])
        self.assertIn((liar, 0x0806), [(r["mac"], r["type"]) for r in db.seen()])

    def test_move_keeps_session_probe_and_control(self) -> None:
        web, db = self.lab.control("web"), self.lab.control("db")
        card, peer = WEB.nics[0], DB.nics[0]
        db.forget()
        web.flood(0, 1000, [frames.udp((card.mac, peer.mac), card.ip4, peer.ip4, 9100)])
        web.hold(1, peer.ip4, 7000)
        with Requests(self.lab, card.ip4) as requests, Session(self.lab, card.ip4, 7000) as session:
            time.sleep(1)
            seconds = migrate(self.lab, "web", "A", "B")
            time.sleep(1)
            asked, held = requests.stop(), session.stop()
        self.assertEqual(self.lab.where("web"), {"B": "running"})
        web = self.lab.control("web")
        sent, inner = web.stop(0)["sent"], web.stop(1)
        time.sleep(0.2)
        arrived = sum(r["n"] for r in db.seen(17, 9100))
        print(f"# move {seconds:.2f} s, gap {asked['max_gap_ms']} ms, session gap {held['max_gap_ms']} ms, "
              f"probe {arrived}/{sent}", file=sys.stderr)
        self.assertIsNone(held["broken"])
        self.assertFalse(inner["broken"])
        self.assertEqual(len(asked["boot_ids"]), 1)
        self.assertLess(asked["max_gap_ms"], 3000)
        self.assertGreater(sent, 1000)
        self.assertGreaterEqual(arrived, sent * 0.9)
        migrate(self.lab, "web", "B", "A")
        self.assertTrue(self.lab.control("web").ready())

    def test_switch_and_uplink_fail(self) -> None:
        with Requests(self.lab, WEB.nics[0].ip4) as requests:
            time.sleep(0.5)
            for cut, mend in ((("sw1",), ("sw1",)), (("A", "u2"), ("A", "u2"))):
                self.lab.cut(*cut)
                time.sleep(1)
                self.lab.mend(*mend)
                time.sleep(0.5)
            figures = requests.stop()
        print(f"# switch and uplink lost: longest gap {figures['max_gap_ms']} ms", file=sys.stderr)
        self.assertLess(figures["max_gap_ms"], 1500)
        self.assertLess(figures["silent_ms"], 500)

    def test_poor_host_is_mended(self) -> None:
        self.assertEqual(self.lab.spec.node("C").segments, ["front"])
        back = nic(14, "back").ip4
        self.lab.mend_segment("C", "back")
        self.lab.exec("C", ["ip", "addr", "add", "10.81.0.200/24", "dev", "back"])
        self.lab.exec("C", ["busybox", "ping", "-c1", "-W2", back])
        self.lab.mend_uplink("C", "u2")
        self.lab.cut("C", "u1")
        time.sleep(0.5)
        self.lab.exec("C", ["busybox", "ping", "-c1", "-W2", back])
        self.lab.mend("C", "u1")
        with self.assertRaisesRegex(LabError, "has segment back already"):
            self.lab.mend_segment("C", "back")

    def test_power_failure(self) -> None:
        lost = Guest("lost", (nic(50),))
        self.lab.boot("B", lost)
        self.lab.exec("B", ["touch", "/run/gone", "/var/lib/drover/kept"])
        before = [process_identity(p) for p in self.lab.node("B").pids()]
        self.lab.kill_host("B")
        self.assertGreater(len(before), 3)
        self.assertEqual([i for i in before if process_identity(int(i.split()[0])) == i], [])
        self.assertEqual(self.lab.where("lost"), {})
        begin = time.monotonic()
        self.lab.start_host("B")
        print(f"# host back after {time.monotonic() - begin:.2f} s", file=sys.stderr)
        self.assertEqual(self.lab.where("lost"), {"B": "shut off"})
        self.assertFalse(self.lab.path("B", "/run/gone").exists())
        self.assertTrue(self.lab.path("B", "/var/lib/drover/kept").exists())
        self.lab.exec("B", ["busybox", "ping", "-c1", "-W2", "10.71.0.1"])
        self.lab.virsh("B", "undefine", "lost")

    def test_hook_refuses(self) -> None:
        """A veto of the gate stops a move, its words reach the caller, and the guest runs on where it was."""
        script = ('#!/bin/sh\n[ "$2" != migrate ] || { echo "not cleared for $(hostname)" >&2; exit 1; }\n')
        for host in self.lab.hosts:  # inside a host /run is its own: the gate must be seen there
            inside = self.lab.path(host, "/etc/drover/gate")
            inside.write_text(script)
            inside.chmod(0o755)
        self.lab.install_hook(Path("/etc/drover/gate"))
        self.addCleanup(self.lab.install_hook, None)
        with self.assertRaisesRegex(LabError, "not cleared for B"):
            migrate(self.lab, "web", "A", "B")
        self.assertEqual(self.lab.where("web"), {"A": "running"})

    def test_cut_off_host_is_still_seen(self) -> None:
        self.lab.cut("A", "u1")
        self.lab.cut("A", "u2")
        try:
            self.assertEqual(self.lab.where("web"), {"A": "running"})
            self.assertTrue(self.lab.control("web").ready())
        finally:
            self.lab.mend("A", "u1")
            self.lab.mend("A", "u2")
        wait_for("the network", lambda: self.lab.control("web").can("ping", "10.80.0.254", timeout_ms=300), 5)

    def test_daemons(self) -> None:
        lab = self.lab
        lab.spawn("A", "sleeper", ["sh", "-c", "id -u; exec sleep 1000"], uid=NOBODY)
        wait_for("its word", lambda: lab.log("A", "sleeper") == f"{NOBODY}\n", 3)
        with self.assertRaisesRegex(LabError, "runs already"):
            lab.spawn("A", "sleeper", ["true"])
        with self.assertRaisesRegex(LabError, "/no/such: .*No such file"):
            lab.spawn("A", "nothing", ["/no/such"])
        self.assertEqual(lab.kill("A", "sleeper"), -signal.SIGKILL)
        lab.spawn("A", "again", ["sh", "-c", "exit 3"], respawn=True)
        wait_for("a second start", lambda: lab.daemons("A")["again"]["starts"] >= 2, 3)
        lab.kill("A", "again")
        # the uplink watcher is one that must survive
        pid = lab.daemons("A")["uplink"]["pid"]
        lab.exec("A", ["kill", "-9", str(pid)])
        wait_for("another watcher", lambda: lab.daemons("A")["uplink"]["starts"] == 2, 3)

    def test_certificates(self) -> None:
        pki = self.lab.path("A", "/etc/drover/pki")
        self.assertEqual(sorted(p.name for p in pki.iterdir()),
                         ["agent-A.key", "agent-A.pem", "ca.pem", "seal.pub"])
        for name in ("mapd", "control", "operator", "sensor", "agent-C"):
            done = subprocess.run(["openssl", "verify", "-CAfile", str(self.lab.dir / "pki/ca.pem"),
                                   str(self.lab.dir / f"pki/{name}.pem")], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)


@unittest.skipIf(preflight.missing(), "no lab here: " + "; ".join(preflight.missing()))
class TraceTest(unittest.TestCase):
    def test_two_side_by_side_and_no_trace(self) -> None:
        with Lab.up(spec=make_spec(1)) as one:
            with Lab.up(spec=make_spec(1)) as two:
                self.assertNotEqual(one.id, two.id)
            self.assertEqual(traces(two.id, two.dir), [])
            self.assertTrue(one.virsh("A", "list").stdout)
            self.assertNotEqual(traces(one.id, one.dir), [], "this check can fail")
        self.assertEqual(traces(one.id, one.dir), [])

    def test_down_after_a_killed_up(self) -> None:
        """SIGKILL at several moments of `lab up`: `lab down` cleans up from another process."""
        for delay in (0.1, 0.2, 0.35, 0.5):
            before = set(registry.labs())
            up = subprocess.Popen([LAB, "up", "--hosts", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_for("registration", lambda: bool(set(registry.labs()) - before) or up.poll() is not None, 10, 0.005)
            lab_id = (set(registry.labs()) - before).pop()
            directory = registry.labs()[lab_id]
            time.sleep(delay)
            up.kill()
            up.wait()
            done = subprocess.run([LAB, "down", "--lab", lab_id], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, f"killed after {delay} s: {done.stderr}")
            self.assertEqual(traces(lab_id, directory), [], f"killed after {delay} s")

    def test_failed_up_leaves_nothing(self) -> None:
        before = set(registry.labs())
        with self.assertRaises(LabError):
            Lab.up(spec=make_spec(1), hook=None, directory=Path("/proc/none"))
        self.assertEqual(set(registry.labs()), before)


class MessageTest(unittest.TestCase):
    def test_without_root(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("needs root to give it up")
        done = subprocess.run(["/usr/bin/python3", "-c", "import sys; sys.path.insert(0, sys.argv[1])\n"
                               "from drover_lab import preflight; print(preflight.missing())", str(ROOT / "lab")],
                              capture_output=True, text=True, check=False, user=NOBODY)
        self.assertIn("needs root", done.stdout, done.stderr)

    def test_status_is_json(self) -> None:
        done = subprocess.run([LAB, "check", "--json"], capture_output=True, text=True, check=False)
        self.assertIn("missing", json.loads(done.stdout))


if __name__ == "__main__":
    unittest.main()
