#!/usr/bin/env python3
"""Urgent tips without a pause while processes, Redis and PostgreSQL are killed, stopped and emptied by chance.

Everything of scripts/up runs, with PostgreSQL and Redis of its own; the faults are those of tests/faults that need
no fail point (3 to 6 and 8 to 14 of docs/faults.md). Every receipt must be followed by a page some carrier accepted: a
receipt without one is lost. Whoever gets no receipt is told so by the form, and is counted apart. So is a page that
joins another's event: digests tell of it, each a row of one page of the event only, and it is counted as late as a
digest of its own. A coordinator who opens what was paged is played by the script, so that no ladder climbs on.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # not this directory, whose names are those of rooms

from benchmarks import measuring  # noqa: E402
from benchmarks.time_to_page import sent_tips  # noqa: E402
from tests.story.house import House, free_base_port  # noqa: E402

GROUPS = ("page-worker", "triage-worker", "escalator-page", "escalator-triage", "watch")
PAUSE = (2.0, 6.0)  # seconds between two faults
STOPPED = (1.0, 12.0)  # seconds a process stands still: also longer than a lease
PATIENCE = 180.0  # seconds without any new page, once everything is whole, until the rest counts as lost
OPENED_AFTER = "3 seconds"
FIRST_PAGES = """
    SELECT encode(receipt.lookup, 'hex'), replace(note.id::text, '-', ''), note.kind = 'digest'
    FROM triage_notification note
    JOIN triage_escalation page ON page.id = note.escalation_id
    JOIN intake_receipt receipt ON receipt.tip_id = page.tip_id
"""
# Only what somebody has been told of on every channel that was tried.
OPEN_WHAT_WAS_PAGED = f"""
    UPDATE triage_escalation page SET state = 'ended', next_at = NULL, joins = false
    WHERE state <> 'ended' AND opened_at < clock_timestamp() - interval '{OPENED_AFTER}'
      AND EXISTS (SELECT FROM triage_notification note
                  WHERE note.escalation_id = page.id AND note.state IN ('accepted', 'delivered'))
      AND NOT EXISTS (SELECT FROM triage_notification note WHERE note.escalation_id = page.id
                      AND note.due_at IS NOT NULL)
