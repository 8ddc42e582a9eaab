"""The command line `lab`: one row per verb, each a function that takes the parsed arguments."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from . import preflight, registry
from .guest import Guest, nic
from .lab import CACHE, Lab
from .spec import make_spec
from .util import LabError


def say(args: argparse.Namespace, text: str, value: object) -> None:
    print(json.dumps(value) if args.json else text)


def check(args: argparse.Namespace) -> int:
    lacks = preflight.missing()
    say(args, "\n".join(f"missing: {m}" for m in lacks) or "nothing is missing", {"missing": lacks})
    return 1 if lacks else 0


def up(args: argparse.Namespace) -> int:
    lab = Lab.up(args.dir, make_spec(args.hosts, args.uniform), args.hook)
    text = f"lab {lab.id} is up in {sum(lab.timing.values()):.1f} s: hosts {' '.join(lab.hosts)}, directory {lab.dir}"
    say(args, text, lab.status() | {"timing": lab.timing})
    return 0


def down(args: argparse.Namespace) -> int:
    begin = time.monotonic()
    which = list(registry.labs()) if args.all else [args.lab]
    if not (args.purge and not registry.labs()):
        for lab_id in which:
            Lab.remove(lab_id)
    if args.purge and not registry.labs():
        shutil.rmtree(CACHE, ignore_errors=True)
    seconds = round(time.monotonic() - begin, 3)
    say(args, f"down in {seconds:.1f} s", {"timing": {"down": seconds}})
    return 0


def status(args: argparse.Namespace) -> int:
    state = Lab.open(args.lab).status()
    rows = [f"lab {state['id']}  {state['dir']}"]
    for n in state["nodes"]:
        daemons = " ".join(d for d, row in n["daemons"].items() if row["exit"] is None)
        where = f"{n['address']:<13}uplink {n.get('active_uplink') or '-':<4}of {' '.join(n['uplinks']):<7}"
        rows.append(f"{n['name']:<8}{'up' if n['up'] else 'down':<6}{where}"
                    f"segments {' '.join(n['segments']) or '-':<11} {daemons}")
    say(args, "\n".join(rows), state)
    return 0


def enter(args: argparse.Namespace) -> int:
    node = Lab.open(args.lab).node(args.host)
    argv = node.enter(args.command or [os.environ.get("SHELL", "/bin/sh")])
    os.execvp(argv[0], argv)


def virsh(args: argparse.Namespace) -> int:
    argv = Lab.open(args.lab).virsh_argv(args.host, *args.command)
    os.execvp(argv[0], argv)


def boot(args: argparse.Namespace) -> int:
    guest = Guest(args.name, (nic(args.number),), relay=7000)
    seconds = Lab.open(args.lab).boot(args.host, guest)
    card = guest.nics[0]
    say(args, f"{args.name} answers after {seconds:.1f} s: {' '.join(card.addresses)}, http 80, sessions 7000",
        {"name": args.name, "uuid": guest.uuid, "mac": card.mac, "addresses": card.addresses, "seconds": seconds})
    return 0


def ask(args: argparse.Namespace) -> int:
    answer = Lab.open(args.lab).control(args.guest).ask(args.verb, *args.words)
    print(json.dumps({k: v for k, v in answer.items() if k != "id"}))
    return 0 if answer["ok"] else 1


def kill(args: argparse.Namespace) -> int:
    Lab.open(args.lab).kill_host(args.host)
    return 0


def start(args: argparse.Namespace) -> int:
    Lab.open(args.lab).start_host(args.host)
    return 0


def cut(args: argparse.Namespace) -> int:
    Lab.open(args.lab).cut(args.target, args.uplink)
    return 0


def mend(args: argparse.Namespace) -> int:
    """Repairs what was cut, and adds the segment or uplink that a host lacks."""
    lab = Lab.open(args.lab)
    lab.supply(args.target, args.uplink)
    return 0


Verb = tuple[Callable[[argparse.Namespace], int], str, list[tuple[list[str], dict]]]
REST = {"nargs": argparse.REMAINDER, "metavar": "CMD"}
VERBS: dict[str, Verb] = {
    "check": (check, "say what this machine lacks for a lab", []),
    "up": (up, "raise a lab", [
        (["--dir"], {"type": Path, "help": "its directory (default /run/drover-lab-ID)"}),
        (["--hosts"], {"type": int, "default": 3, "help": "number of hypervisors (default 3)"}),
        (["--uniform"], {"action": "store_true", "help": "host C like the others: two uplinks, both segments"}),
        (["--hook"], {"type": Path, "help": "program to be libvirt's qemu hook on every host"})]),
    "down": (down, "remove a lab without trace", [
        (["--all"], {"action": "store_true", "help": "every lab"}),
        (["--purge"], {"action": "store_true", "help": "with the last one, also the cache of guest images"})]),
    "status": (status, "what stands and runs", []),
    "exec": (enter, "run a command inside a node", [(["host"], {}), (["command"], REST)]),
    "virsh": (virsh, "virsh against a host", [(["host"], {}), (["command"], REST)]),
    "boot": (boot, "define and start a guest on segment front", [
        (["host"], {}), (["name"], {}),
        (["number"], {"type": int, "help": "1 to 200: 10.80.0.N and fd80::N (hexadecimal)"})]),
    "ask": (ask, "ask the agent in a guest: ping IP MS, tcp IP PORT MS, seen, run CMD... (lab/guest/agent.h)", [
        (["guest"], {}), (["verb"], {}), (["words"], {"nargs": argparse.REMAINDER})]),
    "kill": (kill, "power failure of a host", [(["host"], {})]),
    "start": (start, "power a host on again", [(["host"], {})]),
    "cut": (cut, "cut HOST UPLINK, or a whole switch", [(["target"], {}), (["uplink"], {"nargs": "?"})]),
    "mend": (mend, "mend HOST UPLINK|SEGMENT, or a switch", [(["target"], {}), (["uplink"], {"nargs": "?"})]),
}


def parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print JSON")
    common.add_argument("--lab", metavar="ID", help="which lab (default: $DROVER_LAB, or the only one)")
    top = argparse.ArgumentParser(prog="lab", description="hypervisors, switches and guests on one machine")
    verbs = top.add_subparsers(metavar="VERB", required=True)
    for name, (function, text, options) in VERBS.items():
        verb = verbs.add_parser(name, help=text, description=text, parents=[common])
        verb.set_defaults(function=function)
        for flags, settings in options:
            verb.add_argument(*flags, **settings)
    return top


def main() -> int:
    args = parser().parse_args()
    try:
        return args.function(args)
    except LabError as e:
        print(f"lab: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
