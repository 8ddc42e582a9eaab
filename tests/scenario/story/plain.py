"""The shop's twins that nobody protects: same image, memory and work. What a move is measured against."""

from __future__ import annotations

from drover_lab.guest import Guest, nic

_DB = Guest("plain-db1", (nic(64, "back"),), serve=(5432,), relay=7000)
_APP = Guest("plain-app1", (nic(63), nic(63, "back")), serve=(8080,), relay=7000, next=(_DB.nics[0].ip4, 5432))
WEB1 = Guest("plain-web1", (nic(61),), relay=7000, next=(_APP.nics[0].ip4, 8080))
WEB2 = Guest("plain-web2", (nic(62),), relay=7000, next=(_APP.nics[0].ip4, 8080))
PLAIN = (WEB1, WEB2, _APP, _DB)
