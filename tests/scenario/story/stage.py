"""What the pieces of the story share: the lab, the fleet on it, and how a piece is run and told."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from drover_lab.control import Control
from drover_lab.fleet import Fleet
from drover_lab.lab import Lab
from drover_lab.node import process_identity
from drover_lab.util import LabError, wait_for

OWNER = "story.pid"  # in the lab's directory: who tells the story there
OFFERS = {"C": 250}  # MiB; the bank fits there, the shop does not
SHOP = ("web1", "web2", "app1", "db1")
BANK = ("teller", "ledger")
ROOT_EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@dataclasses.dataclass
class Piece:
    """One assertion-sized part of a step."""

    step: int
    name: str
    title: str
    vital: bool  # nothing after it makes sense when it fails
    act: Callable[[Stage], str]


@dataclasses.dataclass
class Outcome:
    """What became of a piece."""

    piece: Piece
    ok: bool
    said: str  # the figures, or why it failed
    seconds: float


def piece(title: str, vital: bool = False) -> Callable:
    """Marks a function of a step's module as a piece."""
    def mark(act: Callable[[Stage], str]) -> Callable[[Stage], str]:
        act.piece = (title, vital)  # type: ignore[attr-defined]
        return act
    return mark


def pieces_of(module: ModuleType) -> list[Piece]:
    """The pieces of a step's module in the order in which they stand there."""
    return [Piece(module.STEP, name, *f.piece, f) for name, f in vars(module).items() if hasattr(f, "piece")]


class Stage:
    """One telling of the story. Owns the lab that step 1 raises; close() takes it down."""

    def __init__(self, build: Path, directory: Path | None = None) -> None:
        self.build = build
        self.directory = directory
        self._lab: Lab | None = None
        self._fleet: Fleet | None = None
        self._places: dict[str, str] = {}  # machine -> host, as last looked up
        self.figures: dict[str, float] = {}  # what the closing report shows
        self.plain_gap_ms = 0.0  # what the move is compared with
        self.under_load: dict = {}  # what the probes said of the move
        self.broken: Outcome | None = None

    @property
    def lab(self) -> Lab:
        if self._lab is None:
            raise LabError("there is no lab: step 1 did not come so far")
        return self._lab

    @property
    def fleet(self) -> Fleet:
        if self._fleet is None:
            raise LabError("the daemons were not started: step 1 did not come so far")
        return self._fleet

    def raise_lab(self) -> Lab:
        self._lab = Lab.up(self.directory)
        (self._lab.dir / OWNER).write_text(process_identity(os.getpid()))
        return self._lab

    def raise_fleet(self) -> Fleet:
        self._fleet = Fleet(self.lab, self.build, OFFERS)
        self._fleet.start()
        return self._fleet

    def close(self) -> None:
        if self._lab is not None:
            self._lab.down()
        self._lab = None

    def run(self, part: Piece) -> Outcome:
        """Runs one piece. After a vital one has failed, the rest fails at once with that as the reason."""
        begin = time.monotonic()
        if self.broken:
            lost = self.broken.piece
            return Outcome(part, False, f"not tried, since step {lost.step} ({lost.title}) failed", 0)
        try:
            said, ok = part.act(self), True
        except (AssertionError, LabError) as e:
            said, ok = str(e), False
        outcome = Outcome(part, ok, said, time.monotonic() - begin)
        if not ok and part.vital:
            self.broken = outcome
        return outcome

    # -- looking ------------------------------------------------------------------------------------------------------

    def domains(self) -> dict[str, dict[str, str]]:
        """Every domain -> the hosts that know it, each with its state: libvirt's own word, not the map's."""
        found: dict[str, dict[str, str]] = {}
        for host in self.lab.hosts:
            if not self.lab.node(host).alive():
                continue
            for line in self.lab.local_virsh(host, "list", "--all").stdout.splitlines()[2:]:
                if line.strip():
                    _, name, state = line.split(maxsplit=2)
                    found.setdefault(name, {})[host] = state.strip()
        return found

    def guest(self, machine: str) -> Control:
        """The agent inside "shop-web1"; where that runs is looked up once, until places_changed()."""
        if machine not in self._places:
            running = {m: [h for h, s in places.items() if s == "running"] for m, places in self.domains().items()}
            here = running.get(machine, [])
            ensure(len(here) == 1, f"{machine} runs on {' and '.join(here) or 'no host'}")
            self._places = {m: hosts[0] for m, hosts in running.items() if len(hosts) == 1}
        return self.lab.control(machine, self._places[machine])

    def places_changed(self) -> None:
        """To be called after every move."""
        self._places.clear()

    def where(self) -> dict[str, dict[str, str]]:
        """Machine of the shop -> host -> state."""
        domains = self.domains()
        return {m: domains.get(f"shop-{m}", {}) for m in SHOP}

    def active(self) -> dict[str, list[str]]:
        """Machine of the shop -> the hosts where it is running or paused."""
        return {m: [h for h, state in places.items() if state in ("running", "paused")]
                for m, places in self.where().items()}

    def home(self) -> str:
        """The one host that runs all of the shop."""
        hosts = {h for places in self.active().values() for h in places}
        ensure(len(hosts) == 1, f"the shop runs on {sorted(hosts)}")
        return hosts.pop()

    def runs_on(self, host: str) -> None:
        """All of the shop runs on this host, and nothing of it anywhere else."""
        here = self.where()
        wrong = {m: p for m, p in here.items()
                 if p.get(host) != "running" or any(s in ("running", "paused") for h, s in p.items() if h != host)}
        ensure(not wrong, f"the shop should run on {host} alone, but: {wrong}")

    def answers(self, seconds: float = 10) -> None:
        """The application as a whole answers: a customer's request reaches the data base and comes back."""
        def chain() -> bool:
            return all(self.guest(f"shop-{m}").ready() for m in SHOP) and self.whole()
        with contextlib.suppress(LabError):
            wait_for("the application", chain, seconds, 0.1)
            return
        raise AssertionError(f"the application does not answer: {self.active()}")

    def whole(self) -> bool:
        done = self.lab.exec("outside", ["/usr/bin/python3", "-I", "-S", "-c", ASK_CHAIN], check=False)
        return "web1>app1>db1" in done.stdout

    def clear(self, host: str) -> bool:
        """Whether the shop may run there; no, too, while the map does not know the host."""
        try:
            return self.fleet.verdict("shop", host)["clear"]
        except LabError:
            return False

    def order(self) -> dict:
        """The shop's last order."""
        return self.fleet.ask("move", "shop", "--status")  # type: ignore[return-value]


ASK_CHAIN = """
import socket
s = socket.create_connection(("10.80.0.11", 80), 3)
s.sendall(b"GET /chain HTTP/1.0\\r\\n\\r\\n")
print(b"".join(iter(lambda: s.recv(4096), b"")).decode())
"""


def ensure(holds: bool, why: str) -> None:
    """An assertion that stands whatever the interpreter's options."""
    if not holds:
        raise AssertionError(why)
