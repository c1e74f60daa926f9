"""Rows and people: tasks that come fifty times, poisoned rows, nobody on call, races."""

import json
import threading
import time

from celery import Celery

from tests.faults.bench import Bench, Finding
from tests.faults.registry import fault
from tests.story.house import until

PENDING = "SELECT id::text FROM triage_notification WHERE due_at IS NOT NULL AND state = 'pending'"


@fault(25, "The same task fifty times", "one message each, all at once", "exactly one sending", late=12, quick=True)
def fifty_times(bench: Bench) -> Finding:
    with bench.stopped("page-worker", "escalator-page"):
        sent = bench.send()
        notes = [note for (note,) in until(lambda: bench.ask(PENDING), 20)]
        queue = Celery("fifty", broker=bench.house.places.broker_url)
        for _ in range(50):
            queue.send_task("triage.tasks.deliver", args=notes, queue="page")
        queue.close()
        go = time.monotonic()
    page = bench.first(sent)
    until(lambda: bench.ask(PENDING) == [], 20)
    time.sleep(1)
    assert len(bench.new) == len(notes)
    return Finding(max(0.0, page["arrived_ns"] / 1e9 - go), f"{len(notes)} messages")


@fault(27, "Rota edited while a page climbs", "everybody taken off the rota", "the page keeps its snapshot", late=2)
def rota_edited(bench: Bench) -> Finding:
    sent = bench.send()
    page = bench.first(sent)
    asked = "SELECT snapshot FROM triage_escalation WHERE state = 'open'"
    before = bench.ask(asked)
    with _without(bench, "triage_oncall"):
        time.sleep(1)
        assert bench.ask(asked) == before
    return Finding(
        bench.late(sent, page),
        "changes of the clock, leap days and swaps: test_rota.py, by the moment handed to the database",
    )


@fault(
    28,
    "Nobody on call; the only one has sent STOP",
    "rota emptied; STOP by SMS",
    "everybody is paged at once",
    late=2,
    quick=True,
)
def nobody_on_call(bench: Bench) -> Finding:
    with _without(bench, "triage_oncall"):
        found = bench.paged()
    bench.clear()
    first = bench.send()
    sms = bench.first(first, kind="sms")
    assert bench.phones.answer(sms, "STOP") in (200, 204)
    stopped = "SELECT count(*) FROM triage_contact WHERE NOT active"
    until(lambda: bench.ask(stopped) != [(0,)], 20)
    bench.clear()
    try:
        other = bench.send()
        late = bench.late(other, bench.first(other, kind="mail"))
    finally:
        with bench.house.connect() as connection:
            connection.execute("UPDATE triage_contact SET active = true")
    return Finding(max(found.late or 0, late))


@fault(
    29,
    "Taken in the second in which the next step is due",
    "both at once",
    "one outcome, then quiet",
    late=2,
)
def race(bench: Bench) -> Finding:
    late = []
    for _ in range(int(bench.seconds(4, 10))):
        sent = bench.send()
        sms = bench.first(sent, kind="sms")
        late.append(bench.late(sent, sms))
        taking = threading.Thread(target=bench.take, args=(sms,))
        taking.start()
        with bench.house.connect() as connection:
            connection.execute("UPDATE triage_escalation SET next_at = clock_timestamp() WHERE state = 'open'")
        taking.join(30)
        until(lambda: bench.ask("SELECT count(*) FROM triage_escalation WHERE state = 'taken'") == [(1,)], 20)
        time.sleep(2.5)
        bench.check()
        bench.clear()
    return Finding(max(late), f"{len(late)} races")


@fault(
    33,
    "Poisoned rows and texts",
    "a snapshot that cannot be read; null bytes, right-to-left, emoji",
    "everybody is told; other tips flow",
    late=2,
)
def poison(bench: Bench) -> Finding:
    sent = bench.send()
    bench.first(sent)
    with bench.house.connect() as connection:
        connection.execute(
            "UPDATE triage_escalation SET snapshot = %s, next_at = clock_timestamp() WHERE state = 'open'",
            [json.dumps({"steps": "no"})],
        )
    until(lambda: "escalation.snapshot_unreadable" in bench.house.said, 20)
    odd = f"\u202e\u0000 {bench.text()} \U0001f52a\u200b\u200d {'a' * 2000}"
    second = bench.send(odd)
    late = bench.late(second, bench.first(second))
    return Finding(max(late, bench.paged().late or 0))


def _without(bench: Bench, table: str):
    """Empty a small table for the length of a block."""
    return _Emptied(bench, table)


class _Emptied:
    def __init__(self, bench: Bench, table: str) -> None:
        self._bench, self._table = bench, table

    def __enter__(self) -> None:
        with self._bench.house.connect() as connection:
            connection.execute(f"CREATE TABLE IF NOT EXISTS kept_aside AS SELECT * FROM {self._table}")
            connection.execute(f"DELETE FROM {self._table}")

    def __exit__(self, *_: object) -> None:
        with self._bench.house.connect() as connection:
            connection.execute(f"INSERT INTO {self._table} SELECT * FROM kept_aside")
            connection.execute("DROP TABLE kept_aside")
