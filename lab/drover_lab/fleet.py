"""Drover itself on a lab: the map server and control on the management node, enforcer and agent on every host.

    with Lab.up() as lab:
        fleet = Fleet(lab, Path("build/gcc"))
        fleet.start()
        fleet.drover("vapp", "import", fleet.package("shop"))
        fleet.order("vapp", "start", "shop", "--to", "A")

Everything is configured as on real hosts (files in /etc/drover, sockets in /run/drover), only smaller.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from .lab import CACHE, Lab
from .spec import MGMT, MGMT_ADDRESS, SWITCH_OF
from .util import LabError, wait_for

ROOT = Path(__file__).resolve().parents[2]
PORT = 8443
URL = f"https://{MGMT_ADDRESS}:{PORT}/"
PROGRAMS = {  # name: where the build puts it
    "drover": "src/drover",
    "drover-control": "src/drover-control",
    "drover-mapd": "src/map/drover-mapd",
    "drover-hostd": "src/host/drover-hostd",
    "drover-enforcer": "src/host/drover-enforcer",
    "drover-hook": "src/host/drover-hook",
    "drover-gate": "src/host/drover-gate",
}
AGENT_UID = 65534  # "nobody": the agent needs no root; libvirt wants a uid that has a name

# What the lab's guests need beside what their packages say: the way in for tests, which survives a migration.
CHANNEL = """    <channel type="unix"><source mode="bind" path="/run/guests/%s.sock"/>
      <target type="virtio" name="drover.lab"/></channel>
