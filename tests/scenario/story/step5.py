"""Step 5: the move of the whole application, next to plain migrations of equal machines."""

from __future__ import annotations

import statistics
import subprocess
import time

from drover_lab.probe import Requests, Session
from drover_lab.util import wait_for

from .net import CARDS, Flood, forbidden_arrivals, forbidden_frames
from .plain import PLAIN, WEB1, WEB2
from .stage import SHOP, Stage, ensure, piece
from .watch import Lifecycle, gaps_ms

STEP = 5
TITLE = "drover move shop --to B under load: all land, the session lives, nothing forbidden is delivered"
GOAL = 1.5  # times the gap of plain migrations
BOUND = 4.0  # where slow becomes wrong, on any machine
FRONT = ("web1", "web2", "app1")  # machines that the client machine's frames could reach

def together(stage: Stage, names: list[str], source: str, target: str) -> None:
    """Plain virsh migrate of several machines at once."""
    lab = stage.lab
    words = ["migrate", "--live", "--p2p", "--persistent", "--undefinesource"]
    moves = {n: subprocess.Popen(lab.virsh_argv(source, *words, n, lab.uri(target)), stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True) for n in names}
    for name, move in moves.items():
        _, said = move.communicate(timeout=120)
        ensure(move.returncode == 0, f"virsh migrate {name}: {said}")


def settled_session(lab, ip: str) -> Session:  # noqa: ANN001
    """A session through all tiers in which answers come."""
    session = Session(lab, ip, 7000)
    try:
        wait_for(f"a session through {ip}", lambda: session.stat()["answers"] > 10, 20, 0.1)
    except BaseException:
        session.close()
        raise
    return session


def forget(stage: Stage) -> None:
    """The plain machines are gone, wherever they are."""
    for host in "AB":
        words = [f"{verb} {g.name}" for g in PLAIN for verb in ("destroy", "undefine")]
        stage.lab.exec(host, ["virsh", "-q", "-c", "qemu:///system", "; ".join(words)], check=False)


@piece("the measure: four plain virsh migrates, at once, of equal machines without protection")
def plain_migrations(stage: Stage) -> str:
    lab = stage.lab
    try:
        for guest in PLAIN:
            wait_for(f"guest {guest.name}", lab.control(guest.name, "A").ready, 90)
        with Lifecycle(lab, "AB") as events, Requests(lab, WEB2.nics[0].ip4) as requests, \
                settled_session(lab, WEB1.nics[0].ip4) as session:
            begin = time.monotonic()
            together(stage, [g.name for g in PLAIN], "A", "B")
            took = time.monotonic() - begin
            time.sleep(0.5)
            gaps = gaps_ms(events.stop(), "A", "B")
            client, held = requests.stop(), session.stop()
    finally:
        forget(stage)
    ensure(len(gaps) == len(PLAIN), f"gaps were seen of {sorted(gaps)} only")
    for guest in PLAIN:
        stage.figures[f"gap of {guest.name}, ms"] = gaps[guest.name]
    stage.plain_gap_ms = statistics.median(gaps.values())
    each = ", ".join(f"{g.name.removeprefix('plain-')} {gaps[g.name]:.0f}" for g in PLAIN)
    return (f"gap in ms: {each}; median {stage.plain_gap_ms:.0f}; in {took:.1f} s; a client of web2 waited"
            f" {client['max_gap_ms']:.0f} ms; session {held['broken'] or 'alive'}")