"""


@dataclass
class Storm:
    """One run: the house, its chance, what was done to it and what reached the carriers."""

    house: House
    rng: random.Random
    done: Counter[str] = field(default_factory=Counter)
    arrived: dict[str, int] = field(default_factory=dict)
    """Reference of a message -> monotonic nanoseconds at which a carrier first accepted it."""
    again: int = 0
    seen: int = 0

    @property
    def installation(self) -> object:
        return self.house.installation

    def collect(self) -> None:
        """Fetch what the carriers took over since the last time; they keep the newest five thousand only."""
        url = f"http://127.0.0.1:{self.house.port_of('outbox')}/messages.json?since={self.seen}"
        with suppress(OSError), urllib.request.urlopen(url, timeout=30) as answer:
            for message in json.load(answer):
                self.seen = max(self.seen, message["id"])
                reference = message["reference"]
                if message["accepted"] and reference:
                    self.again += reference in self.arrived
                    self.arrived.setdefault(reference, message["arrived_ns"])

    def open_pages(self) -> None:
        """Play the coordinator who opens what was paged."""
        with suppress(psycopg.Error), self.house.connect() as connection:
            connection.execute(OPEN_WHAT_WAS_PAGED)

    def strike(self) -> None:
        """Put one fault in."""
        names = list(FAULTS)
        name = self.rng.choice(names)
        self.done[name] += 1
        with suppress(AssertionError, ProcessLookupError, redis.RedisError):
            FAULTS[name](self)

    def kill(self, *names: str, number: int = signal.SIGKILL) -> None:
        for name in names:
            pid = self.house.pid(name)
            if pid is not None:
                os.killpg(pid, number)

    def stop(self, name: str) -> None:
        """Stop a process for a while, and let it go on."""
        pid = self.house.pid(name)
        if pid is None:
            return
        os.killpg(pid, signal.SIGSTOP)
        time.sleep(self.rng.uniform(*STOPPED))
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGCONT)

    @property
    def broker(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.house.places.redis_socket), socket_timeout=2)

    def fill(self) -> None:
        """Let Redis be full for some seconds."""
        before = self.broker.config_get("maxmemory")["maxmemory"]
        self.broker.config_set("maxmemory", 1)
        time.sleep(self.rng.uniform(1, 5))
        self.broker.config_set("maxmemory", before)


FAULTS: dict[str, Callable[[Storm], object]] = {
    "3 worker killed": lambda storm: storm.kill(storm.rng.choice(GROUPS[:2])),
    "5 process stopped": lambda storm: storm.stop(storm.rng.choice(GROUPS[:4])),
    "6 escalator killed": lambda storm: storm.kill(storm.rng.choice(GROUPS[2:4])),
    "8 both escalators killed": lambda storm: storm.kill(*GROUPS[2:4]),
    "9 Redis emptied": lambda storm: storm.broker.flushall(),
    "10 Redis killed": lambda storm: storm.kill("redis"),
    "11 Redis stopped": lambda storm: storm.stop("redis"),
    "12 Redis full": lambda storm: storm.fill(),
    "14 PostgreSQL stopped at once": lambda storm: storm.kill("postgres", number=signal.SIGQUIT),
    "watch killed": lambda storm: storm.kill("watch"),
}


def main() -> int:
    """Returns 0, or 1 if a tip with a receipt was not paged."""
    wish = _options()
    seed = wish.seed if wish.seed is not None else random.SystemRandom().randrange(1_000_000)
    print("Chaos: urgent tips while everything fails by chance", flush=True)
    for line in measuring.machine():
        print(line)
    print(f"{wish.rate:g} tips/s for {wish.minutes:g} min, seed {seed}", flush=True)
    directory = Path(tempfile.mkdtemp(prefix="tipline-chaos-"))
    directory.chmod(0o755)
    house = House(directory, free_base_port())
    try:
        house.start()
        return _run(Storm(house, random.Random(seed)), wish)
    finally:
        house.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _run(storm: Storm, wish: argparse.Namespace) -> int:
    seconds = wish.minutes * 60
    argv = [sys.executable, "-m", "benchmarks.urgent", str(storm.house.port), str(wish.rate), str(seconds)]
    senders = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE)
    over = threading.Event()
    helper = threading.Thread(target=_look_after, args=(storm, over), daemon=True)
    helper.start()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(storm.rng.uniform(*PAUSE))
        storm.strike()
    answer = json.loads(senders.communicate(timeout=seconds + 300)[0])
    storm.house.wait_until_whole(120)
    sent = sent_tips(storm, answer["sent"])
    paged, gathered = _wait(storm, {tip.lookup for tip in sent})
    over.set()
    helper.join()
    late = {tip.lookup: max(0.0, (paged[tip.lookup] - tip.there) / 1e9) for tip in sent if tip.lookup in paged}
    alone = [seconds for lookup, seconds in late.items() if lookup not in gathered]
    joined = [seconds for lookup, seconds in late.items() if lookup in gathered]
    lost = [tip for tip in sent if tip.lookup not in paged]
    stored = storm.house.ask("SELECT count(*) FROM intake_tip")[0][0]
    print()
    print(measuring.table([("fault", "times"), *((name, str(storm.done[name])) for name in FAULTS)]))
    print()
    rows = [
        ("receipts", str(len(sent))),
        ("no receipt (the form said so)", str(len(answer["errors"]))),
        ("tips stored", str(stored)),
        ("LOST: receipt, and no page", str(len(lost))),
        ("messages the carriers took", str(len(storm.arrived))),
        ("messages that came again", str(storm.again)),
        ("late, p50 s", f"{measuring.percentile(alone, 0.5):.2f}"),
        ("late, p99 s", f"{measuring.percentile(alone, 0.99):.2f}"),
        ("late, max s", f"{max(alone, default=float('nan')):.2f}"),
        ("joined an event: told in its digests", str(len(joined))),
        ("these, max s until a digest of their own", f"{max(joined, default=0.0):.2f}"),
    ]
    print(measuring.table(rows))
    print("\nlate: from the receipt to the first page any carrier accepted")
    return 1 if lost or stored < len(sent) else 0


def _look_after(storm: Storm, over: threading.Event) -> None:
    while not over.wait(1.0):
        storm.collect()
        storm.open_pages()


def _wait(storm: Storm, wanted: set[str]) -> tuple[dict[str, int], set[str]]:
    """When the first page about each tip was accepted, once each has one or no more come; and who got digests only."""
    until, most = time.monotonic() + PATIENCE, 0
    while True:
        paged: dict[str, int] = {}
        alone: set[str] = set()
        for lookup, note, digest in storm.house.ask(FIRST_PAGES):
            if note in storm.arrived:
                paged[lookup] = min(storm.arrived[note], paged.get(lookup, storm.arrived[note]))
                alone |= set() if digest else {lookup}
        if len(paged) > most:
            until, most = time.monotonic() + PATIENCE, len(paged)
        if wanted <= paged.keys() or time.monotonic() > until:
            return paged, paged.keys() - alone
        time.sleep(2)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2.0, help="how long (default 2; 30 for the record)")
    parser.add_argument("--seed", type=int, help="the same faults in the same order (default: by chance, printed)")
    parser.add_argument("--rate", type=float, default=50.0, help="tips a second (default 50)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
