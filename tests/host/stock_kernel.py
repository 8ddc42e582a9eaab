#!/usr/bin/env python3
"""stock_kernel.py ENFORCER TEST...: run TAP tests of the enforcer on the Debian kernel of /boot, in an emulated machine.

The kernel that this runs on may lack what a stock one has (conntrack of bridged packets), and the other way round. So
the machine's initramfs holds busybox, nft, ip, the modules, the enforcer and the tests; its init runs the tests as the
rows of RUNS say, on the serial console; what is said there becomes one TAP stream here. Needs no privileges.
"""

from __future__ import annotations

import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "lab"))

from drover_lab.emulated import console  # noqa: E402
from drover_lab.image import BUSYBOX, S_IFDIR, S_IFLNK, S_IFREG, cpio, kernel, modules  # noqa: E402
from drover_lab.util import LabError, run  # noqa: E402

SECONDS = 600  # for all: an emulated machine on a busy host; on an idle one it takes a minute
BY_REQUEST = "# SKIP by request (-s option)"  # GLib's words
TOOLS = ("nft", "ip")
# What modules are taken along, with those that they need; the kernel asks for them by itself, as it would on a host.
MODULES = ("veth", "bridge", "br_netfilter", "8021q", "nf_tables", "nf_conntrack_bridge", "nf_conntrack_netlink", "nfnetlink_log",
           "nft_ct", "nft_log", "nft_limit", "nft_meta_bridge", "nft_reject_inet")
# Name of a run: the back end that must be chosen there, what is done before, which tests with which options.
RUNS = {
    "bridge-ct": ("bridge-ct", ":", {"test-enforce-netns": "-s /enforce/netns/many", "test-enforce-traps": ""}),
    # On hosts with Docker and the like both look at bridged packets.
    "bridge-ct+br_netfilter": ("bridge-ct", "modprobe br_netfilter",
                               {"test-enforce-netns": "-p /enforce/netns/allowed", "test-enforce-traps": ""}),
}
INIT = """#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
echo 0 > /proc/sys/kernel/printk
{runs}
echo DROVER OFF
poweroff -f
"""
RUN = """echo "DROVER BEGIN {name}"
{before} && DROVER_ENFORCER=/bin/drover-enforcer DROVER_BACKEND={backend} /bin/{test} {options} 2>&1
echo "DROVER END {name} $?"
"""


def libraries(program: Path) -> list[Path]:
    """The shared objects that a program needs, its loader among them."""
    return [Path(p) for p in re.findall(r"(/\S+) \(0x", run(["ldd", str(program)]).stdout)]


def files(version: str, enforcer: Path, tests: list[Path]) -> Iterator[tuple[str, Path]]:
    """Where in the machine, and where here."""
    programs = {"bin/drover-enforcer": enforcer, **{f"bin/{test.name}": test for test in tests}}
    for tool in TOOLS:
        found = run(["which", tool], check=False).stdout.strip()
        if not found:
            raise LabError(f"{tool}: not installed")
        programs[f"bin/{tool}"] = Path(found)
    yield from programs.items()
    yield "bin/busybox", BUSYBOX
    for library in sorted({lib for program in programs.values() for lib in libraries(program)}):
        yield str(library).lstrip("/"), library
    for module in modules(version, MODULES):
        yield str(module).lstrip("/"), module
    for index in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        yield f"lib/modules/{version}/{index}", Path("/lib/modules") / version / index


def archive(version: str, enforcer: Path, tests: list[Path], scratch: Path) -> bytes:
    """The initramfs, in the cpio "newc" format."""
    held = dict(files(version, enforcer, tests))
    for name, path in held.items():
        if name.startswith("lib/modules/"):
            (scratch / name).parent.mkdir(parents=True, exist_ok=True)
            (scratch / name).symlink_to(path)
    run(["depmod", "-b", str(scratch), version])
    held |= {f"lib/modules/{version}/{p.name}": p for p in (scratch / "lib/modules" / version).glob("modules.*")}
    folders = {str(p): None for name in held for p in reversed(Path(name).parents) if str(p) != "."}
    entries = [(name, S_IFDIR | 0o755, b"") for name in (*folders, "proc", "sys", "dev", "tmp", "sbin")]
    entries += [(name, S_IFREG | 0o755, path.read_bytes()) for name, path in held.items()]
    entries += [(f"bin/{applet}", S_IFLNK | 0o777, b"busybox") for applet in run([str(BUSYBOX), "--list"]).stdout.split()
                if f"bin/{applet}" not in held]
    entries.append(("sbin/modprobe", S_IFLNK | 0o777, b"../bin/busybox"))
    runs = "".join(RUN.format(name=name, backend=backend, before=before, test=test, options=options)
                   for name, (backend, before, tests_of) in RUNS.items() for test, options in tests_of.items())
    entries.append(("init", S_IFREG | 0o755, INIT.format(runs=runs).encode()))
    return cpio(entries)


class Tap:
    """Makes one stream of the runs: numbers them anew and says which run a case is of."""

    def __init__(self) -> None:
        self.n = 0
        self.name = ""
        self.seen = self.planned = 0
        self.ended: list[str] = []

    def say(self, good: bool, what: str) -> None:
        self.n += 1
        print(f"{'' if good else 'not '}ok {self.n} {what}", flush=True)

    def end(self, status: str) -> None:
        if status != "0" or self.seen != self.planned or not self.seen:
            self.say(False, f"{self.name}/all: exit {status}, {self.seen} of {self.planned} cases")
        self.ended.append(self.name)
        self.name = ""

    def line(self, line: str) -> None:
        case = re.match(r"(not )?ok \d+ (.*)", line)
        plan = re.fullmatch(r"1\.\.(\d+)", line)
        mark = re.match(r"DROVER (BEGIN|END) (\S+) ?(\d*)", line)
        if mark and mark[1] == "BEGIN":
            self.name, self.seen, self.planned = mark[2], 0, 0
        elif mark:
            self.end(mark[3])
        elif plan:
            self.planned = int(plan[1])
        elif case:
            self.seen += 1
            if not case[2].endswith(BY_REQUEST):  # here nothing else is a reason to leave a case out
                self.say(not case[1] and "# SKIP" not in case[2], f"{self.name}{case[2].replace('# SKIP', 'skipped:')}")
        elif line:
            print(f"# {line.removeprefix('# ')}", flush=True)

    def finish(self) -> int:
        for name, (_, _, tests) in RUNS.items():
            if self.ended.count(name) != len(tests):
                self.say(False, f"{name}/all: did not come to its end")
        print(f"1..{self.n}", flush=True)
        return 0


def boot(vmlinuz: Path, initrd: Path) -> int:
    tap = Tap()
    begin = time.monotonic()
    for line in console(vmlinuz, initrd, SECONDS, "-cpu", "qemu64", "-m", "512", "-smp", "1"):
        tap.line(line)
    print(f"# {vmlinuz.name}: {time.monotonic() - begin:.0f} s")
    return tap.finish()


def main() -> int:
    enforcer, *tests = (Path(a).resolve() for a in sys.argv[1:])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        vmlinuz = kernel()
        run(["qemu-system-x86_64", "--version"])
        with tempfile.TemporaryDirectory(prefix="drover-vm-") as scratch:
            initrd = Path(scratch) / "initrd"
            initrd.write_bytes(archive(vmlinuz.name.removeprefix("vmlinuz-"), enforcer, tests, Path(scratch)))
            return boot(vmlinuz, initrd)
    except LabError as e:
        print(f"1..0 # SKIP {e}")
        return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
