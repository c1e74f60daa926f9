"""Clocks that are wrong: those of the processes that page, and the one that counts, the database's."""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from tests.faults.bench import Bench, Finding
from tests.faults.registry import CannotPutIn, fault
from tests.story.house import until
from tipline.runner import child

ESCALATORS = ("escalator-triage", "escalator-page")
WORKERS = ("triage-worker", "page-worker")
STEP = 600
LOOKS = 8  # seconds: two looks of the watcher
NEXT = """
SELECT extract(epoch FROM next_at - clock_timestamp())::float,
       (SELECT count(DISTINCT (loop, step)) FROM triage_notification WHERE escalation_id = page.id)
FROM triage_escalation AS page WHERE state = 'open'
"""
"""In how many seconds the next step is due, and how many steps have told somebody. Empty ones tell nobody."""


@fault(
    26,
    "Clocks two hours off; the database's clock steps",
    "libfaketime: escalators 2 h fast, then slow; PostgreSQL 10 min on, then back",
    "no step early or lost beyond the database's own; the watcher tells of that",
    late=2,
)
def wrong_clocks(bench: Bench) -> Finding:
    library, late = _library(), []
    for wrong in ("+2h", "-2h"):
        late.append(_escalators_are_wrong(bench, library, wrong))
        bench.clear()
    with _postgres_with_a_clock(bench, library) as clock:
        for step in (STEP, -STEP):
            late.append(_the_database_steps(bench, clock, step))
            bench.clear()
    fast, slow, on, back = late
    return Finding(max(late), f"fast {fast:.2f}, slow {slow:.2f}, on {on:.2f}, back {back:.2f} s late")


def _escalators_are_wrong(bench: Bench, library: Path, wrong: str) -> float:
    told = {"LD_PRELOAD": str(library), "FAKETIME": wrong, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    told["PYTHONPATH"] = str(_sleeping(bench))
    with ExitStack() as stack:
        stack.enter_context(bench.stopped(*ESCALATORS, *WORKERS))
        ((since,),) = bench.ask("SELECT clock_timestamp()")
        for name in ESCALATORS:
            stack.enter_context(bench.house.beside(name, **told))
        until(lambda: _beat(bench, since), 60, pause=0.2)
        sent = bench.send()
        found = bench.late(sent, bench.first(sent))
        time.sleep(3)  # several looks
        # The second step is where the ladder has it, not two hours off.
        ((seconds, heard),) = bench.ask(NEXT)
        assert heard == 1, f"{heard} steps told with clocks {wrong}"
        assert 30 < seconds <= 300, f"the next step in {seconds:.0f} s with clocks {wrong}"
    return found


def _the_database_steps(bench: Bench, clock: Path, step: int) -> float:
    """Step the clock on or back while a page climbs, and see what comes of it and of a new tip."""
    sent = bench.send()
    first = bench.late(sent, bench.first(sent))
    until(lambda: bench.ask(NEXT)[0][1] == 1, 10)
    before = bench.phones.last()
    _set(clock, max(0, step))
    # Forward, what is due is due, and one step is taken; back, the page waits no longer than the clock went.
    bench.phones.wait_for(lambda message: "watch" in message["subject"], after=before, patience=30)
    if step > 0:  # the watcher may look before the escalator does
        until(lambda: bench.ask(NEXT)[0][1] != 1, 5)
    ((seconds, heard),) = bench.ask(NEXT)
    assert heard == (2 if step > 0 else 1), f"{heard} steps told after {step} s"
    assert (0 if step > 0 else STEP) < seconds <= (0 if step > 0 else STEP) + 300, f"next in {seconds:.0f} s"
    other = bench.send()
    found = max(first, bench.late(other, bench.first(other)))
    time.sleep(LOOKS)  # the watcher sees that all is well
    return found


@contextmanager
def _postgres_with_a_clock(bench: Bench, library: Path) -> Iterator[Path]:
    """Run PostgreSQL with a clock of our own for the length of a block; yields the file that sets it."""
    clock = bench.house.log.parent / "clock"
    _set(clock, 0)
    faked = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    usual = bench.house.postgres.command()
    command = dataclasses.replace(usual, environment=usual.environment | faked)
    with bench.house.unattended():
        bench.house.shut_postgres()
        with bench.house.log.open("ab") as log:
            own = child.spawn(command, output=log.fileno())
        try:
            until(bench.house.postgres.is_ready, 30)
            ((since,),) = bench.ask("SELECT clock_timestamp()")
            until(lambda: _beat(bench, since), 30, pause=0.2)
            yield clock
        finally:
            child.stop(own, command)
    until(bench.house.postgres.is_ready, 60)
    bench.house.wait_until_whole()


def _set(clock: Path, seconds: int) -> None:
    # In one go: it is read at every look at the time, and an empty one would end who reads it.
    fresh = clock.with_suffix(".new")
    fresh.write_text(f"{seconds:+d}\n")
    fresh.chmod(0o644)
    fresh.replace(clock)


def _sleeping(bench: Bench) -> Path:
    """Where Python finds a sleep that libfaketime bears: it refuses the kind of Python 3.11 and later."""
    place = bench.house.log.parent / "sleeping"
    place.mkdir(exist_ok=True)
    (place / "sitecustomize.py").write_text(
        "import threading, time\ntime.sleep = lambda seconds: threading.Event().wait(seconds)\n"
    )
    return place


def _beat(bench: Bench, since: datetime) -> bool:
    """Whether both escalators have beaten since then."""
    asked = "SELECT count(*) FROM triage_heartbeat WHERE name = ANY(%s) AND beat_at > %s"
    return bench.ask(asked, list(ESCALATORS), since) == [(len(ESCALATORS),)]


def _library() -> Path:
    """Where libfaketime is. Raises CannotPutIn."""
    places = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib*/faketime/libfaketime.so.1")
    for place in places:
        for found in Path("/").glob(place.lstrip("/")):
            return found
    raise CannotPutIn("libfaketime is missing (Debian's package faketime brings it)")