@piece("drover move shop --to B: all four land, and the order says so", vital=True)
def move_lands(stage: Stage) -> str:
    lab, fleet = stage.lab, stage.fleet
    for m in FRONT:
        stage.guest(f"shop-{m}").forget()
    with Lifecycle(lab, "AB") as events, Requests(lab, CARDS["shop-web2"].ip4) as requests, \
            settled_session(lab, CARDS["shop-web1"].ip4) as session, Flood(lab, 1000, forbidden_frames(lab)) as flood:
        begin = time.monotonic()
        done = fleet.drover("move", "shop", "--to", "B", check=False, timeout=300)
        took = time.monotonic() - begin
        stage.places_changed()
        time.sleep(1)
        stage.under_load = {"gaps": gaps_ms(events.stop(), "A", "B"), "requests": requests.stop(),
                            "sent": flood.stop(), "session": held_after(session)}
    ensure(done.returncode == 0, f"drover move ends with {done.returncode}: {done.stdout}{done.stderr}")
    order = stage.order()
    ensure(order["state"] == "done", f"the order is {order['state']}: {order['reason']}")
    stage.runs_on("B")
    verified = fleet.drover("verify", "shop", check=False)
    ensure(verified.returncode == 0, f"drover verify: {verified.stdout}")
    steps = ", ".join(f"{s['name']} {(s['ended-ms'] - s['started-ms']) / 1000:.1f}" for s in order["step"])
    return f"in {took:.1f} s ({steps}); rules read back on B equal the intent"


def held_after(session: Session) -> dict:
    """The session's figures, with how many answers came in half a second after all was over."""
    before = session.stat()["answers"]
    time.sleep(0.5)
    figures = session.stop()
    return figures | {"after": figures["answers"] - before}


def arrivals(stage: Stage) -> dict[tuple, int]:
    """What the shop's machines have seen of what the client machine may not send: (address, port, SYN?) -> how many."""
    got = {}
    for m in FRONT:
        got |= forbidden_arrivals(stage.lab, stage.guest(f"shop-{m}").seen())
    return got


def load(stage: Stage) -> dict:
    ensure(bool(stage.under_load), "the move was not made")
    return stage.under_load


@piece("the TCP session through web, app and data base survives")
def session_survives(stage: Stage) -> str:
    session = load(stage)["session"]
    ensure(session["broken"] is None, f"the session broke: {session['broken']}")
    ensure(session["after"] > 0, f"the session hangs: no answer after the move: {session}")
    stage.figures["gap of the session through all tiers, ms"] = session["max_gap_ms"]
    return f"{session['answers']} beats answered in order, longest silence {session['max_gap_ms']:.0f} ms"


@piece("0 forbidden packets are delivered while machines and rules move")
def nothing_forbidden_is_delivered(stage: Stage) -> str:
    sent = load(stage)["sent"]
    ensure(sent > 1000, f"only {sent} forbidden frames were sent")
    got = arrivals(stage)
    stage.figures["forbidden packets delivered in the move"] = sum(got.values())
    ensure(not got, f"of {sent} forbidden frames were delivered: {got}")
    return f"0 of {sent} sent at 1 kHz by the client machine to ports of application and data base"


@piece("the gap of each machine, next to the plain migrations")
def gaps_compared(stage: Stage) -> str:
    gaps = load(stage)["gaps"]
    ensure(set(gaps) >= {f"shop-{m}" for m in SHOP}, f"gaps were seen of {sorted(gaps)} only")
    ensure(stage.plain_gap_ms > 0, "the plain migrations were not measured")
    ratio = statistics.median(gaps[f"shop-{m}"] for m in SHOP) / stage.plain_gap_ms
    told = {m["machine"]: m["gap-ms"] for m in stage.order()["member"]}
    for m in SHOP:
        stage.figures[f"gap of shop-{m}, ms"] = gaps[f"shop-{m}"]
    stage.figures["gap of the move, times plain migrations (medians)"] = ratio
    each = ", ".join(f"{m} {gaps[f'shop-{m}']:.0f} (order: {told.get(m)})" for m in SHOP)
    said = (f"gap in ms: {each}; {ratio:.2f} times plain ({'within' if ratio <= GOAL else 'above'} the goal of {GOAL});"
            f" a client of web2 waited {load(stage)['requests']['max_gap_ms']:.0f} ms")
    ensure(ratio < BOUND, f"{said}; {BOUND} is too much")
    return said
