"""The program that hosts have in place of QEMU, so that a move does not corrupt emulated guests (lab/qemu.c says why)."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from .util import run

SOURCE = Path(__file__).resolve().parent.parent / "qemu.c"
QEMU = "/usr/bin/qemu-system-x86_64"
ASIDE = "/usr/bin/qemu-system-x86_64-microvm"  # of the same package: something for the real one to be mounted over
CFLAGS = ("-std=gnu17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra")


def build(cache: Path) -> Path:
    """The compiled program, from the cache if its source did not change."""
    digest = hashlib.sha256(SOURCE.read_bytes() + " ".join(CFLAGS).encode()).hexdigest()[:16]
    program = cache / f"qemu-{digest}"
    if not program.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="qemu-new-") as scratch:
            new = Path(scratch) / "qemu"
            run(["gcc", *CFLAGS, "-o", str(new), str(SOURCE)])
            os.rename(new, program)
    return program


def binds(cache: Path) -> dict[str, str]:
    """What a host mounts where; the real QEMU first."""
    if not Path(ASIDE).exists():
        return {}
    return {QEMU: ASIDE, str(build(cache)): QEMU}
