"""The libvirtd of a simulated hypervisor: its private directories and its settings.

libvirt's TCP socket listens on the underlay address without authentication: the underlay exists only inside the lab's
own namespaces. Keepalive 1 x 3 notices a cut cable within 4 s. An agent moves several machines at once over one
connection, each with a call that lasts as long as the move: libvirt's five calls at a time are too few. Relabelling and remembered owners are off, since a
host that is killed would leave their reference counts on shared kernel images.
"""

from __future__ import annotations

from pathlib import Path

from . import qemu
from .spec import Node

ARGV = ["/usr/sbin/libvirtd", "--listen", "--config", "/etc/libvirt/libvirtd.conf"]
DIRECTORIES = {
    "etc-libvirt": "/etc/libvirt", "lib-libvirt": "/var/lib/libvirt", "log-libvirt": "/var/log/libvirt",
    "swtpm-log": "/var/log/swtpm", "swtpm-ca": "/var/lib/swtpm-localca",
}
# What runs for every qemu event until install_hook() puts the real gate in its place. It must exist before libvirtd
# starts, for libvirtd looks only then.
NO_GATE = "#!/bin/sh\nexit 0\n"


def binds(directory: Path, cache: Path) -> dict[str, str]:
    rows = {str(directory / source): target for source, target in DIRECTORIES.items() if Path(target).is_dir()}
    # Shared by all hosts: probing QEMU's capabilities takes 1.6 s, reading the result 0.07 s.
    rows[str(cache / "libvirt")] = "/var/cache/libvirt"
    return rows | qemu.binds(cache)


def configure(directory: Path, node: Node, uuid: str) -> None:
    etc = directory / "etc-libvirt"
    for sub in ("hooks", "qemu"):
        (etc / sub).mkdir(exist_ok=True)
    (etc / "libvirtd.conf").write_text(f'''listen_tls = 0
listen_tcp = 1
listen_addr = "{node.address}"
auth_tcp = "none"
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_rw_perms = "0777"
host_uuid = "{uuid}"
keepalive_interval = 1
keepalive_count = 3
max_client_requests = 100
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
''')
    (etc / "qemu.conf").write_text(f'''user = "root"
group = "root"
security_driver = "none"
namespaces = []
cgroup_controllers = []
dynamic_ownership = 0
remember_owner = 0
stdio_handler = "file"
migration_host = "{node.address}"
migration_address = "0.0.0.0"
swtpm_user = "root"
swtpm_group = "root"
keepalive_interval = 1
keepalive_count = 3
''')
    hook = etc / "hooks" / "qemu"
    if not hook.exists():
        install_hook(directory, NO_GATE)


def install_hook(directory: Path, script: str) -> None:
    """Make SCRIPT the host's qemu hook, atomically, for libvirtd may run it at any moment."""
    hooks = directory / "etc-libvirt" / "hooks"
    new = hooks / ".qemu.new"
    new.write_text(script)
    new.chmod(0o755)
    new.rename(hooks / "qemu")
