"""PostgreSQL: gone, full of idlers, cutting connections, holding a lock."""

import signal
import time
from contextlib import ExitStack, suppress

import psycopg

from tests.faults.bench import Bench, Finding, Sent
from tests.faults.registry import fault
from tests.story.house import until
from tipline.runner.postgres import PORT
from tipline.runner.secrets import read


@fault(
    14,
    "PostgreSQL stops at once",
    "SIGQUIT as often as it is started",
    "503; nothing half saved",
    late=5,
)
def stops(bench: Bench) -> Finding:
    with bench.house.held_down("postgres", number=signal.SIGQUIT):
        answer, _ = _try_sending(bench)
        time.sleep(bench.seconds(3, 30))
    assert answer in (0, 503)
    until(bench.house.postgres.is_ready, 60)
    back = time.monotonic()
    sent = bench.send()
    page = bench.first(sent)
    assert bench.tips() == 1
    return Finding(bench.late(sent, page), f"receipt {sent.received - back:.1f} s after it was back")


@fault(
    15,
    "PostgreSQL has no connection left for the public door",
    "idle connections under its name, to the limit",
    "503 or a receipt; the engine still pages",
    late=2,
)
def exhausted(bench: Bench) -> Finding:
    with ExitStack() as idle:
        held = 0
        with suppress(psycopg.OperationalError):
            while held < 200:
                idle.enter_context(_as_public(bench))
                held += 1
        assert held < 200, "there is no limit"
        bench.house.kill("escalator-page")
        bench.house.kill("escalator-triage")
        until(lambda: bench.house.pid("escalator-page") and bench.house.pid("escalator-triage"), 40, pause=0.1)
        time.sleep(3)  # they are up, if they found a connection
        answer, sent = bench.send_once()
        if answer.status == 200:
            page = bench.first(sent)
            return Finding(bench.late(sent, page), f"receipt given beside {held} idlers")
    assert answer.status == 503
    return Finding(bench.paged().late, f"503 beside {held} idlers")


@fault(17, "Idle connections cut", "pg_terminate_backend of everybody", "the next tick works", late=2, quick=True)
def cut(bench: Bench) -> Finding:
    found = []
    for _ in range(2):
        bench.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'tipline%%'")
        found.append(bench.paged().late or 0)
    return Finding(max(found))


@fault(
    18,
    "A lock held on a tip's row",
    "FOR UPDATE, held open",
    "other tips are not delayed; it goes on later",
    late=2,
)
def locked(bench: Bench) -> Finding:
    workers = ("triage-worker", "escalator-triage")
    with bench.stopped(*workers):
        held = bench.send()
        hold = bench.house.connect()
        hold.autocommit = False
        hold.execute("SELECT * FROM intake_tip ORDER BY number DESC LIMIT 1 FOR UPDATE")
        hold.execute("SELECT * FROM intake_due FOR UPDATE")
    try:
        other = bench.send()
        late = bench.late(other, bench.first(other))
        time.sleep(bench.seconds(5, 45))
        assert bench.ask("SELECT count(*) FROM intake_due") == [(1,)]
    finally:
        hold.rollback()
        hold.close()
    freed = time.monotonic()
    after = Sent(held.text, freed, bench.phones.last())
    page = bench.first(after, patience=30)
    return Finding(late, f"the locked one {bench.late(after, page):.1f} s after the lock")


def _try_sending(bench: Bench) -> tuple[int, str]:
    form = bench.street.get("/")
    if form.status != 200:
        return form.status, ""
    answer = bench.street.send(bench.text(), form.nonce)
    return answer.status, answer.text


def _as_public(bench: Bench) -> psycopg.Connection:
    return psycopg.connect(
        host=str(bench.house.places.postgres_sockets),
        port=PORT,
        user="tipline_public",
        password=read(bench.house.places.secrets, "db_public"),
        dbname="tipline",
        connect_timeout=3,
    )
