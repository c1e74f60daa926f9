"""The real process, as its own PostgreSQL role: killed in the middle, it goes on after the next unlock."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from intake.models import ProgramKey, Purpose, Wrap
from tipline.kernel.clock import database_now
from triage import actions, epochs
from triage.custody import handing
from triage.models import Assessment, Case, Custodian, Escalation, HandOver, Job, JobKind
from triage.vault import rotation

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.system]

ROOT = Path(__file__).parents[3]
TIPS = 130
Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def start(settings) -> Iterator[Start]:
    call_command("grant_roles")
    running: list[subprocess.Popen[bytes]] = []
    told = {
        "TIPLINE_ROLE": "custodian",
        "TIPLINE_DB_NAME": str(connection.settings_dict["NAME"]),
        "TIPLINE_RUN_DIR": str(settings.RUN_DIR),
        "TIPLINE_KEY_PINS": str(settings.KEY_PINS),
    }

    def _start() -> subprocess.Popen[bytes]:
        argv = [sys.executable, "manage.py", "custodian"]
        running.append(subprocess.Popen(argv, cwd=ROOT, env=os.environ | told, stderr=subprocess.DEVNULL))
        return running[-1]

    yield _start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def until(true: Callable[[], bool], patience: float = 60) -> None:
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_killed_in_the_middle_the_work_goes_on_after_the_next_unlock(start, send, rotate, adas):
    for number in range(TIPS):
        send(f"tip {number}")
    old = rotate()
    first = start()
    until(lambda: bool(handing.present(database_now())))
    assert handing.feed(adas(), now=database_now()) == 1

    until(lambda: Job.objects.get().done > 0)
    first.send_signal(signal.SIGKILL)
    first.wait(10)

    assert not Job.objects.get().finished
    left = Wrap.objects.filter(key_id=old.pk).count()
    assert 0 < left < TIPS
    killed = Custodian.objects.get().pk
    start()
    until(lambda: Custodian.objects.exclude(pk=killed).exists())
    time.sleep(2)  # it has no key, so nothing moves
    assert Wrap.objects.filter(key_id=old.pk).count() == left

    handing.feed(adas(), now=database_now())
    until(lambda: Job.objects.get().finished)

    assert not Wrap.objects.filter(key_id=old.pk).exists()
    assert Wrap.objects.filter(key_id=rotation.successor(old).pk).count() == TIPS


def test_asked_to_end_it_takes_its_announcement_back(start):
    process = start()
    until(Custodian.objects.exists)
    process.terminate()

    assert process.wait(20) == 0
    assert not Custodian.objects.exists()
    assert not HandOver.objects.exists()


def test_open_tips_are_sorted_anew_and_page_with_its_rights_alone(start, send, tip_of, adas, epoch_seed, monkeypatch):
    monkeypatch.setattr(epochs, "seed_of", lambda key_id: epoch_seed)
    tip = tip_of(send("He said he will bring his uncle's gun to school tomorrow"))
    actions.assess_due(tip.due.pk)
    # As if an earlier version had seen nothing in it.
    Escalation.objects.all().delete()
    Assessment.objects.update(urgency="routine", sealed=b"")
    Case.objects.update(urgency="routine")
    handing.start(JobKind.REASSESS, ProgramKey.objects.get(purpose=Purpose.CONTENT))
    start()
    until(Custodian.objects.exists)

    handing.feed(adas(), now=database_now())
    until(lambda: Job.objects.filter(finished=True).exists())

    job = Job.objects.get()
    assert (job.raised, job.broken) == (1, 0)
    assert Escalation.objects.running().get().urgency == Case.objects.get().urgency != "routine"
