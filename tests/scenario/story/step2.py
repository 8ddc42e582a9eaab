"""Step 2: two applications, and what their machines may and may not say to each other."""

from __future__ import annotations

import dataclasses

from drover_lab import frames
from drover_lab.util import wait_for

from .net import CARDS, TCP, UDP, Card, outside, send
from .stage import BANK, ROOT_EXAMPLES, SHOP, Stage, ensure, piece

STEP = 2
TITLE = "Import shop and bank, start them; declared flows work, everything else is stopped and explained"
ICMP, ICMP6 = 1, 58


@piece("label policy, shop and bank are imported", vital=True)
def import_packages(stage: Stage) -> str:
    fleet = stage.fleet
    said = [fleet.drover("label", "load", str(ROOT_EXAMPLES / "labels.conf")).stdout.strip()]
    said += [fleet.drover("vapp", "import", fleet.package(name)).stdout.strip() for name in ("shop", "bank")]
    return "; ".join(said[1:])


@piece("bank starts on C, shop on A, each machine protected before it runs", vital=True)
def start_both(stage: Stage) -> str:
    took = []
    for vapp, host, machines in (("bank", "C", BANK), ("shop", "A", SHOP)):
        done = stage.fleet.drover("vapp", "start", vapp, "--to", host, check=False, timeout=180)
        ensure(done.returncode == 0, f"start of {vapp}: {done.stdout}{done.stderr}")
        rows = stage.fleet.machines(vapp)
        wrong = {m: r for m, r in rows.items() if r["host"] != host or r["state"] != "running" or not r["enforced"]}
        ensure(set(rows) == set(machines) and not wrong, f"{vapp} on {host}: {wrong or rows}")
        order = stage.fleet.ask("move", vapp, "--status")
        took.append(f"{vapp} in {(order['ended-ms'] - order['at-ms']) / 1000:.1f} s")  # type: ignore[index]
    for vapp, machines in (("bank", BANK), ("shop", SHOP)):
        for m in machines:
            wait_for(f"{vapp}-{m}", stage.guest(f"{vapp}-{m}").ready, 60)
    return ", ".join(took)


@piece("every declared flow works, IPv4 and IPv6", vital=True)
def declared_flows_work(stage: Stage) -> str:
    web1, web2, app, db, ledger = (CARDS[m] for m in ("shop-web1", "shop-web2", "shop-app1", "shop-db1", "bank-ledger"))
    calls = [("shop-web1", app, (7000, 8080)), ("shop-web2", app, (7000, 8080)), ("shop-app1", db, (5432, 7000)),
             ("bank-teller", ledger, (8443,))]
    tried = 0
    for sender, to, ports in calls:
        for ip in (to.ip4, to.ip6):
            for port in ports:
                answer = stage.guest(sender).ask("tcp", ip, port, 3000)
                ensure(answer["ok"], f"declared flow {sender} to {ip} port {port}: {answer.get('why')}")
                tried += 1
    for to in (web1, web2):
        for ip in (to.ip4, to.ip6):
            for port in (80, 7000):
                ensure(connects(stage, ip, port), f"declared flow outside to {ip} port {port} does not connect")
                tried += 1
    ensure(stage.whole(), "a request does not reach the data base and come back")
    return f"{tried} connections made; a request goes outside, web, app, db and back"


def connects(stage: Stage, ip: str, port: int) -> bool:
    words = f"import socket; socket.create_connection(({ip!r}, {port}), 3).close()"
    return stage.lab.exec("outside", ["/usr/bin/python3", "-I", "-S", "-c", words], check=False).returncode == 0


# -- what must not pass -------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Trial:
    """One forbidden frame: who sends it, whom it would reach, how it would look there, and how `drover why` of
    `machine` shall explain it."""

    kind: str
    sender: str
    receiver: str
    frame: bytes
    looks: dict  # fields of the receiver's witness
    machine: str  # where the refusal stands
    refusal: dict  # fields of `drover why --json`


