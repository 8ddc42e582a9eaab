"""One running node: its private directory, its process 1, and the ways in.

The directory DIR/NAME holds what the node sees as /etc/libvirt, /run, /etc/drover and so on (BINDS). The node's
process 1 (nodeinit.py) is started by `unshare` inside the node's network namespace; killing that `unshare` is a power
failure.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from . import libvirtd
from .net import Fabric
from .spec import Node
from .util import LabError, run, wait_for

HERE = Path(__file__).resolve().parent
PYTHON = [sys.executable, "-I", "-S", "-B"]
# Private directory: where the node sees it. /run comes last, for it hides the lab's own directory.
BINDS = {"etc-drover": "/etc/drover", "lib-drover": "/var/lib/drover", "log": "/var/log/drover"}
ENTER = ("--mount", "--uts", "--ipc", "--net", "--pid")
# nsenter passes no signal on, and who kills it would wait for the output of a command that lives on.
WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")


def process_identity(pid: int) -> str:
    """PID and start time: a number used again by another process does not match. Empty if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else f"{pid} {fields[19]}"


class RunningNode:
    """A node whose links stand; start() gives it processes."""

    def __init__(self, directory: Path, fabric: Fabric, node: Node, cache: Path, uuid: str) -> None:
        self.dir = directory / node.name
        self.fabric = fabric
        self.node = node
        self.cache = cache
        self.uuid = uuid
        self._child: subprocess.Popen | None = None

    @property
    def name(self) -> str:
        return self.node.name

    def binds(self) -> dict[str, str]:
        rows = {str(self.dir / source): target for source, target in BINDS.items()}
        if self.node.hypervisor:
            rows |= libvirtd.binds(self.dir, self.cache)
        rows[str(self.dir.parent / "hosts")] = "/etc/hosts"
        rows[str(self.dir / "run")] = "/run"
        return rows

    def start(self) -> None:
        """Power on. /run is empty as after a boot; /etc, /var/lib and the logs are as they were."""
        if self.alive():
            raise LabError(f"{self.name} is up already")
        for source in self.binds():
            if not Path(source).is_file():
                Path(source).mkdir(parents=True, exist_ok=True)
        self._empty_run()
        for sub in ("lock", "drover", "guests"):
            (self.dir / "run" / sub).mkdir()
        daemons = [{"name": "uplink", "argv": [*PYTHON, str(HERE / "uplink.py"), self.node.address], "respawn": True}]
        if self.node.hypervisor:
            libvirtd.configure(self.dir, self.node, self.uuid)
            daemons.append({"name": "libvirtd", "argv": libvirtd.ARGV, "respawn": False})
        order = {"hostname": self.name, "binds": list(self.binds().items()), "daemons": daemons}
        (self.dir / "init.json").write_text(json.dumps(order))
        (self.dir / "init.sock").unlink(missing_ok=True)
        argv = ["ip", "netns", "exec", self.fabric.netns(self.name), "unshare", "--mount", "--uts", "--ipc", "--pid",
                "--fork", "--kill-child", "--propagation", "private", *PYTHON, str(HERE / "nodeinit.py"),
                str(self.dir)]
        with open(self.dir / "log" / "init.log", "ab") as log:
            self._child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                           start_new_session=True)
        (self.dir / "pid").write_text(process_identity(self._child.pid))

    def _empty_run(self) -> None:
        """As on every machine, /run is memory: libvirtd syncs its state there many times in each migration."""
        run_dir = self.dir / "run"
        if run_dir.is_mount():
            run(["umount", "--lazy", str(run_dir)])
        shutil.rmtree(run_dir)
        run_dir.mkdir()
        run(["mount", "-t", "tmpfs", "-o", "mode=755,size=64m", "drover-lab", str(run_dir)])

    def wait_ready(self, timeout: float = 20) -> None:
        """Until requests are served and, on a hypervisor, libvirtd listens."""
        wait_for(f"{self.name}: process 1 (see {self.dir}/log/init.log)", self._serving, timeout)
        if self.node.hypervisor:
            sock = self.dir / "run/libvirt/libvirt-sock"
            wait_for(f"{self.name}: libvirtd (see {self.dir}/log/libvirtd.log)", sock.exists, timeout)

    def alive(self) -> bool:
        return bool(self._recorded())

    def kill(self) -> None:
        """Power failure: every process of the node is dead when this returns."""
        # By identity, for one that is dying leaves its namespaces before it is dead.
        living = [process_identity(p) for p in self.pids()]
        pid = self._recorded()
        if pid:
            os.kill(pid, signal.SIGKILL)
        if self._child is not None:
            self._child.wait()
            self._child = None

        def dead() -> bool:
            return not self.pids() and not any(i and process_identity(int(i.split()[0])) == i for i in living)
        wait_for(f"{self.name}: end of its processes", dead, 10)

    def pids(self) -> list[int]:
        """All processes in the node's network namespace, as this machine numbers them."""
        done = subprocess.run(["ip", "netns", "pids", self.fabric.netns(self.name)], capture_output=True, text=True,
                              check=False)
        return [int(p) for p in done.stdout.split()]

    def enter(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs ARGV inside the node."""
        return ["nsenter", "--target", str(self.init_pid()), *ENTER, "--", *WITH_US, *argv]

    def init_pid(self) -> int:
        unshare = self._recorded()
        if not unshare:
            raise LabError(f"{self.name} is down")
        children = Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()
        if not children:
            raise LabError(f"{self.name} is still starting")
        return int(children[0])

    def request(self, **request: object) -> dict:
        """One request to the node's process 1 (nodeinit.py names them)."""
        with socket.socket(socket.AF_UNIX) as s, contextlib.ExitStack() as stack:
            s.settimeout(5)
            # Connect by descriptor: a socket's path may have no more than 107 bytes.
            fd = os.open(self.dir, os.O_RDONLY | os.O_DIRECTORY)
            stack.callback(os.close, fd)
            try:
                s.connect(f"/proc/self/fd/{fd}/init.sock")
            except OSError as e:
                raise LabError(f"{self.name} is down") from e
            s.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(s.makefile().readline())
        if "error" in answer:
            raise LabError(f"{self.name}: {answer['error']}")
        return answer

    def _serving(self) -> bool:
        try:
            self.request(op="list")
        except LabError:
            if self._child is not None and self._child.poll() is not None:
                raise LabError(f"{self.name}: process 1 ended: {self._last_words()}") from None
            return False
        return True

    def _last_words(self) -> str:
        lines = (self.dir / "log" / "init.log").read_text().strip().splitlines()
        return lines[-1] if lines else "without a word"

    def _recorded(self) -> int:
        """The pid of `unshare` if it still is that process, else 0."""
        try:
            identity = (self.dir / "pid").read_text()
        except OSError:
            return 0
        pid = int(identity.split()[0]) if identity else 0
        return pid if pid and process_identity(pid) == identity else 0
