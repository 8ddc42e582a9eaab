"""The lab as one object: what tests, the demo and the command line use.

    with Lab.up() as lab:                          # or Lab.open() for one that stands
        lab.define("A", Guest("web", ...)); lab.virsh("A", "start", "web")
        lab.spawn("A", "hostd", ["/usr/bin/drover-hostd"], uid=65534)
        lab.cut("A", "u1"); lab.kill_host("B"); lab.start_host("B")

Paths: `lab.path("A", "/run/drover/x")` is where the machine sees what host A sees as /run/drover/x.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from . import image, libvirtd, pki, preflight, registry
from .control import Control
from .guest import Guest
from .net import Fabric, underlay_hosts
from .node import RunningNode
from .spec import MGMT, SEGMENT_VNI, SWITCH_OF, SWITCHES, Node, Spec, make_spec
from .util import LabError, Stopwatch, mounts_below, run, wait_for

CACHE = Path(os.environ.get("DROVER_LAB_CACHE", "/var/cache/drover-lab"))


class Lab:
    """One running lab. Not safe for threads that change its shape; exec, virsh and guest control are."""

    def __init__(self, lab_id: str, directory: Path, spec: Spec, uuids: dict[str, str]) -> None:
        self.id = lab_id
        self.dir = directory
        self.programs = CACHE / "programs" / lab_id  # what runs on its nodes: all see it, under any account
        self.spec = spec
        self.uuids = uuids
        self.fabric = Fabric(lab_id, spec)
        self.timing: dict[str, float] = {}
        self._image: image.Image | None = None
        self._controls: dict[Path, Control] = {}
        self._nodes = {n.name: RunningNode(directory, self.fabric, n, CACHE, uuids[n.name]) for n in spec.nodes}

    # -- life ---------------------------------------------------------------------------------------------------------

    @classmethod
    def up(cls, directory: Path | None = None, spec: Spec | None = None, hook: Path | None = None) -> Lab:
        """Raise a lab; if that fails, nothing of it remains. HOOK becomes libvirt's qemu hook on every host."""
        lacks = preflight.missing()
        if lacks:
            raise LabError("this machine cannot run the lab: " + "; ".join(lacks))
        watch = Stopwatch()
        spec = spec or make_spec()
        lab_id, where = registry.register(directory)
        uuids = {n.name: f"d20e{lab_id}-0000-4000-8000-{n.number:012x}" for n in spec.nodes}
        lab = cls(lab_id, where, spec, uuids)
        try:
            lab._raise(watch, hook)
        except BaseException:
            lab.down()
            raise
        lab.timing = watch.seconds
        return lab

    @classmethod
    def open(cls, which: str | None = None) -> Lab:
        """The running lab with this id or directory (or DROVER_LAB, or the only one)."""
        lab_id, where = registry.find(which or os.environ.get("DROVER_LAB"))
        try:
            state = json.loads((where / "lab.json").read_text())
        except (OSError, ValueError) as e:
            raise LabError(f"lab {lab_id} was not raised whole: remove it with `lab down --lab {lab_id}`") from e
        return cls(lab_id, where, Spec.from_json(state["nodes"]), state["uuids"])

    @classmethod
    def remove(cls, which: str | None = None) -> None:
        """Take a lab down, also one whose creation or removal was interrupted."""
        lab_id, where = registry.find(which or os.environ.get("DROVER_LAB"))
        try:
            lab = cls.open(lab_id)
        except LabError:
            lab = cls(lab_id, where, Spec([]), {})
        lab.down()

    def down(self) -> None:
        """Leave no trace: processes, namespaces, mounts, files, registry entry. May be repeated."""
        for control in self._controls.values():
            control.close()
        for node in self._nodes.values():
            with contextlib.suppress(LabError, OSError):
                node.kill()
        self._kill_stragglers()
        self.fabric.down()
        for where in mounts_below(self.dir):
            run(["umount", "--lazy", where])
        for directory in (self.dir, self.programs):
            if directory.exists():
                shutil.rmtree(directory)
        registry.forget(self.id)

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def _raise(self, watch: Stopwatch, hook: Path | None) -> None:
        for directory in (self.dir, CACHE / "libvirt"):
            try:
                directory.mkdir(parents=True, exist_ok=True)
            except OSError as e:
                raise LabError(f"{directory}: cannot be made: {e.strerror}") from e
        self.dir.chmod(0o755)
        self.save()
        (self.dir / "hosts").write_text(underlay_hosts(self.spec))
        self.fabric.up()
        watch.lap("fabric")
        pki.issue_all(self.dir / "pki", self.spec, self.uuids)
        for node in self.spec.nodes:
            pki.distribute(self.dir / "pki", node.name, node.hypervisor, self.path(node.name, "/etc/drover/pki"))
        watch.lap("certificates")
        for node in self._nodes.values():
            node.start()
        if hook:
            self.install_hook(hook)
        for node in self._nodes.values():
            node.wait_ready()
        watch.lap("hosts")

    def _kill_stragglers(self) -> None:
        """End whatever still lives in this lab's network namespaces: only the lab's own processes can."""
        def living() -> list[int]:
            names = self.fabric.namespaces()
            return [int(p) for n in names for p in run(["ip", "netns", "pids", n], check=False).stdout.split()]
        for pid in living():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for(f"lab {self.id}: end of its processes", lambda: not living(), 10)

    def save(self) -> None:
        new = self.dir / ".lab.json"
        new.write_text(json.dumps({"id": self.id, "nodes": self.spec.to_json(), "uuids": self.uuids}))
        new.rename(self.dir / "lab.json")

    # -- nodes --------------------------------------------------------------------------------------------------------

    @property
    def hosts(self) -> list[str]:
        return [n.name for n in self.spec.hosts()]

    def node(self, name: str) -> RunningNode:
        """A node by its name in any case."""
        for known, node in self._nodes.items():
            if known.lower() == name.lower():
                return node
        raise LabError(f"no node {name}: there are {' '.join(self._nodes)}")

    def host(self, name: str) -> RunningNode:
        node = self.node(name)
        if not node.node.hypervisor:
            raise LabError(f"{node.name} is not a hypervisor: those are {' '.join(self.hosts)}")
        return node

    def path(self, name: str, inside: str) -> Path:
        """Where this machine sees the file that the node sees as INSIDE; only for the node's private directories."""
        for source, target in self.node(name).binds().items():
            if inside == target or inside.startswith(target + "/"):
                return Path(source + inside[len(target):])
        raise LabError(f"{inside}: not private to {name}, so the same everywhere")

    def give(self, name: str, inside: str, uid: int, gid: int | None = None) -> None:
        """Make UID the owner of a file or directory (and all in it) of the node."""
        top = self.path(name, inside)
        for path in (top, *top.rglob("*")):
            os.chown(path, uid, uid if gid is None else gid)

    def kill_host(self, name: str) -> None:
        """Power failure: processes, links, rules and /run are gone at once; /etc, /var/lib and logs stay."""
        node = self.host(name)
        for uplink in node.node.uplinks:  # before the kernel says goodbye for the processes, which no power failure does
            self.fabric.cut_uplink(node.node, uplink)
        node.kill()
        self.fabric.remove_node(node.node)

    def start_host(self, name: str) -> None:
        """Power on again: fresh kernel state, libvirtd running, no daemons, no guests."""
        node = self.host(name)
        if node.alive():
            raise LabError(f"{node.name} is up already")
        self.fabric.add_node(node.node)
        node.start()
        node.wait_ready()

    def install_hook(self, program: Path | None) -> None:
        """Make PROGRAM (an absolute path; None: allow all) the qemu hook of every host, from the next event on."""
        script = f'#!/bin/sh\nexec "{program}" "$@"\n' if program else libvirtd.NO_GATE
        for name in self.hosts:
            directory = self.node(name).dir
            (directory / "etc-libvirt/hooks").mkdir(parents=True, exist_ok=True)
            libvirtd.install_hook(directory, script)

    # -- guests -------------------------------------------------------------------------------------------------------

    def image(self) -> image.Image:
        """The guest image, built at first use."""
        if self._image is None:
            self._image = image.build(CACHE)
        return self._image

    def define(self, host: str, guest: Guest) -> None:
        self.exec(MGMT, ["virsh", "-c", self.uri(host), "define", "/dev/stdin"], stdin=guest.xml(self.image()))

    def boot(self, host: str, *guests: Guest, timeout: float = 60) -> float:
        """Define and start guests, wait until the agent in each answers; the seconds this took."""
        begin = time.monotonic()
        for guest in guests:
            self.define(host, guest)
            self.virsh(host, "start", guest.name)
        for guest in guests:
            control = self.control(guest.name, host)
            wait_for(f"guest {guest.name} on {host}", control.ready, timeout)
        return time.monotonic() - begin

    def where(self, domain: str) -> dict[str, str]:
        """The hosts that know a domain, each with libvirt's state of it ("running", "paused", "shut off", ...)."""
        found = {}
        for host in self.hosts:
            if self.node(host).alive():
                done = self.local_virsh(host, "domstate", domain, check=False)
                if done.returncode == 0:
                    found[host] = done.stdout.strip()
        return found

    def control(self, domain: str, host: str | None = None) -> Control:
        """The way to a guest's agent; without a host, wherever it runs now."""
        if host is None:
            running = [h for h, state in self.where(domain).items() if state == "running"]
            if len(running) != 1:
                raise LabError(f"{domain} runs on {' and '.join(running) or 'no host'}")
            host = running[0]
        path = self.path(host, f"/run/guests/{domain}.sock")
        return self._controls.setdefault(path, Control(path))

    # -- running things -----------------------------------------------------------------------------------------------

    def exec(self, name: str, argv: Sequence[str], *, check: bool = True, timeout: float = 60,
             stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command inside a node to its end."""
        return run(self.node(name).enter(argv), check=check, timeout=timeout, stdin=stdin)

    def send_signal(self, name: str, pid: str, what: str) -> None:
        """Send a signal ("TERM", "STOP") by a pid of the node. The shell's own kill: a minimal Debian has no other."""
        self.exec(name, ["sh", "-c", 'kill -s "$1" "$2"', "sh", what, pid], check=what != "TERM")

    def popen(self, name: str, argv: Sequence[str], **options: object) -> subprocess.Popen:
        """Start a command inside a node; OPTIONS as subprocess.Popen's."""
        return subprocess.Popen(self.node(name).enter(argv), **options)  # type: ignore[call-overload]

    def virsh(self, name: str, *args: str, check: bool = True,
              timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """virsh against a host's libvirtd, over TCP from the management node."""
        return run(self.virsh_argv(name, *args), check=check, timeout=timeout)

    def local_virsh(self, name: str, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """virsh inside the host, so also when all its cables are cut."""
        return self.exec(self.host(name).name, ["virsh", "-c", "qemu:///system", *args], check=check)

    def virsh_argv(self, name: str, *args: str) -> list[str]:
        return self.node(MGMT).enter(["virsh", "-k1", "-K3", "-c", self.uri(name), *args])

    def uri(self, name: str) -> str:
        return f"qemu+tcp://{self.host(name).node.address}/system"

    def spawn(self, name: str, daemon: str, argv: Sequence[str], *, uid: int = 0, gid: int | None = None,
              groups: Sequence[int] = (), env: dict[str, str] | None = None, respawn: bool = False) -> None:
        """Start a daemon inside a node; its output goes to /var/log/drover/DAEMON.log there."""
        self.node(name).request(op="spawn", name=daemon, argv=list(argv), uid=uid, gid=uid if gid is None else gid,
                                groups=list(groups), env=env or {}, respawn=respawn)

    def kill(self, name: str, daemon: str, sig: int = signal.SIGKILL, timeout: float = 10) -> int:
        """Send a signal to a daemon, wait for its end and return its exit code (negative: the signal)."""
        self.node(name).request(op="kill", name=daemon, signal=int(sig))
        wait_for(f"{name}: end of {daemon}", lambda: self.exit_code(name, daemon) is not None, timeout)
        code = self.exit_code(name, daemon)
        assert code is not None
        return code

    def daemons(self, name: str) -> dict:
        """The node's daemons: pid (as the node numbers them), exit code or None, number of starts."""
        return self.node(name).request(op="list")

    def exit_code(self, name: str, daemon: str) -> int | None:
        rows = self.daemons(name)
        if daemon not in rows:
            raise LabError(f"{name}: no daemon {daemon} was started here")
        return rows[daemon]["exit"]

    def log(self, name: str, daemon: str) -> str:
        return (self.node(name).dir / "log" / f"{daemon}.log").read_text(errors="replace")

    # -- faults and repairs -------------------------------------------------------------------------------------------

    def cut(self, target: str, uplink: str | None = None) -> None:
        """Cut one uplink of a node, or a whole switch."""
        self._break(target, uplink, mend=False)

    def mend(self, target: str, uplink: str | None = None) -> None:
        self._break(target, uplink, mend=True)

    def _break(self, target: str, uplink: str | None, mend: bool) -> None:
        if target in SWITCHES:
            (self.fabric.mend_switch if mend else self.fabric.cut_switch)(target)
            return
        node = self.node(target).node
        if uplink is None:
            raise LabError(f"which uplink of {target}? {' '.join(node.uplinks)}")
        (self.fabric.mend_uplink if mend else self.fabric.cut_uplink)(node, uplink)

    def supply(self, target: str, what: str | None = None) -> None:
        """Mend a switch or a cut uplink, or add the uplink or segment that the host lacks."""
        if what in SEGMENT_VNI:
            self.mend_segment(target, what)
        elif what in SWITCH_OF and what not in self.node(target).node.uplinks:
            self.mend_uplink(target, what)
        else:
            self.mend(target, what)

    def mend_segment(self, name: str, segment: str) -> None:
        """Give a host a segment that it lacks."""
        node = self.host(name).node
        if segment not in SEGMENT_VNI:
            raise LabError(f"no segment {segment}: there are {' '.join(SEGMENT_VNI)}")
        if segment in node.segments:
            raise LabError(f"{name} has segment {segment} already")
        node.segments.append(segment)
        self.fabric.add_segment(node, segment)
        self.save()

    def mend_uplink(self, name: str, uplink: str) -> None:
        """Give a host an uplink that it lacks (a cut one comes back with mend())."""
        node = self.host(name).node
        if uplink not in SWITCH_OF:
            raise LabError(f"no uplink {uplink}: there are {' '.join(SWITCH_OF)}")
        if uplink in node.uplinks:
            raise LabError(f"{name} has uplink {uplink} already")
        node.uplinks.append(uplink)
        self.fabric.add_uplink(node, uplink)
        self.save()

    # -- state --------------------------------------------------------------------------------------------------------

    def status(self) -> dict:
        """Everything a person or a script asks first."""
        return {"id": self.id, "dir": str(self.dir), "nodes": [self._node_status(n) for n in self.spec.nodes]}

    def _node_status(self, node: Node) -> dict:
        running = self.node(node.name)
        row = {"name": node.name, "address": node.address, "netns": self.fabric.netns(node.name),
               "uuid": self.uuids[node.name], "uplinks": node.uplinks, "segments": node.segments,
               "up": running.alive(), "daemons": {}}
        if running.alive():
            row["daemons"] = running.request(op="list")
            ports = run(["ip", "-n", self.fabric.netns(node.name), "-br", "link", "show", "master", "ul"]).stdout
            row["active_uplink"] = ports.split("@")[0].split()[0] if ports else None
        return row