def tcp4(kind: str, sender: str, receiver: str, port: int, src: Card, dst: Card, **more: str) -> Trial:
    return _ip(kind, sender, receiver, frames.syn, (TCP, "tcp"), port, src, dst, 4, **more)


def _ip(kind: str, sender: str, receiver: str, make, protocol: tuple[int, str], port: int, src: Card,  # noqa: ANN001
        dst: Card, version: int, rule: str = "default-deny", mac: str = "", ip: str = "") -> Trial:
    source = ip or (src.ip4 if version == 4 else src.ip6)
    target = dst.ip4 if version == 4 else dst.ip6
    frame = make((mac or src.mac, dst.mac), source, target, *([port] if protocol[0] in (TCP, UDP) else []))
    looks = {"mac": mac or src.mac, "src": source, "dst": target, "proto": protocol[0]}
    if protocol[0] in (TCP, UDP):
        looks["port"] = port
    inside = sender != "outside"
    refusal = {"rule": rule, "direction": "out" if inside else "in", "protocol": protocol[1],
               "peer": target if inside else source, "port": port}
    return Trial(kind, sender, receiver, frame, looks, sender if inside else receiver, refusal)


def trials(out: Card) -> list[Trial]:
    """Frames that would be answered, or at least seen, if nothing stopped them."""
    web1, web2, app, back, db, teller, ledger = (CARDS[m] for m in (
        "shop-web1", "shop-web2", "shop-app1", "shop-app1/back", "shop-db1", "bank-teller", "bank-ledger"))
    same, across, lie, six = "same host", "across hosts", "spoofed source", "IPv6"
    return [
        tcp4(same, "shop-web1", "shop-app1", 22, web1, app),
        tcp4(same, "shop-web1", "shop-web2", 80, web1, web2),
        tcp4(same, "shop-app1", "shop-web1", 80, app, web1),
        tcp4(same, "shop-db1", "shop-app1", 8080, db, back),
        _ip(same, "shop-web2", "shop-app1", frames.udp, (UDP, "udp"), 8080, web2, app, 4),
        _ip(same, "shop-web2", "shop-app1", frames.ping, (ICMP, "icmp"), 8, web2, app, 4),
        tcp4(across, "bank-teller", "shop-web1", 80, teller, web1),
        tcp4(across, "bank-teller", "shop-app1", 8080, teller, app),
        tcp4(across, "shop-web2", "bank-ledger", 8443, web2, ledger),
        tcp4(across, "outside", "shop-app1", 8080, out, app),
        tcp4(across, "outside", "shop-web2", 22, out, web2),
        tcp4(across, "outside", "bank-ledger", 8443, out, ledger),
        tcp4(lie, "shop-web1", "shop-app1", 8080, web1, app, rule="spoof-ip", ip=web2.ip4),
        tcp4(lie, "shop-web1", "shop-app1", 7000, web1, app, rule="spoof-mac", mac=web2.mac),
        tcp4(lie, "bank-teller", "shop-app1", 8080, teller, app, rule="spoof-ip", ip=web1.ip4),
        _ip(six, "shop-web1", "shop-app1", frames.syn, (TCP, "tcp"), 22, web1, app, 6),
        _ip(six, "shop-web1", "shop-app1", frames.ping, (ICMP6, "icmpv6"), 128, web1, app, 6),
        _ip(six, "bank-teller", "shop-app1", frames.syn, (TCP, "tcp"), 8080, teller, app, 6),
        _ip(six, "outside", "shop-app1", frames.syn, (TCP, "tcp"), 8080, out, app, 6),
        _ip(six, "shop-web1", "shop-app1", frames.syn, (TCP, "tcp"), 8080, web1, app, 6, rule="spoof-ip", ip=web2.ip6),
    ]


def matches(row: dict, wanted: dict) -> bool:
    return all(row.get(k) == v for k, v in wanted.items())


def delivered(stage: Stage, trial: Trial) -> int:
    """How many such frames the receiver has seen on its card."""
    return sum(row["n"] for row in stage.guest(trial.receiver).seen() if matches(row, trial.looks))


def receivers(tried: list[Trial]) -> list[str]:
    return sorted({t.receiver for t in tried})


