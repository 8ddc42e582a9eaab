"""Which labs exist on this machine, and what was made outside their own directories.

/run/drover-lab.d/ID holds the directory of lab ID; it is written before anything else and removed last, so that
`lab down` finds a lab whose creation was interrupted at any point. /run/drover-lab.d/mountpoints lists the
directories that had to be created because a mount needs something to stand on; the last lab to leave removes them.
All changes happen under one lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from .util import LabError

REGISTRY = Path("/run/drover-lab.d")
MADE = "mountpoints"
# A host covers these with directories of its own; on a machine without Drover or swtpm they may not exist.
MOUNT_POINTS = ("/etc/drover", "/var/lib/drover", "/var/log/drover")


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    lock = os.open(REGISTRY.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        REGISTRY.mkdir(mode=0o755, exist_ok=True)
        yield
    finally:
        os.close(lock)


def _ids() -> list[str]:
    if not REGISTRY.is_dir():
        return []
    return sorted(p.name for p in REGISTRY.iterdir() if p.name.isalnum() and p.name != MADE)


def register(directory: Path | None) -> tuple[str, Path]:
    """A fresh id and its (not yet existing) directory."""
    with _locked():
        made = REGISTRY / MADE
        known = made.read_text().split() if made.exists() else []
        missing = [m for m in MOUNT_POINTS if not Path(m).exists()]
        made.write_text("\n".join(known + missing) + "\n")
        for m in missing:
            Path(m).mkdir(mode=0o755)
        lab_id = secrets.token_hex(2)
        while (REGISTRY / lab_id).exists():
            lab_id = secrets.token_hex(2)
        where = directory.absolute() if directory else Path(f"/run/drover-lab-{lab_id}")
        if where.exists() and any(where.iterdir()):
            raise LabError(f"{where}: not empty: a lab needs a directory of its own")
        (REGISTRY / lab_id).write_text(f"{where}\n")
        return lab_id, where


def forget(lab_id: str) -> None:
    """Remove the entry; the last one also removes the mount points and the registry itself."""
    with _locked():
        (REGISTRY / lab_id).unlink(missing_ok=True)
        if _ids():
            return
        made = REGISTRY / MADE
        for m in made.read_text().split() if made.exists() else []:
            with contextlib.suppress(OSError):
                Path(m).rmdir()
        made.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            REGISTRY.rmdir()


def labs() -> dict[str, Path]:
    """Every registered lab and its directory."""
    return {i: Path((REGISTRY / i).read_text().strip()) for i in _ids()}


def find(which: str | None) -> tuple[str, Path]:
    """The lab named by its id or directory, or the only one there is."""
    known = labs()
    if which is None:
        if len(known) == 1:
            return next(iter(known.items()))
        names = ", ".join(known) or "none"
        raise LabError(f"which lab? {names} running: name one with --lab ID" if known else "no lab is running")
    for lab_id, where in known.items():
        if which == lab_id or Path(which).absolute() == where:
            return lab_id, where
    raise LabError(f"no lab {which}: running are {', '.join(known) or 'none'}")
