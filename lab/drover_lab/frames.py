"""Raw frames for probes: what a guest that lies would send. Addresses are text, results are whole Ethernet frames."""

from __future__ import annotations

import ipaddress
import socket
import struct

BROADCAST = "ff:ff:ff:ff:ff:ff"
ETHERTYPE_IP4, ETHERTYPE_IP6, ETHERTYPE_ARP = 0x0800, 0x86DD, 0x0806
SYN = 0x02


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def _checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _packet(eth: tuple[str, str], src: str, dst: str, proto: int, body: bytes, checksum_at: int) -> bytes:
    """BODY with its checksum set, in IPv4 or IPv6, in a frame from eth[0] to eth[1]."""
    a, b = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    if proto == socket.IPPROTO_ICMP:
        pseudo = b""
    elif a.version == 4:
        pseudo = a.packed + b.packed + struct.pack("!BBH", 0, proto, len(body))
    else:
        pseudo = a.packed + b.packed + struct.pack("!II", len(body), proto)
    total = _checksum(pseudo + body)
    body = body[:checksum_at] + struct.pack("!H", total) + body[checksum_at + 2:]
    if a.version == 4:
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0x4000, 64, proto, 0, a.packed, b.packed)
        head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
        kind = ETHERTYPE_IP4
    else:
        head = struct.pack("!IHBB16s16s", 6 << 28, len(body), proto, 64, a.packed, b.packed)
        kind = ETHERTYPE_IP6
    return _mac(eth[1]) + _mac(eth[0]) + struct.pack("!H", kind) + head + body


def syn(eth: tuple[str, str], src: str, dst: str, dport: int, sport: int = 40000) -> bytes:
    """The first packet of a TCP connection; ETH is (source MAC, destination MAC)."""
    body = struct.pack("!HHIIBBHHH", sport, dport, 0x5EED, 0, 5 << 4, SYN, 64240, 0, 0)
    return _packet(eth, src, dst, socket.IPPROTO_TCP, body, 16)


def udp(eth: tuple[str, str], src: str, dst: str, dport: int, sport: int = 40000, data: bytes = b"drover") -> bytes:
    body = struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    return _packet(eth, src, dst, socket.IPPROTO_UDP, body, 6)


def ping(eth: tuple[str, str], src: str, dst: str) -> bytes:
    """An echo request of the addresses' family."""
    v6 = ":" in src
    body = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, 0x5EED, 1) + b"drover  "
    return _packet(eth, src, dst, socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP, body, 2)


def claim_ip4(mac: str, ip: str) -> bytes:
    """A gratuitous ARP: "IP is at MAC", to all."""
    address = socket.inet_aton(ip)
    arp = struct.pack("!HHBBH6s4s6s4s", 1, ETHERTYPE_IP4, 6, 4, 1, _mac(mac), address, bytes(6), address)
    return _mac(BROADCAST) + _mac(mac) + struct.pack("!H", ETHERTYPE_ARP) + arp


def claim_ip6(mac: str, ip: str) -> bytes:
    """An unsolicited neighbour advertisement: "IP is at MAC", to all nodes."""
    address = ipaddress.IPv6Address(ip).packed
    body = struct.pack("!BBHI16sBB6s", 136, 0, 0, 0x20000000, address, 2, 1, _mac(mac))
    frame = _packet((mac, "33:33:00:00:00:01"), ip, "ff02::1", socket.IPPROTO_ICMPV6, body, 2)
    return frame[:21] + b"\xff" + frame[22:]  # hop limit 255, else no receiver believes it