"""


class Fleet:
    """The daemons of one lab. start() may be called once; each daemon can be killed and started again by itself."""

    def __init__(self, lab: Lab, build: Path, offers: dict[str, int] | None = None) -> None:
        self.lab = lab
        self.offers = offers or {}  # host: MiB that it offers to guests
        self._install(build)

    def _install(self, build: Path) -> None:
        """Copies the programs to where the daemons' own accounts can run them: a checkout below /root is closed to them.
        What runs already keeps the file that it was started from."""
        programs = self.lab.programs
        programs.mkdir(parents=True, exist_ok=True)
        for name, path in PROGRAMS.items():
            if not (build / path).exists():
                raise LabError(f"{name} is not built in {build}")
            new = programs / f".{name}.{os.getpid()}"
            shutil.copyfile(build / path, new)
            new.chmod(0o755)
            new.rename(programs / name)

    def program(self, name: str) -> str:
        return str(self.lab.programs / name)

    # -- starting -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Everything up and talking: returns when every agent's host is in the map and enforces."""
        self.configure()
        self.start_mapd()
        for host in self.lab.hosts:
            self.start_host(host)
        self.start_control()
        wait_for("agents in the map", self._all_enforce, 20)
        self.drover("link", "sw1", "sw2")

    def _all_enforce(self) -> bool:
        done = self.drover("hosts", "--json", check=False)
        if done.returncode:
            return False
        up = [h for h in json.loads(done.stdout) if h["alive"] and h["host"]["enforcing"]]
        return len(up) == len(self.lab.hosts)

    def configure(self) -> None:
        self._write(MGMT, "mapd.conf", f"""[server]
address={MGMT_ADDRESS}
port={PORT}
certificate=/etc/drover/pki/mapd.pem
key=/etc/drover/pki/mapd.key
client-ca=/etc/drover/pki/ca.pem
store=/var/lib/drover/map.sqlite
rules=/etc/drover/mapd-rules.conf
[limits]
keep-alive=2
session-timeout=4
""")
        self._write(MGMT, "mapd-rules.conf", (ROOT / "packaging/mapd-rules.conf").read_text())
        self._write(MGMT, "devices.xml", CHANNEL)
        self._write(MGMT, "control.conf", f"""[map]
url = {URL}
[seal]
key = /etc/drover/pki/seal.key
public = /etc/drover/pki/seal.pub
[machines]
serial = /var/log/libvirt/%s.console
devices = /etc/drover/devices.xml
""")
        self._write(MGMT, "drover.conf", f"[map]\nurl = {URL}\n")
        for host in self.lab.hosts:
            self.configure_host(host)
        self.lab.install_hook(Path(self.program("drover-hook")))

    def configure_host(self, host: str) -> None:
        node = self.lab.host(host).node
        offer = f"memory_mib = {self.offers[host]}\n" if host in self.offers else ""
        uplinks = "".join(f"{uplink} = {SWITCH_OF[uplink]}\n" for uplink in SWITCH_OF)
        self._write(host, "hostd.conf", f"""[host]
name = {host}
site = {"south" if host == "B" else "north"}
libvirt_peer = {self.lab.uri(host)}
[map]
url = {URL}
cert = /etc/drover/pki/agent-{host}.pem
key = /etc/drover/pki/agent-{host}.key
[gate]
seal_key = /etc/drover/pki/seal.pub
[offer]
{offer}[segments]
front = front
back = back
[uplinks]
{uplinks}""")
        self.lab.give(node.name, f"/etc/drover/pki/agent-{host}.key", AGENT_UID)

    def start_mapd(self) -> None:
        self.lab.spawn(MGMT, "mapd", [self.program("drover-mapd"), "--config", "/etc/drover/mapd.conf"])

    def start_control(self) -> None:
        self.lab.spawn(MGMT, "control", [self.program("drover-control")])

    def start_host(self, host: str) -> None:
        self.start_enforcer(host)
        self.start_hostd(host)

    def start_enforcer(self, host: str) -> None:
        """As root, its socket open to the agent's group; its state in a folder that the agent cannot write."""
        state = self.lab.path(host, "/var/lib/drover") / "enforcer"
        state.mkdir(exist_ok=True)
        argv = [self.program("drover-enforcer"), "--state", "/var/lib/drover/enforcer/state.json"]
        self.lab.spawn(host, "enforcer", argv, gid=AGENT_UID)
        wait_for(f"{host}: enforcer", self.lab.path(host, "/run/drover/enforcer.sock").exists, 10)

    def start_hostd(self, host: str) -> None:
        for inside in ("/var/lib/drover", "/run/drover"):  # /run is new after a power failure
            os.chown(self.lab.path(host, inside), AGENT_UID, AGENT_UID)
        self.lab.spawn(host, "hostd", [self.program("drover-hostd")], uid=AGENT_UID)

    def _write(self, node: str, name: str, text: str) -> None:
        self.lab.path(node, f"/etc/drover/{name}").write_text(text)

    # -- using --------------------------------------------------------------------------------------------------------

    def drover(self, *words: str, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """The command line, as the operator on the management node."""
        return self.lab.exec(MGMT, [self.program("drover"), *words], check=check, timeout=timeout)

    def ask(self, *words: str, timeout: float = 60) -> object:
        """The command line's JSON answer, whatever its exit code."""
        done = self.drover(*words, "--json", check=False, timeout=timeout)
        try:
            return json.loads(done.stdout)
        except ValueError as e:
            raise LabError(f"drover {' '.join(words)}: {done.stderr.strip() or done.stdout}") from e

    def package(self, name: str) -> str:
        """An example package beside the lab's kernel and initrd, as an operator would have unpacked it."""
        image = self.lab.image()
        text = (ROOT / "examples" / name / f"{name}.ovf").read_bytes()
        # In the cache: every node sees it at the same path, and another version is another folder.
        folder = CACHE / "packages" / f"{name}-{hashlib.sha256(text + str(image).encode()).hexdigest()[:12]}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.ovf").write_bytes(text)
        for target, source in (("vmlinuz", image.kernel), ("initrd.gz", image.initrd)):
            if not (folder / target).exists():
                (folder / target).symlink_to(source)
        return str(folder / f"{name}.ovf")

    def guest(self, machine: str, host: str | None = None):  # noqa: ANN201
        """The way into a machine, "shop-web1"."""
        return self.lab.control(machine, host)

    def machines(self, vapp: str) -> dict[str, dict]:
        """Name of each machine of a vApp: its row in `drover vapp list --json`."""
        rows = self.ask("vapp", "list")
        return {m["name"]: m for v in rows if v["name"] == vapp for m in v["machines"]}  # type: ignore[union-attr]

    def verdict(self, vapp: str, host: str) -> dict:
        """The standing verdict: clear, reasons, changed, at-ms, since-ms."""
        return self.ask("plan", vapp, "--to", host)[0]  # type: ignore[index]
