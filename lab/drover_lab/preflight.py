"""What this machine lacks for a lab, found by trying, in words a person can act on."""

from __future__ import annotations

import os
import shutil
import sys

from .util import run

# command: the Debian package that brings it
COMMANDS = {
    "ip": "iproute2", "bridge": "iproute2", "unshare": "util-linux", "nsenter": "util-linux",
    "setpriv": "util-linux",
    "virsh": "libvirt-clients", "libvirtd": "libvirt-daemon-system", "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static", "gcc": "build-essential", "modprobe": "kmod", "openssl": "openssl",
    "nft": "nftables",
}
NAMESPACES = "--net --mount --uts --ipc --pid --fork"
# What the fabric is made of, tried in a throw-away network namespace.
LINKS = {
    "veth": "ip link add name t0 type veth peer name t1",
    "bridge": "ip link add name t2 type bridge",
    "vxlan": "ip link add name t3 type vxlan id 1 dstport 4789 local 127.0.0.1",
    "tap": "ip tuntap add t4 mode tap",
}


def missing() -> list[str]:
    """One sentence for each thing that is missing; empty if a lab can run here."""
    if sys.platform != "linux":
        return ["not Linux"]
    if os.geteuid() != 0:
        return ["needs root (uid 0)"]
    found = [f"command {c} (Debian package {p})" for c, p in COMMANDS.items() if shutil.which(c) is None]
    if not any(name.startswith("vmlinuz-") for name in os.listdir("/boot")):
        found.append("a kernel for the guests in /boot (Debian package linux-image-cloud-amd64)")
    if found:
        return found
    if run(["unshare", *NAMESPACES.split(), "true"], check=False).returncode != 0:
        return ["this machine does not allow new namespaces (net, mount, uts, ipc, pid)"]
    for module in ("veth", "bridge", "vxlan", "tun", "br_netfilter"):
        run(["modprobe", "-q", module], check=False)  # on a stock kernel they are modules; built in elsewhere
    script = "\n".join(f"{cmd} >/dev/null 2>&1 || echo {kind}" for kind, cmd in LINKS.items())
    lacks = run(["unshare", "--net", "sh", "-c", script], check=False).stdout.split()
    return [f"kernel support for {kind} interfaces" for kind in lacks]
