"""The loops on a real database: a tip is found, judged and paged without Celery, and over a restart."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from intake.models import Due
from tipline.kernel.clock import database_now
from triage import epochs
from triage.escalation import escalators, loop, wake
from triage.escalation.handover import Publisher
from triage.models import Escalation, Heartbeat, Notification

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def live_host(db, settings) -> None:
    """This host's key is good by the database's clock."""
    epochs.rotate(database_now())


@pytest.fixture
def start(settings) -> Iterator[Callable[..., None]]:
    """Run a loop on a thread of its own until the test is over."""
    settings.BROKER_URL = ""
    stop, threads = threading.Event(), []

    def _start(name: str, tick: Callable[[], float], channel: str) -> None:
        def work() -> None:
            try:
                loop.run(name, tick, channel=channel, stop=stop)
            finally:
                if isinstance(tick, escalators.PageTick):
                    tick.close()
                connection.close()

        threads.append(threading.Thread(target=work, name=name))
        threads[-1].start()

    yield _start
    stop.set()
    for thread in threads:
        thread.join(10)
    # Sending threads keep a connection each; the next test empties the tables.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def wait_for(condition: Callable[[], bool], seconds: float) -> float:
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > seconds:
            raise AssertionError("it did not happen in time")
        time.sleep(0.01)
    return time.monotonic() - begun


@pytest.mark.usefixtures("live_host", "staffed")
def test_without_celery_or_redis_a_page_leaves_within_two_seconds(start, make_tip, carrier):
    start(loop.TRIAGE, escalators.TriageTick(Publisher()), wake.DUE)
    start(loop.PAGE, escalators.PageTick(Publisher(), send=carrier), wake.PAGE)
    wait_for(lambda: Heartbeat.objects.count() == 2, 5)

    make_tip("He said he will bring his uncle's gun to school tomorrow")

    took = wait_for(lambda: len(carrier.carried) == 2, 2)
    assert took < 2
    assert not Due.objects.exists()


@pytest.mark.usefixtures("live_host", "staffed")
def test_a_lost_notice_costs_half_a_second(start, make_tip, carrier, monkeypatch):
    monkeypatch.setattr("intake.actions._nudge", lambda: None)
    monkeypatch.setattr(wake, "wake", lambda channel: None)
    start(loop.TRIAGE, escalators.TriageTick(Publisher()), wake.DUE)
    start(loop.PAGE, escalators.PageTick(Publisher(), send=carrier), wake.PAGE)
    wait_for(lambda: Heartbeat.objects.count() == 2, 5)

    make_tip("He said he will bring his uncle's gun to school tomorrow")

    wait_for(lambda: len(carrier.carried) == 2, 2)


@pytest.mark.usefixtures("live_host", "staffed")
def test_a_loop_whose_connections_are_cut_works_again_within_five_seconds(start, make_tip, carrier):
    start(loop.TRIAGE, escalators.TriageTick(Publisher()), wake.DUE)
    start(loop.PAGE, escalators.PageTick(Publisher(), send=carrier), wake.PAGE)
    wait_for(lambda: Heartbeat.objects.count() == 2, 5)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    make_tip("He said he will bring his uncle's gun to school tomorrow")

    wait_for(lambda: len(carrier.carried) == 2, 5)


@pytest.mark.usefixtures("live_host", "staffed")
def test_a_lock_on_one_tip_does_not_delay_another(start, make_tip, carrier, settings):
    held, free = make_tip("He will bring a gun to school tomorrow"), None
    params = {
        k: v
        for k, v in connection.get_connection_params().items()
        if k in ("dbname", "user", "password", "host", "port")
    }
    with psycopg.connect(**params) as holder:
        holder.execute("SELECT 1 FROM intake_due WHERE tip_id = %s FOR UPDATE", [held.pk])
        start(loop.TRIAGE, escalators.TriageTick(Publisher()), wake.DUE)
        free = make_tip("She says she will kill herself tonight, she has the pills")

        wait_for(lambda: Escalation.objects.filter(tip=free).exists(), 3)
        assert not Escalation.objects.filter(tip=held).exists()
        holder.rollback()
    wait_for(lambda: Escalation.objects.filter(tip=held).exists(), 3)


@pytest.mark.usefixtures("live_host", "staffed")
def test_two_pairs_of_escalators_make_no_page_twice(start, make_tip, carrier):
    for _ in range(2):
        start(loop.TRIAGE, escalators.TriageTick(Publisher()), wake.DUE)
        start(loop.PAGE, escalators.PageTick(Publisher(), send=carrier), wake.PAGE)

    for turn in range(10):
        make_tip(f"He said he will bring gun number {turn} to school tomorrow and shoot")

    wait_for(lambda: Notification.objects.filter(state="accepted").count() == 20, 10)
    references = [message.reference for _, message in carrier.carried]
    assert len(references) == len(set(references)) == 20


@pytest.mark.usefixtures("live_host", "staffed")
def test_what_waits_when_the_host_is_stopped_is_assessed_before_its_keys_are_gone(make_tip, settings):
    settings.BROKER_URL = ""
    for word in ("one", "two", "three"):
        make_tip(f"He brought a gun to school, he says {word}")
    assert Due.objects.count() == 3

    drained = escalators.TriageTick(Publisher()).drain()

    assert drained == 3
    assert not Due.objects.exists()
    assert Escalation.objects.count() == 3


@pytest.mark.usefixtures("live_host", "staffed")
def test_a_tip_in_anothers_hands_does_not_hold_up_the_end(make_tip, settings):
    settings.BROKER_URL = ""
    make_tip("They sell pills behind the rink")
    Due.objects.update(lease_owner=uuid4(), lease_until=database_now() + timedelta(seconds=10))

    begun = time.monotonic()
    assert escalators.TriageTick(Publisher()).drain() == 0

    assert time.monotonic() - begun < escalators.DRAIN / 2
