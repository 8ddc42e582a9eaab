"""The fabric: one network namespace per node and switch, cables between them, segments over them.

Each node has a bridge `ul` that holds exactly one of its uplinks u1 (to switch 1) and u2 (to switch 2); uplink.py
moves them when carrier is lost. A segment is a bridge fed by a VXLAN over `ul`. The switches are joined by a cable,
so that nodes on different switches still meet. Links are made in batches: a process for each would take seconds.
"""

from __future__ import annotations

from .spec import OUTSIDE, OUTSIDE_IP4, OUTSIDE_IP6, SEGMENT_MTU, SEGMENT_VNI, SWITCH_OF, SWITCHES, UNDERLAY_MTU, \
    Node, Spec
from .util import LabError, run

FLOOD_MAC = "00:00:00:00:00:00"
# A call that a dead host does not answer ends after 15 s, not 2 min, and a connection to it after 13 s, not 15 min
# (docs/operations.md).
PATIENCE = {"ipv4/tcp_syn_retries": 3, "ipv4/tcp_retries2": 5}


class Fabric:
    """The namespaces and links of one lab, named after its id."""

    def __init__(self, lab_id: str, spec: Spec) -> None:
        self.prefix = f"dl{lab_id}-"
        self.spec = spec

    def netns(self, name: str) -> str:
        return self.prefix + name.lower()

    def up(self) -> None:
        self._ip([f"netns add {self.netns(s)}" for s in SWITCHES])
        cable = f"netns {self.netns('sw1')} mtu {UNDERLAY_MTU} type veth peer name isl netns {self.netns('sw2')}"
        self._ip([f"link add name isl {cable} mtu {UNDERLAY_MTU}"])
        for switch in SWITCHES:
            self._ipv6(switch, "default", on=False)
            self._ip(["link set dev lo up", f"link add name br mtu {UNDERLAY_MTU} type bridge mcast_snooping 0",
                      "link set dev br up", "link set dev isl master br up"], switch)
        for node in self.spec.nodes:
            self.add_node(node)

    def add_node(self, node: Node) -> None:
        """Namespace, uplinks and segments of one node; the switches must stand."""
        self._ip([f"netns add {self.netns(node.name)}"])
        self._ipv6(node.name, "default", on=False)
        for name, value in PATIENCE.items():
            self._sysctl(node.name, name, value)
        # An address of its own: else the bridge takes one of its ports', which changes when the uplinks change.
        self._ip(["link set dev lo up",
                  f"link add name ul address 0a:71:00:00:00:{node.number:02x} mtu {UNDERLAY_MTU}"
                  " type bridge mcast_snooping 0",
                  f"addr add {node.address}/24 dev ul", "link set dev ul up"], node.name)
        for uplink in node.uplinks:
            self.add_uplink(node, uplink)
        for segment in node.segments:
            self.add_segment(node, segment)

    def remove_node(self, node: Node) -> None:
        """What a power failure does to a node's links and rules: they are gone."""
        for uplink in node.uplinks:  # now, not when the kernel gets round to it: the name is wanted again
            self._ip([f"link del p{node.number}"], SWITCH_OF[uplink])
        run(["ip", "netns", "del", self.netns(node.name)])

    def add_uplink(self, node: Node, uplink: str) -> None:
        """Plug a cable; only the first becomes a port of `ul` here, the watcher moves them later."""
        switch = SWITCH_OF[uplink]
        port = f"p{node.number}"
        # The kernel tells a lost carrier at once only if the index differs from the peer's, else within a second.
        index = 1000 + int(uplink[1:])
        self._ip([f"link add name {uplink} index {index} netns {self.netns(node.name)} mtu {UNDERLAY_MTU} type veth"
                  f" peer name {port} netns {self.netns(switch)} mtu {UNDERLAY_MTU}"])
        self._ip([f"link set dev {port} master br up"], switch)
        self._ip([f"link set dev {uplink} {'master ul ' if uplink == node.uplinks[0] else ''}up"], node.name)

    def add_segment(self, node: Node, segment: str) -> None:
        """A bridge named after the segment, its VXLAN, and the flood lists of all who share the segment."""
        vx = f"vx{SEGMENT_VNI[segment]}"
        self._ip([f"link add name {segment} mtu {SEGMENT_MTU} type bridge mcast_snooping 0",
                  f"link add name {vx} type vxlan id {SEGMENT_VNI[segment]} dstport 4789 local {node.address} dev ul",
                  f"link set dev {vx} mtu {SEGMENT_MTU} master {segment} up"], node.name)
        if not node.hypervisor:
            self._ipv6(node.name, segment, on=True)
        self._ip([f"link set dev {segment} up"], node.name)
        if node.name == OUTSIDE:
            self._ip([f"addr add {OUTSIDE_IP4}/24 dev {segment}", f"addr add {OUTSIDE_IP6}/64 dev {segment} nodad"],
                     node.name)
        others = [n for n in self.spec.on_segment(segment) if n is not node]
        self._bridge([f"fdb append {FLOOD_MAC} dev {vx} dst {n.address}" for n in others], node.name)
        for other in others:
            if self._exists(other, vx):
                self._bridge([f"fdb append {FLOOD_MAC} dev {vx} dst {node.address}"], other.name, again=True)

    def cut_uplink(self, node: Node, uplink: str) -> None:
        self._set_port(node, uplink, "down")

    def mend_uplink(self, node: Node, uplink: str) -> None:
        self._set_port(node, uplink, "up")

    def cut_switch(self, switch: str) -> None:
        """The whole switch dies: every cable in it loses carrier."""
        self._ip([f"link set dev {p} down" for p in self._ports(switch)], switch)

    def mend_switch(self, switch: str) -> None:
        self._ip([f"link set dev {p} up" for p in self._ports(switch)], switch)

    def namespaces(self) -> list[str]:
        """Those that exist now; also after a half-failed creation."""
        listed = run(["ip", "netns", "list"]).stdout.splitlines()
        return [name for line in listed if (name := line.split()[0]).startswith(self.prefix)]

    def down(self) -> None:
        for name in self.namespaces():
            run(["ip", "netns", "del", name])

    def _ports(self, switch: str) -> list[str]:
        return ["isl"] + [f"p{n.number}" for n in self.spec.nodes for u in n.uplinks
                          if SWITCH_OF[u] == switch and self.netns(n.name) in self.namespaces()]

    def _set_port(self, node: Node, uplink: str, state: str) -> None:
        if uplink not in node.uplinks:
            raise LabError(f"host {node.name} has no uplink {uplink}: it has {' '.join(node.uplinks)}")
        self._ip([f"link set dev p{node.number} {state}"], SWITCH_OF[uplink])

    def _exists(self, node: Node, link: str) -> bool:
        return run(["ip", "-n", self.netns(node.name), "link", "show", link], check=False).returncode == 0

    def _ipv6(self, where: str, link: str, on: bool) -> None:
        """IPv6 belongs to guests: a host's bridges, ports and taps stay silent in the segments that they carry."""
        self._sysctl(where, f"ipv6/conf/{link}/disable_ipv6", 0 if on else 1)

    def _sysctl(self, where: str, name: str, value: int) -> None:
        run(["ip", "netns", "exec", self.netns(where), "sh", "-c", f"echo {value} > /proc/sys/net/{name}"])

    def _ip(self, lines: list[str], where: str | None = None) -> None:
        inside = ["-n", self.netns(where)] if where else []
        run(["ip", *inside, "-batch", "-"], stdin="\n".join(lines) + "\n")

    def _bridge(self, lines: list[str], where: str, again: bool = False) -> None:
        force = ["-force"] if again else []
        run(["bridge", "-n", self.netns(where), *force, "-batch", "-"], stdin="\n".join(lines) + "\n",
            check=not again)


def underlay_hosts(spec: Spec) -> str:
    """The /etc/hosts that all nodes share."""
    rows = ["127.0.0.1 localhost"] + [f"{n.address} {n.name}" for n in spec.nodes]
    return "\n".join(rows) + "\n"
