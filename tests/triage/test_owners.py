"""A lease whose process has ended ends soon; one whose process stands still, or cannot be judged, runs its time."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

from intake.models import Due
from tipline.kernel.clock import database_now
from triage import actions, owners

pytestmark = pytest.mark.django_db(transaction=True)

CLAIMS = """
import sys, time, uuid, django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from triage import actions
print(len(actions.claim([uuid.UUID(sys.argv[2])])), flush=True)
time.sleep(60)
"""


@pytest.fixture
def other(make_tip) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lease of the only waiting tip."""
    make_tip("There is a bicycle without an owner behind the pool")
    argv = [sys.executable, "-c", CLAIMS, connection.settings_dict["NAME"], str(Due.objects.get().pk)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def look():
    return owners.Ended("intake_due")


def seconds_left() -> float:
    until = Due.objects.get().lease_until
    assert until is not None
    return (until - database_now()).total_seconds()


def gone() -> None:
    """Wait until PostgreSQL has seen that only this process is left."""
    asked = (
        "SELECT count(DISTINCT objid) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    for _ in range(1000):
        with connection.cursor() as cursor:
            cursor.execute(asked, [owners.SPACE])
            if cursor.fetchone()[0] <= 1:
                return
    raise AssertionError("it still has a session")


def test_the_lease_of_a_process_that_was_killed_ends_in_a_second(other, look):
    other.kill()
    other.wait()
    gone()

    assert look() == 1

    assert seconds_left() <= owners.LEFT


def test_the_lease_of_a_process_that_stands_still_runs_its_time(other, look):
    other.send_signal(signal.SIGSTOP)

    assert look() == 0

    assert seconds_left() > owners.LEFT
    other.send_signal(signal.SIGCONT)


def test_an_owner_keeps_its_lease_over_a_new_connection(make_tip, look):
    make_tip("There is a bicycle without an owner behind the pool")
    actions.claim([Due.objects.get().pk])
    connection.close()

    assert look() == 0

    assert seconds_left() > owners.LEFT


def test_whoever_else_takes_the_lock_holds_nobody_up_and_ends_no_lease(make_tip, look):
    make_tip("There is a bicycle without an owner behind the pool")
    mark = int(str(owners.new())[:8], 16)
    connection.close()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [owners.SPACE, mark])

    assert len(actions.claim([Due.objects.get().pk])) == 1
    assert look() == 0

    other.close()
    assert seconds_left() > owners.LEFT


def test_an_owner_that_names_no_process_is_not_judged(make_tip, look):
    make_tip("There is a bicycle without an owner behind the pool")
    Due.objects.update(lease_owner=uuid4(), lease_until=database_now() + timedelta(seconds=10))

    assert look() == 0

    assert seconds_left() > owners.LEFT


def test_no_two_leases_have_one_owner():
    first, second = owners.new(), owners.new()

    assert first != second
    assert (first.version, str(first)[:8]) == (8, str(second)[:8])
