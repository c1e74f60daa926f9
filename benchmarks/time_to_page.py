#!/usr/bin/env python3
"""How fast an urgent tip becomes a page in the mail server's hands.

Starts everything that scripts/up starts (doors, workers, escalators, the outbox as mail server and
SMS provider), with PostgreSQL and Redis of its own, and sends urgent tips through the form at
several rates. A mail is matched to its tip through the database: its Message-ID is the
notification's id, which leads to the escalation, the tip, and the receipt of the numbers we hold.

"from commit" counts from the receipt in the sender's hands, which comes after the commit by the
time of one answer; "from Send" counts from pressing Send, before it. The truth is between them.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # not this directory, whose names are those of rooms

from benchmarks import measuring  # noqa: E402
from benchmarks.scratch import NotReady, Scratch, scratch  # noqa: E402
from tipline.kernel.receipts import Phrase  # noqa: E402
from tipline.runner import secrets  # noqa: E402
from tipline.runner.ports import PortTaken  # noqa: E402
from tipline.runner.processes import PROCESSES, named  # noqa: E402

P50_TARGET_MS, P99_TARGET_MS, TARGETS_AT = 50.0, 1000.0, 50
DISTURBED_P99_MS = 2000.0  # with Redis down, or behind a backlog, at every rate
IDLE_SECONDS = 20.0
KILOBYTE = 1024
PATIENCE = 120.0  # seconds to wait for the last page
STAND_IN = "outbox"
LOOPS = {"escalator-triage", "escalator-page"}
# The mails of first pages, by the receipt of the tip they are about.
PAGES = """
    SELECT encode(receipt.lookup, 'hex'), replace(note.id::text, '-', '')
    FROM triage_notification note
    JOIN triage_escalation page ON page.id = note.escalation_id
    JOIN intake_receipt receipt ON receipt.tip_id = page.tip_id
    WHERE note.channel = 'email' AND note.kind = 'page' AND note.step = 0 AND note.loop = 0
"""
FATE = """
    SELECT 'waits', (due.id IS NOT NULL)::text, 'level', assessment.urgency, 'judged', assessment.judged::text,
           'page', page.state, 'step', page.step, note.channel, note.state, 'attempts', note.attempts,
           'due', (note.due_at IS NOT NULL)::text
    FROM intake_receipt receipt
    LEFT JOIN intake_due due ON due.tip_id = receipt.tip_id
    LEFT JOIN triage_assessment assessment ON assessment.tip_id = receipt.tip_id
    LEFT JOIN triage_escalation page ON page.tip_id = receipt.tip_id
    LEFT JOIN triage_notification note ON note.escalation_id = page.id
    WHERE receipt.lookup = decode(%s, 'hex')
