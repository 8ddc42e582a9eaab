"""A guest as a value, and the libvirt domain that it becomes.

The domain is the same on every host: kernel and initrd lie in the shared cache, the control socket and the console
log at paths that each host has for itself. So it can be migrated without a change.
"""

from __future__ import annotations

import dataclasses
import uuid as uuidlib
from xml.sax.saxutils import escape, quoteattr

from .image import Image

CONTROL_NAME = "drover.lab"  # of the virtio port, as the guest sees it
MACHINE = "pc-q35-7.2"
NETWORK = uuidlib.UUID("d20e1ab0-0000-4000-8000-000000000000")


@dataclasses.dataclass(frozen=True)
class Nic:
    """One network card: the segment it attaches to, its MAC, its addresses as IP/PREFIX-LENGTH."""

    segment: str
    mac: str
    addresses: tuple[str, ...]

    @property
    def tap(self) -> str:
        return "tap" + self.mac.replace(":", "")[-6:]

    @property
    def ip4(self) -> str:
        return next(a.partition("/")[0] for a in self.addresses if ":" not in a)

    @property
    def ip6(self) -> str:
        return next(a.partition("/")[0] for a in self.addresses if ":" in a)


def nic(number: int, segment: str = "front") -> Nic:
    """The card of guest NUMBER (1 to 200) on a segment, addressed by the lab's plan."""
    net = {"front": 0, "back": 1}[segment]
    return Nic(segment, f"52:54:00:d0:{net:02x}:{number:02x}",
               (f"10.8{net}.0.{number}/24", f"fd8{net}::{number:x}/64"))


@dataclasses.dataclass(frozen=True)
class Guest:
    """One virtual machine. `serve`: HTTP and UDP echo ports; `relay`: port of long sessions; `next`: the tier behind
    it, as (address, HTTP port); without one the guest answers /chain itself and echoes sessions."""

    name: str
    nics: tuple[Nic, ...]
    serve: tuple[int, ...] = (80,)
    relay: int | None = None
    next: tuple[str, int] | None = None
    memory_mib: int = 96
    metadata: str = ""  # XML that goes into the domain's <metadata>
    machine: str = MACHINE

    @property
    def uuid(self) -> str:
        return str(uuidlib.uuid5(NETWORK, self.name))

    def cmdline(self) -> str:
        cards = ";".join(",".join((n.mac, *n.addresses)) for n in self.nics)
        # An emulated guest pays for every barrier against speculation, and has none to fear.
        words = ["console=ttyS0", "quiet", "panic=-1", "mitigations=off",
                 f"drover.name={self.name}", f"drover.net={cards}"]
        if self.serve:
            words.append("drover.serve=" + ",".join(map(str, self.serve)))
        if self.relay:
            words.append(f"drover.relay={self.relay}")
        if self.next:
            words.append(f"drover.next={self.next[0]}:{self.next[1]}")
        return " ".join(words)

    def control_path(self) -> str:
        return f"/run/guests/{self.name}.sock"

    def console_path(self) -> str:
        return f"/var/log/libvirt/{self.name}.console"

    def xml(self, image: Image) -> str:
        cards = "".join(_NIC.format(bridge=quoteattr(n.segment), mac=n.mac, tap=n.tap) for n in self.nics)
        return _DOMAIN.format(name=escape(self.name), uuid=self.uuid, memory=self.memory_mib, machine=self.machine,
                              metadata=f"<metadata>{self.metadata}</metadata>" if self.metadata else "",
                              kernel=image.kernel, initrd=image.initrd, cmdline=escape(self.cmdline()), nics=cards,
                              console=quoteattr(self.console_path()), control=quoteattr(self.control_path()),
                              port=CONTROL_NAME)


_NIC = """
    <interface type='bridge'>
      <source bridge={bridge}/><mac address='{mac}'/><target dev='{tap}'/><model type='virtio'/><rom enabled='no'/>
    </interface>"""

# TCG always: nested KVM is not to be had everywhere. A small store of translated code saves some 40 MB a guest.
_DOMAIN = """<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  {metadata}
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <os>
    <type arch='x86_64' machine='{machine}'>hvm</type>
    <kernel>{kernel}</kernel>
    <initrd>{initrd}</initrd>
    <cmdline>{cmdline}</cmdline>
  </os>
  <features><acpi/><tcg><tb-cache unit='MiB'>32</tb-cache></tcg></features>
  <cpu mode='custom' match='exact' check='none'><model fallback='forbid'>qemu64</model></cpu>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>destroy</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>{nics}
    <serial type='file'><source path={console}/><target port='0'/></serial>
    <channel type='unix'>
      <source mode='bind' path={control}/><target type='virtio' name='{port}'/>
    </channel>
    <memballoon model='none'/>
  </devices>
</domain>
"""