def fire(stage: Stage, tried: list[Trial]) -> None:
    for trial in tried:
        if trial.sender == "outside":
            send(stage.lab, [trial.frame])
        else:
            stage.guest(trial.sender).send([trial.frame])


@piece("raw frames of declared flows arrive: the witnesses see what comes")
def witnesses_see(stage: Stage) -> str:
    web1, web2, app = (CARDS[m] for m in ("shop-web1", "shop-web2", "shop-app1"))
    good = [tcp4("declared", "shop-web1", "shop-app1", 8080, web1, app),
            _ip("declared", "shop-web1", "shop-app1", frames.syn, (TCP, "tcp"), 8080, web1, app, 6),
            tcp4("declared", "outside", "shop-web2", 80, outside(stage.lab), web2)]
    for receiver in receivers(good):
        stage.guest(receiver).forget()
    fire(stage, good)
    for trial in good:
        wait_for(f"a declared frame from {trial.sender} at {trial.receiver}: {trial.looks}",
                 lambda t=trial: delivered(stage, t) > 0, 5, 0.05)
    return f"{len(good)} of {len(good)} seen by their receivers"


@piece("no undeclared frame is delivered: same host, across hosts, spoofed source, IPv6")
def undeclared_flows_are_stopped(stage: Stage) -> str:
    tried = trials(outside(stage.lab))
    for receiver in receivers(tried):
        stage.guest(receiver).forget()
    fire(stage, tried)
    # A declared frame sent after them has arrived: those before it would have, too.
    witnesses_see_again(stage)
    got = [f"{t.kind}: {t.sender} to {t.receiver} {t.looks}" for t in tried if delivered(stage, t)]
    ensure(not got, f"delivered although undeclared: {got}")
    kinds = {t.kind: sum(x.kind == t.kind for x in tried) for t in tried}
    return "; ".join(f"{k} 0 of {n}" for k, n in kinds.items()) + " delivered"


def witnesses_see_again(stage: Stage) -> None:
    app, ledger = CARDS["shop-app1"], CARDS["bank-ledger"]
    for sender, receiver, to, port in (("shop-web1", "shop-app1", app, 8080),
                                       ("bank-teller", "bank-ledger", ledger, 8443)):
        trial = tcp4("declared", sender, receiver, port, CARDS[sender], to)
        fire(stage, [trial])
        wait_for(f"a declared frame at {receiver}", lambda t=trial: delivered(stage, t) > 0, 5, 0.05)


@piece("drover why names the rule that stopped each of them")
def refusals_are_explained(stage: Stage) -> str:
    tried = trials(outside(stage.lab))

    def unexplained() -> list[str]:
        rows = {m: stage.fleet.ask("why", m) for m in {t.machine for t in tried}}
        return [f"{t.kind}: {t.sender} to {t.receiver} {t.refusal}" for t in tried
                if not any(matches(row, t.refusal) for row in rows[t.machine])]  # type: ignore[union-attr]
    left = unexplained()
    for _ in range(20):
        if not left:
            break
        left = unexplained()
    ensure(not left, f"not in drover why: {left}")
    rules = {t.refusal["rule"]: sum(x.refusal["rule"] == t.refusal["rule"] for x in tried) for t in tried}
    return f"{len(tried)} refusals: " + ", ".join(f"{n} {rule}" for rule, n in rules.items())


@piece("connections from inside that no flow declares time out")
def undeclared_connections_fail(stage: Stage) -> str:
    app, back, web1 = CARDS["shop-app1"], CARDS["shop-app1/back"], CARDS["shop-web1"]
    for sender, words in (("shop-web1", ("tcp", app.ip4, 22)), ("shop-web2", ("ping", app.ip6)),
                          ("shop-db1", ("tcp", back.ip4, 8080)), ("bank-teller", ("udp", web1.ip4, 80))):
        answer = stage.guest(sender).ask(*words, 300)
        ensure(not answer["ok"], f"{sender}: {words} was answered")
    return "4 of 4 unanswered"
