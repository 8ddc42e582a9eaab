"""The guest image: Debian's cloud kernel and an initramfs of busybox, a few modules and the agent.

Made in about a second, kept under the cache by a hash of everything that goes in, so a changed source makes a new
image and an unchanged one is used again. The archive is written here (the cpio "newc" format), not unpacked first.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from .util import LabError, run

SOURCE = Path(__file__).resolve().parent.parent / "guest"
BUSYBOX = Path("/bin/busybox")
MODULES = ("virtio_pci", "virtio_net", "virtio_console")
CFLAGS = ("-std=gnu17", "-D_GNU_SOURCE", "-O2", "-static", "-Wall", "-Wextra")
S_IFDIR, S_IFREG, S_IFLNK = 0o040000, 0o100000, 0o120000


@dataclasses.dataclass(frozen=True)
class Image:
    """Paths that are the same on every host of every lab."""

    kernel: Path
    initrd: Path


def kernel() -> Path:
    """The newest cloud kernel in /boot, else the newest of any flavour."""
    def version(p: Path) -> list[int]:
        return [int(n) for n in re.findall(r"\d+", p.name)]
    found = sorted(Path("/boot").glob("vmlinuz-*"), key=lambda p: ("cloud" in p.name, version(p)))
    if not found:
        raise LabError("no kernel in /boot for the guests: install linux-image-cloud-amd64")
    return found[-1]


def modules(version: str, names: Sequence[str] = MODULES) -> list[Path]:
    """The files of these modules and of those that they need, in the order in which they must be loaded."""
    paths: dict[Path, None] = {}
    for module in names:
        shown = run(["modprobe", "-S", version, "--show-depends", module]).stdout
        for words in (line.split() for line in shown.splitlines()):
            if words[0] == "insmod":
                paths[Path(words[1])] = None
    return list(paths)


def build(cache: Path) -> Image:
    """The image, from the cache if nothing changed."""
    vmlinuz = kernel()
    drivers = modules(vmlinuz.name.removeprefix("vmlinuz-"))
    sources = sorted(p for p in SOURCE.iterdir() if p.suffix in (".c", ".h") or p.name == "init")
    digest = hashlib.sha256(" ".join(CFLAGS).encode())
    for path in (Path(__file__), vmlinuz, BUSYBOX, *drivers, *sources):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    where = cache / f"guest-{digest.hexdigest()[:16]}"
    image = Image(where / "vmlinuz", where / "initrd")
    if image.initrd.exists():
        return image
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="guest-new-") as scratch:
        new = Path(scratch) / "image"
        new.mkdir(mode=0o755)
        agent = Path(scratch) / "agent"
        run(["gcc", *CFLAGS, "-o", str(agent), *(str(s) for s in sources if s.suffix == ".c")], timeout=120)
        shutil.copyfile(vmlinuz, new / "vmlinuz")
        (new / "initrd").write_bytes(archive(agent, drivers))
        try:
            os.rename(new, where)
        except OSError:  # another lab built the same image meanwhile
            if not image.initrd.exists():
                raise
    return image


def archive(agent: Path, drivers: list[Path]) -> bytes:
    """The initramfs of a guest."""
    return cpio(_entries(agent, drivers))


def _entries(agent: Path, drivers: list[Path]) -> Iterator[tuple[str, int, bytes]]:
    for directory in ("bin", "dev", "modules", "proc", "sys", "tmp"):
        yield directory, S_IFDIR | 0o755, b""
    yield "init", S_IFREG | 0o755, (SOURCE / "init").read_bytes()
    yield "bin/agent", S_IFREG | 0o755, agent.read_bytes()
    yield "bin/busybox", S_IFREG | 0o755, BUSYBOX.read_bytes()
    for applet in run([str(BUSYBOX), "--list"]).stdout.split():
        if applet != "busybox":
            yield f"bin/{applet}", S_IFLNK | 0o777, b"busybox"
    for i, driver in enumerate(drivers):
        yield f"modules/{i:02}-{driver.name}", S_IFREG | 0o644, driver.read_bytes()


def cpio(entries: Iterable[tuple[str, int, bytes]]) -> bytes:
    """An initramfs of (name, mode, data), not compressed: unpacking would cost an emulated machine more than reading."""
    parts = [_member(inode, *entry) for inode, entry in enumerate(entries, start=1)]
    return b"".join([*parts, _member(0, "TRAILER!!!", 0, b"")])


def _member(inode: int, name: str, mode: int, data: bytes) -> bytes:
    """One member: 13 fields of 8 hex digits, the name, the data, each padded to 4 bytes."""
    path = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + path
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
