#!/usr/bin/env python3
"""boot.py BUILD: install what was built on this Debian, as a machine of its own, and do what README.md says of real hosts.

The emulated machine's root is this one's (virtiofs, read-only), under a layer in memory that gets what `meson install`
would write and loses what this machine keeps of Drover and libvirt. So systemd, polkit, libvirtd and the kernel are
Debian's, and the units run under all that they ask for. newcomer.sh does it there and says TAP on the serial console.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "lab"))

from drover_lab.emulated import console  # noqa: E402
from drover_lab.image import BUSYBOX, S_IFDIR, S_IFLNK, S_IFREG, cpio, kernel, modules  # noqa: E402
from drover_lab.util import LabError, run, wait_for  # noqa: E402

SECONDS = 900  # for all: an emulated machine on a busy host
MEMORY = "1536M"
VIRTIOFSD = Path("/usr/lib/qemu/virtiofsd")
SYSTEMD = Path("/usr/lib/systemd/systemd")
SHARE = "usr/local/share/drover-newcomer"
FORGET = ".dockerenv etc/drover var/lib/drover* etc/libvirt/qemu etc/libvirt/hooks var/lib/libvirt etc/machine-id etc/fstab"
INIT = f"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t devtmpfs dev /dev
for module in /modules/*; do insmod $module; done
mkdir /lower /upper /new
mount -t virtiofs -o ro root /lower && mount -t tmpfs -o mode=0755 upper /upper && mkdir /upper/new /upper/work &&
mount -t overlay -o lowerdir=/lower,upperdir=/upper/new,workdir=/upper/work root /new || poweroff -f
cd /new && rm -rf {FORGET}; : > etc/machine-id; : > etc/fstab; mkdir -p etc/libvirt/qemu
for folder in run tmp var/tmp; do mount -t tmpfs -o mode=1777 $folder $folder; done
cp -a /stage/. /new/; cd /; umount /proc /dev
exec switch_root /new {SYSTEMD}
"""
UNIT = f"""[Unit]
Requires=sysinit.target
After=sysinit.target
[Service]
ExecStart=/bin/bash /{SHARE}/newcomer.sh /{SHARE}
ExecStopPost=/bin/systemctl poweroff --force --force
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
"""
Entry = tuple[str, int, bytes]


def installed(build: Path, stage: Path) -> None:
    """What `meson install` writes, and what the newcomer takes along."""
    run(["meson", "install", "-C", str(build), "--no-rebuild", "--quiet", "--destdir", str(stage)], timeout=300)
    if (stage / "lib").exists():  # a symlink on a Debian of today, through which a folder cannot be copied
        shutil.move(stage / "lib", stage / "usr/lib")
    share = stage / SHARE
    shutil.copytree(ROOT / "examples", share)
    shutil.copy(Path(__file__).with_name("newcomer.sh"), share)
    (stage / "etc/systemd/system").mkdir(parents=True)
    (stage / "etc/systemd/system/newcomer.service").write_text(UNIT)


def entries(version: str, stage: Path) -> Iterator[Entry]:
    for name in ("bin", "dev", "proc", "modules", "stage"):
        yield name, S_IFDIR | 0o755, b""
    yield "init", S_IFREG | 0o755, INIT.encode()
    yield "bin/busybox", S_IFREG | 0o755, BUSYBOX.read_bytes()
    for i, module in enumerate(modules(version, ("virtio_pci", "virtiofs", "overlay"))):
        yield f"modules/{i:02}-{module.name}", S_IFREG | 0o644, module.read_bytes()
    for path in sorted(stage.rglob("*")):
        name, mode = f"stage/{path.relative_to(stage)}", path.lstat().st_mode
        if stat.S_ISLNK(mode):
            yield name, S_IFLNK | 0o777, os.readlink(path).encode()
        elif stat.S_ISDIR(mode):
            yield name, S_IFDIR | 0o755, b""
        else:
            yield name, S_IFREG | (mode & 0o777), path.read_bytes()


@contextlib.contextmanager
def shared(scratch: Path) -> Iterator[Path]:
    """A socket where / is served, as a view that nobody can write through; what is mounted in / is not in it."""
    view, socket = scratch / "view", scratch / "socket"
    view.mkdir()
    serve = shlex.join([str(VIRTIOFSD), f"--socket-path={socket}", "-o", f"source={view}", "-o", "sandbox=chroot", "-o", "cache=always"])
    script = f"mount --bind / {view} && mount -o remount,ro,bind {view} && exec {serve}"
    with open(scratch / "virtiofsd.log", "w") as log, \
            subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-c", script], stdout=log, stderr=log) as server:
        try:
            wait_for("virtiofsd", lambda: socket.exists() or server.poll() is not None, 30)
            if server.poll() is not None:
                raise LabError(f"virtiofsd: {(scratch / 'virtiofsd.log').read_text().strip()}")
            yield socket
        finally:
            server.kill()


def boot(vmlinuz: Path, initrd: Path, socket: Path) -> int:
    """TAP of the machine; what else it says becomes a comment."""
    begin, planned, seen = time.monotonic(), None, 0
    options = ["-uuid", str(uuid.uuid4()), "-machine", "q35,memory-backend=memory", "-object", f"memory-backend-memfd,id=memory,size={MEMORY},share=on",
               "-m", MEMORY, "-cpu", "max", "-smp", "2", "-chardev", f"socket,id=root,path={socket}",
               "-device", "vhost-user-fs-pci,chardev=root,tag=root"]
    words = "systemd.unit=newcomer.service systemd.show_status=0 net.ifnames=0"
    for line in console(vmlinuz, initrd, SECONDS, *options, words=words):
        plan = re.fullmatch(r"1\.\.(\d+)", line)
        if plan:
            planned = int(plan[1])
        elif re.match(r"(not )?ok \d+ ", line):
            seen += 1
            print(line, flush=True)
        elif line:
            print(f"# {line}", flush=True)
    print(f"# {vmlinuz.name}: {time.monotonic() - begin:.0f} s")
    if planned != seen or not seen:
        seen += 1
        print(f"not ok {seen} packaging/all: {seen - 1} cases of {planned or 'the plan, which never came'}")
    print(f"1..{seen}", flush=True)
    return 0


def ready() -> Path:
    """The kernel to boot; an error says what this machine lacks."""
    if os.geteuid() != 0:
        raise LabError("needs root, to show this machine's files to another")
    for file in (VIRTIOFSD, SYSTEMD, BUSYBOX):
        if not file.exists():
            raise LabError(f"{file}: not installed")
    if SYSTEMD.stat().st_dev != Path("/").stat().st_dev:
        raise LabError("/usr is a file system of its own")
    return kernel()


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="drover-boot-") as folder, contextlib.ExitStack() as stack:
        scratch = Path(folder)
        try:
            vmlinuz = ready()
            socket = stack.enter_context(shared(scratch))
        except LabError as e:
            print(f"1..0 # SKIP {e}")
            return 0
        installed(Path(sys.argv[1]).resolve(), scratch / "stage")
        (scratch / "initrd").write_bytes(cpio(entries(vmlinuz.name.removeprefix("vmlinuz-"), scratch / "stage")))
        return boot(vmlinuz, scratch / "initrd", socket)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
