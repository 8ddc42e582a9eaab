#!/usr/bin/python3
"""Active-backup for the bridge `ul`, run inside a node: `uplink.py ADDRESS`.

Exactly one of u1 (preferred at start) and u2 is a port of `ul`: the current one as long as it has carrier, else the
other if that has. After a change a gratuitous ARP tells the switches where ADDRESS now is. Woken by the kernel's link
events and, should one be lost, by a timer; every wake-up decides from the present state alone, so no event order
matters. Needs no bonding driver, which some kernels lack.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import sys
import time

RTMGRP_LINK = 1
RTM_NEWLINK, NLM_F_REQUEST, NLM_F_ACK = 16, 1, 4
IFLA_MASTER = 10
ETH_P_ARP, ARP_REQUEST = 0x0806, 1
SIOCGIFHWADDR = 0x8927
BROADCAST = b"\xff" * 6
BRIDGE = "ul"
POLL_SECONDS = 0.2


def carrier(link: str) -> bool:
    try:
        with open(f"/sys/class/net/{link}/carrier", encoding="ascii") as f:
            return f.read().strip() == "1"
    except OSError:  # no such link, or it is administratively down
        return False


def enslaved(link: str) -> bool:
    return os.path.exists(f"/sys/class/net/{BRIDGE}/brif/{link}")


def set_master(link: str, master: int) -> None:
    """Make LINK a port of the bridge with index MASTER, or of none if 0 (rtnetlink)."""
    attribute = struct.pack("=HHI", 8, IFLA_MASTER, master)
    info = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, socket.if_nametoindex(link), 0, 0)
    body = info + attribute
    header = struct.pack("=IHHII", 16 + len(body), RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as s:
        s.send(header + body)
        error = struct.unpack_from("=i", s.recv(4096), 16)[0]
    if error:
        raise OSError(-error, f"{link}: master {master}: {os.strerror(-error)}")


def announce(address: str) -> None:
    """Three gratuitous ARP requests: one may be lost in the change."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        mac = fcntl.ioctl(s, SIOCGIFHWADDR, struct.pack("256s", BRIDGE.encode()))[18:24]
        ip = socket.inet_aton(address)
        arp = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, ARP_REQUEST, mac, ip, BROADCAST, ip)
        s.bind((BRIDGE, 0))
        for _ in range(3):
            s.send(BROADCAST + mac + struct.pack("!H", ETH_P_ARP) + arp)
            time.sleep(0.02)


def choose(current: str) -> str:
    other = "u2" if current == "u1" else "u1"
    return other if not carrier(current) and carrier(other) else current


def settle(current: str, address: str) -> str:
    """Bring the bridge into the wanted state and return the uplink that is now its port."""
    want = choose(current)
    other = "u2" if want == "u1" else "u1"
    if enslaved(want) and not enslaved(other):
        return want
    plug = not enslaved(want) and os.path.exists(f"/sys/class/net/{want}")
    if enslaved(other) and carrier(other):  # two live ports would close a loop through the switches
        set_master(other, 0)
    if plug:
        set_master(want, socket.if_nametoindex(BRIDGE))
        announce(address)
        print(f"{time.time():.3f} uplink now {want}", flush=True)
    if enslaved(other):
        set_master(other, 0)
    return want


def main() -> None:
    address = sys.argv[1]
    current = "u1" if enslaved("u1") else "u2" if enslaved("u2") else "u1"
    announce(address)  # after a power failure the switches may remember us elsewhere
    events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    events.bind((0, RTMGRP_LINK))
    events.settimeout(POLL_SECONDS)
    while True:
        try:
            current = settle(current, address)
        except OSError as e:  # a link vanished between look and deed: look again
            print(f"{time.time():.3f} {e}", flush=True)
        try:
            events.recv(65536)
        except (TimeoutError, OSError):  # nothing happened, or events were lost (ENOBUFS)
            continue


if __name__ == "__main__":
    main()
