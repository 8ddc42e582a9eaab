"""A machine emulated on this one, for what needs a kernel or an init of its own: its serial console, line by line."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

# Without hardware virtualization, on a busy machine: a late timer is not a broken one.
WORDS = "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off random.trust_cpu=on no_timer_check"


def console(vmlinuz: Path, initrd: Path, seconds: float, *options: str, words: str = "") -> Iterator[str]:
    """Boots a kernel and yields what its console says, stripped, until the machine is off. It is switched off after so
    many seconds, or when nobody reads on. OPTIONS go to QEMU, WORDS to the kernel."""
    argv = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-nodefaults", "-display", "none", "-no-reboot",
            "-serial", "stdio", "-kernel", str(vmlinuz), "-initrd", str(initrd), "-append", f"{WORDS} {words}"]
    if "-machine" not in options:
        argv += ["-machine", "q35"]
    with subprocess.Popen([*argv, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          errors="replace") as qemu:
        assert qemu.stdout
        timer = threading.Timer(seconds, qemu.kill)
        timer.start()
        try:
            yield from (line.strip() for line in qemu.stdout)
        finally:
            timer.cancel()
            qemu.kill()