"""


@dataclass(frozen=True)
class Sent:
    """One tip: when Send was pressed and the receipt was there (monotonic nanoseconds), and its look-up."""

    pressed: int
    there: int
    lookup: str


def main() -> int:
    """Returns 0, or 1 if a tip was not paged or it could not start."""
    wish = _options()
    print("From an urgent tip's commit to the mail server's acceptance of the page", flush=True)
    for line in measuring.machine():
        print(line)
    try:
        with scratch(wish.port) as installation:
            return _measure(installation, wish)
    except (NotReady, PortTaken) as problem:
        print(problem, file=sys.stderr)
        return 1


def _measure(installation: Scratch, wish: argparse.Namespace) -> int:
    _start(installation)
    print(
        f"processes   all of scripts/up ({len(PROCESSES)}), PostgreSQL with fsync, Redis; the outbox takes mail and SMS"
    )
    if wish.redis_down:
        os.kill(installation.pid("redis"), signal.SIGKILL)
        print("redis       killed before the first tip, and not started again")
    idle = _idle(installation) if not wish.backlog else None
    if wish.backlog:
        _pile_up(installation, wish.backlog)
    print(
        f"on call     one coordinator, by e-mail and SMS; {wish.seconds:g} s at each rate; --rounds {wish.rounds}",
        flush=True,
    )
    if not wish.backlog:  # it would be worked off meanwhile
        _warm_up(installation)
    print()
    head = (
        "tips/s",
        "",
        "sent",
        "paged",
        "twice",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "max ms",
        "load",
        "others",
        "slowness",
    )
    rows: list[tuple[str, ...]] = [head]
    whole, verdicts = True, []
    for rate in wish.rates:
        for _ in range(wish.rounds):
            before = _waiting(installation)
            found = _at(installation, rate, wish.seconds)
            if wish.backlog:
                print(
                    f"backlog     {before} tips waited at the start of {rate:g}/s, {_waiting(installation)} at its end"
                )
            whole = whole and found.sent == found.paged and not found.errors
            rows += found.rows()
            if found.errors:
                print(f"errors at {rate}/s: {', '.join(sorted(set(found.errors)))}")
            for fate in found.fates:
                print(f"not paged at {rate:g}/s: {fate}", flush=True)
            if rate == TARGETS_AT or wish.redis_down or wish.backlog:
                verdicts.append(found)
    print(measuring.table(rows))
    print("twice: mails with a Message-ID that came before. load: the stack's share of the machine, others: other")
    print("programs' share. slowness: how many times longer opening a sealed key takes now, with all cores busy, than")
    print("in the design's figures.")
    print()
    print(f"processor time of one tip at {found.rate:g}/s, by process, ms (a ticking process costs more at low rates)")
    print(measuring.table(_costs(found)))
    print()
    print("every tip was paged" if whole else "NOT EVERY TIP WAS PAGED")
    _print_targets(verdicts, disturbed=bool(wish.redis_down or wish.backlog))
    if idle is not None and not wish.redis_down:
        _print_kilobyte(installation)
        _print_idle(idle)
    return 0 if whole else 1


def _start(installation: Scratch) -> None:
    installation.start_server("redis")
    outbox_first = sorted(PROCESSES, key=lambda process: process.name != "outbox")
    for process in outbox_first:
        installation.start(process)
    doors = [process.name for process in PROCESSES if process.door is not None]
    installation.wait_for_doors(doors)
    until = time.monotonic() + PATIENCE
    while not _ticking(installation):
        if time.monotonic() > until:
            raise NotReady(f"The escalators do not tick:\n{installation.log.read_text()[-3000:]}")
        time.sleep(0.2)


def _ticking(installation: Scratch) -> bool:
    beats = {name for (name,) in installation.query("SELECT name FROM triage_heartbeat")}
    hosts = installation.query("SELECT count(*) FROM intake_epochkey WHERE usable_until > now()")[0][0]
    return beats >= LOOPS and hosts > 0


def _warm_up(installation: Scratch) -> None:
    """Send a few tips that do not count, so that every process has done its work once."""
    _at(installation, 5, 3)


@dataclass(frozen=True)
class Found:
    """What was measured at one rate."""

    rate: float
    sent: int
    paged: int
    twice: int
    errors: list[str]
    fates: list[str]  # of the tips nobody was paged for
    from_commit: list[float]
    from_send: list[float]
    each: dict[str, float]  # milliseconds of processor time for one tip
    client: float  # the same, of those who send it
    load: float
    others: float
    slowness: float

    def rows(self) -> list[tuple[str, ...]]:
        counts = (str(self.sent), str(self.paged), str(self.twice))
        machine = (f"{self.load:.0f} %", f"{self.others:.0f} %", f"{self.slowness:.2f}")
        return [
            (f"{self.rate:g}", "from commit", *counts, *_figures(self.from_commit), *machine),
            ("", "from Send", "", "", "", *_figures(self.from_send), "", "", ""),
        ]


def _costs(found: Found) -> list[tuple[str, str]]:
    """What a tip costs the system, process by process; and, apart, what stands in for the world around it."""
    ours = {name: spent for name, spent in found.each.items() if name != STAND_IN}
    names = sorted(ours, key=ours.__getitem__, reverse=True)
    return [
        ("the system", f"{sum(ours.values()):.1f}"),
        *((f"  {name}", f"{ours[name]:.1f}") for name in names),
        ("outbox, for mail server and SMS provider", f"{found.each[STAND_IN]:.1f}"),
        ("senders of the tips", f"{found.client:.1f}"),
    ]


def _figures(values: list[float]) -> tuple[str, ...]:
    shares = (measuring.percentile(values, share) for share in (0.5, 0.95, 0.99))
    return (*(f"{value:.0f}" for value in shares), f"{max(values, default=float('nan')):.0f}")


def _at(installation: Scratch, rate: float, seconds: float, size: int = 0) -> Found:
    _forget_messages(installation)
    slowness, started = measuring.slowness(), time.monotonic()
    busy, ours = measuring.machine_busy_ms(), _ours(installation)
    argv = [sys.executable, "-m", "benchmarks.urgent", str(installation.port), str(rate), str(seconds), str(size)]
    client = _client_ms()
    done = subprocess.run(argv, cwd=ROOT, check=True, stdout=subprocess.PIPE, timeout=seconds + 90)
    client = _client_ms() - client
    answer = json.loads(done.stdout)
    sent = sent_tips(installation, answer["sent"])
    mails, arrived = wait_for_pages(installation, sent)
    capacity = (time.monotonic() - started) * 1000 * (os.cpu_count() or 1)
    each = {name: spent - ours[name] for name, spent in _ours(installation).items()}
    busy = measuring.machine_busy_ms() - busy
    paged = [tip for tip in sent if tip.lookup in arrived]
    fates = [_what_became(installation, tip.lookup) for tip in sent if tip.lookup not in arrived]
    _end_escalations(installation)
    return Found(
        rate=rate,
        sent=len(sent) + len(answer["errors"]),
        paged=len(paged),
        twice=sum(mail["duplicate_of"] is not None for mail in mails),
        errors=answer["errors"],
        fates=fates,
        from_commit=[(arrived[tip.lookup] - tip.there) / 1e6 for tip in paged],
        from_send=[(arrived[tip.lookup] - tip.pressed) / 1e6 for tip in paged],
        each={name: spent / (len(sent) or 1) for name, spent in each.items()},
        client=client / (len(sent) or 1),
        load=100 * sum(each.values()) / capacity,
        others=max(0.0, 100 * (busy - sum(each.values())) / capacity),
        slowness=(slowness + measuring.slowness()) / 2,
    )


def _client_ms() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (spent.ru_utime + spent.ru_stime) * 1000


def _ours(installation: Scratch) -> dict[str, float]:
    """Processor time of each process and what it started, so far."""
    return {
        name: measuring.cpu_ms(process.pid)
        for name, (process, _) in installation.running.items()
        if process.poll() is None
    }


def sent_tips(installation: Scratch, answers: list[tuple[int, int, list[str]]]) -> list[Sent]:
    pepper = secrets.read(installation.installation.places.secrets, "receipt_pepper").encode()
    found = []
    for pressed, there, numbers in answers:
        phrase = Phrase.parse(" ".join(numbers))
        if phrase is None:
            raise NotReady("The receipt shows numbers that are none.")
        found.append(Sent(pressed, there, phrase.lookup(pepper=pepper).hex()))
    return found


def wait_for_pages(installation: Scratch, sent: list[Sent]) -> tuple[list[dict], dict[str, int]]:
    """The mails, and when the first about each tip came: once every tip has one, or when patience is over.

    Other mails come too, such as the watcher's alarms: only one that leads to a tip counts for it.
    """
    wanted, until = {tip.lookup for tip in sent}, time.monotonic() + PATIENCE
    while True:
        mails = [message for message in messages(installation) if message["kind"] == "mail" and message["accepted"]]
        arrived = _arrivals(installation, mails)
        if wanted <= arrived.keys() or time.monotonic() > until:
            return mails, arrived
        time.sleep(0.5)


def _arrivals(installation: Scratch, mails: list[dict]) -> dict[str, int]:
    about = {note: lookup for lookup, note in installation.query(PAGES)}
    arrived: dict[str, int] = {}
    for mail in mails:
        if lookup := about.get(mail["reference"]):
            arrived[lookup] = min(mail["arrived_ns"], arrived.get(lookup, mail["arrived_ns"]))
    return arrived


def _what_became(installation: Scratch, lookup: str) -> str:
    """How far a tip got that nobody was paged for, from its rows."""
    found = installation.query(FATE, [lookup])
    return "; ".join(" ".join(str(value) for value in row) for row in found) or "no tip is stored"


def _end_escalations(installation: Scratch) -> None:
    """No ladder may climb on into the next measurement."""
    installation.query("UPDATE triage_notification SET due_at = NULL RETURNING 1")
    installation.query("UPDATE triage_escalation SET state = 'ended', next_at = NULL RETURNING 1")


def messages(installation: Scratch) -> list[dict]:
    with urllib.request.urlopen(f"{_outbox(installation)}/messages.json", timeout=30) as answer:
        return json.load(answer)


def _forget_messages(installation: Scratch) -> None:
    request = urllib.request.Request(f"{_outbox(installation)}/messages", method="DELETE")
    urllib.request.urlopen(request, timeout=30).close()


def _outbox(installation: Scratch) -> str:
    return installation.installation.url(named("outbox").door or 0)


@dataclass(frozen=True)
class Idle:
    """What the house costs while nothing comes in."""

    percent: dict[str, float]
    """Of one core, by process."""
    transactions: float
    """A second, in PostgreSQL; most hold one query."""


def _idle(installation: Scratch) -> Idle:
    time.sleep(5)  # what starts has started
    ours, asked, begun = _ours(installation), _transactions(installation), time.monotonic()
    time.sleep(IDLE_SECONDS)
    took = time.monotonic() - begun
    percent = {name: (spent - ours[name]) / took / 10 for name, spent in _ours(installation).items()}
    return Idle(percent, (_transactions(installation) - asked) / took)


def _transactions(installation: Scratch) -> int:
    found = installation.query("SELECT sum(xact_commit + xact_rollback)::bigint FROM pg_stat_database")
    return int(found[0][0])


def _print_idle(idle: Idle) -> None:
    names = sorted((name for name in idle.percent if name != STAND_IN), key=idle.percent.__getitem__, reverse=True)
    rows = [("the system", f"{sum(idle.percent[name] for name in names):.1f}")]
    rows += [(f"  {name}", f"{idle.percent[name]:.1f}") for name in names]
    print()
    print(
        f"idle for {IDLE_SECONDS:g} s: % of one core by process; {idle.transactions:.1f} transactions/s in PostgreSQL"
    )
    print(measuring.table(rows))


def _print_kilobyte(installation: Scratch) -> None:
    asked = _transactions(installation)
    found = _at(installation, 5, 6, size=KILOBYTE)
    asked = _transactions(installation) - asked
    print()
    print(f"one urgent tip of {KILOBYTE} bytes at 5/s with its pages: {asked / found.sent:.0f} transactions (idle ones")
    print("counted too); processor time by process, ms")
    print(measuring.table(_costs(found)))


def _waiting(installation: Scratch) -> int:
    return int(installation.query("SELECT count(*) FROM intake_due")[0][0])


def _pile_up(installation: Scratch, tips: int) -> None:
    """Store routine tips while nobody assesses, then let everybody go on."""
    assessing = [installation.pid(name) for name in ("triage-worker", "escalator-triage")]
    for pid in assessing:
        os.killpg(pid, signal.SIGSTOP)
    try:
        installation.owner("benchmarks.backlog", str(tips))
    finally:
        for pid in assessing:
            os.killpg(pid, signal.SIGCONT)


def _print_targets(found: list[Found], *, disturbed: bool) -> None:
    if not found:
        return
    print()
    rates = ", ".join(sorted({f"{one.rate:g}" for one in found}))
    print(f"targets at {rates} tips/s, worst round, two cores shared with senders and outbox")
    rows = []
    if disturbed:
        p99 = max(measuring.percentile(one.from_commit, 0.99) for one in found)
        rows.append(("p99 from commit, ms", f"{p99:.0f}", measuring.verdict(p99, DISTURBED_P99_MS)))
        print(measuring.table(rows))
        return
    for title, values in (("from commit", "from_commit"), ("from Send", "from_send")):
        p50 = max(measuring.percentile(getattr(one, values), 0.5) for one in found)
        p99 = max(measuring.percentile(getattr(one, values), 0.99) for one in found)
        rows.append((f"p50 {title}, ms", f"{p50:.0f}", measuring.verdict(p50, P50_TARGET_MS)))
        rows.append((f"p99 {title}, ms", f"{p99:.0f}", measuring.verdict(p99, P99_TARGET_MS)))
    print(measuring.table(rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0, help="how long at each rate (default 8)")
    parser.add_argument("--rounds", type=int, default=1, help="rounds at each rate (default 1)")
    parser.add_argument(
        "--rates",
        type=lambda text: [float(part) for part in text.split(",")],
        default=[1.0, 10.0, 50.0],
        help="tips a second, e.g. 1,10,50",
    )
    parser.add_argument("--backlog", type=int, default=0, help="behind so many routine tips that wait (e.g. 20000)")
    parser.add_argument("--redis-down", action="store_true", help="kill Redis before the first tip")
    parser.add_argument("--port", type=int, default=18200, help="first port to use (default 18200)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
