"""What a lab consists of, as plain values: hosts, their uplinks and segments, names and addresses.

Underlay 10.71.0.0/24: host n has .n, the client machine "outside" .253, the management node .254.
Segments are VXLANs over it; "front" has 10.80.0.0/24 and fd80::/64, "back" 10.81.0.0/24 and fd81::/64.
"""

from __future__ import annotations

import dataclasses
import string

UPLINKS = ("u1", "u2")
SWITCHES = ("sw1", "sw2")
SWITCH_OF = {"u1": "sw1", "u2": "sw2"}
SEGMENT_VNI = {"front": 100, "back": 101}
UNDERLAY_MTU = 1600
SEGMENT_MTU = 1500
MGMT = "mgmt"
OUTSIDE = "outside"
MGMT_ADDRESS = "10.71.0.254"
OUTSIDE_IP4 = "10.80.0.254"
OUTSIDE_IP6 = "fd80::fe"


@dataclasses.dataclass
class Node:
    """Something with an address on the underlay: a hypervisor, the management node or the client machine."""

    name: str
    number: int
    uplinks: list[str]
    segments: list[str]
    hypervisor: bool = True

    @property
    def address(self) -> str:
        return f"10.71.0.{self.number}"


@dataclasses.dataclass
class Spec:
    """The whole lab. Changes as segments and uplinks are added; the registry keeps the current form."""

    nodes: list[Node]

    def node(self, name: str) -> Node | None:
        return next((n for n in self.nodes if n.name == name), None)

    def hosts(self) -> list[Node]:
        return [n for n in self.nodes if n.hypervisor]

    def on_segment(self, segment: str) -> list[Node]:
        return [n for n in self.nodes if segment in n.segments]

    def to_json(self) -> list[dict]:
        return [dataclasses.asdict(n) for n in self.nodes]

    @classmethod
    def from_json(cls, rows: list[dict]) -> Spec:
        return cls([Node(**row) for row in rows])


def make_spec(n_hosts: int = 3, uniform: bool = False) -> Spec:
    """Hosts A, B, C, ... plus mgmt and outside. The third host is the poor place of the story (one uplink, no
    segment "back") unless uniform."""
    if not 1 <= n_hosts <= 20:
        raise ValueError("a lab has 1 to 20 hosts")
    nodes = []
    for i, letter in enumerate(string.ascii_uppercase[:n_hosts], start=1):
        poor = letter == "C" and not uniform
        nodes.append(Node(letter, i, ["u1"] if poor else list(UPLINKS), ["front"] if poor else list(SEGMENT_VNI)))
    nodes.append(Node(OUTSIDE, 253, list(UPLINKS), ["front"], hypervisor=False))
    nodes.append(Node(MGMT, 254, list(UPLINKS), [], hypervisor=False))
    return Spec(nodes)
