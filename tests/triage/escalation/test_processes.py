"""The real processes, as their own roles, killed at the worst moments: no page is lost."""

import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from tipline.kernel.clock import database_now
from tipline.outbox import OutboxServer
from triage import epochs
from triage.models import Escalation, Heartbeat, Measure, Notification
from triage.watching import canary_program, measures

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.system]

ROOT = Path(__file__).parents[3]
ESCALATOR = ("manage.py", "escalator")
CELERY = ("-m", "celery", "--quiet", "-A", "tipline", "worker", "--loglevel", "ERROR")
ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")
LEASE = 10
NOWHERE = "redis+socket:///nonexistent/redis.sock"

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def box() -> Iterator[OutboxServer]:
    with OutboxServer() as made:
        yield made


@pytest.fixture
def start(settings, box: OutboxServer, tmp_path: Path) -> Iterator[Start]:
    """Start one process as its role: start("page", *ESCALATOR, "--page", failpoint="page.sent")."""
    call_command("grant_roles")
    running: list[subprocess.Popen[bytes]] = []

    def _start(
        role: str, *command: str, broker: str = NOWHERE, failpoint: str = "", **more: str
    ) -> subprocess.Popen[bytes]:
        told = {
            "TIPLINE_ROLE": role,
            "TIPLINE_DB_NAME": str(connection.settings_dict["NAME"]),
            "TIPLINE_RUN_DIR": str(settings.RUN_DIR),
            "TIPLINE_KEY_PINS": str(settings.KEY_PINS),
            "TIPLINE_PAGER_EVENT_PUBLIC": str(settings.PAGER_EVENT_PUBLIC),
            "TIPLINE_BROKER_URL": broker,
            "TIPLINE_FAILPOINT": failpoint,
            "TIPLINE_SMTP_HOST": "127.0.0.1",
            "TIPLINE_SMTP_PORT": str(box.smtp_port),
            "TIPLINE_SMS_PROVIDERS": "gateway",
            "TIPLINE_SMS_GATEWAY_URL": f"{box.http_url}/sms",
            **more,
        }
        running.append(
            subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=os.environ | told,
                start_new_session=True,
                stderr=subprocess.DEVNULL,
            )
        )
        return running[-1]

    yield _start
    for process in running:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with all its children, and wait for it."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def _catches_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


@pytest.fixture
def beating() -> Callable[[str], None]:
    """Wait until a loop has finished a tick."""

    def _beating(name: str) -> None:
        Heartbeat.objects.filter(name=name).delete()
        wait_for(Heartbeat.objects.filter(name=name).exists, 20)

    return _beating


@pytest.fixture
def live_host(db, settings) -> None:
    epochs.rotate(database_now())


def wait_for(condition: Callable[[], bool], seconds: float) -> float:
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > seconds:
            raise AssertionError("it did not happen in time")
        time.sleep(0.02)
    return time.monotonic() - begun


def sent(box: OutboxServer) -> Counter[str]:
    """How often each page, by its reference, went out."""
    return Counter(message.reference for message in box.messages())


@pytest.mark.usefixtures("live_host", "staffed")
def test_with_redis_and_celery_dead_the_page_leaves_within_two_seconds(start, box, make_tip, beating):
    start("triage", *ESCALATOR, "--triage")
    start("page", *ESCALATOR, "--page")
    beating("escalator-triage")
    beating("escalator-page")

    make_tip()

    assert wait_for(lambda: len(box.messages()) == 2, 5) < 2


@pytest.mark.usefixtures("live_host", "staffed")
def test_an_escalator_killed_with_a_tip_in_hand_loses_nothing(start, make_tip, beating):
    doomed = start("triage", *ESCALATOR, "--triage", failpoint="triage.claimed")
    beating("escalator-triage")
    tip = make_tip()
    assert doomed.wait(10) == -signal.SIGKILL

    start("triage", *ESCALATOR, "--triage")

    wait_for(Escalation.objects.filter(tip=tip).exists, LEASE + 5)
    assert tip.assessment.judged


@pytest.mark.usefixtures("live_host", "staffed")
def test_an_escalator_killed_before_its_commit_leaves_nothing_half_stored(start, make_tip, beating):
    doomed = start("triage", *ESCALATOR, "--triage", failpoint="triage.before_commit")
    beating("escalator-triage")
    tip = make_tip()
    assert doomed.wait(10) == -signal.SIGKILL
    assert not Escalation.objects.exists()
    assert not Notification.objects.exists()

    start("triage", *ESCALATOR, "--triage")

    wait_for(Escalation.objects.filter(tip=tip).exists, LEASE + 5)
    assert Notification.objects.count() == 2


@pytest.mark.usefixtures("staffed")
def test_a_sender_killed_after_the_carriers_yes_sends_the_same_page_once_more(start, box, make_page, beating):
    doomed = start("page", *ESCALATOR, "--page", failpoint="page.sent")
    beating("escalator-page")
    make_page(now=database_now())
    assert doomed.wait(10) == -signal.SIGKILL

    start("page", *ESCALATOR, "--page")

    wait_for(lambda: Notification.objects.filter(state="accepted").count() == 2, LEASE + 8)
    assert set(sent(box)) == {note.pk.hex for note in Notification.objects.all()}
    assert max(sent(box).values()) <= 2


@pytest.mark.usefixtures("live_host", "staffed")
def test_celery_does_the_work_under_the_rights_of_its_roles(start, box, settings, make_tip):
    from tipline.celery import app

    start("triage", *CELERY, *ALONE, "-Q", "triage,triage_new", "-c", "1", "-n", "t@%h", broker=settings.BROKER_URL)
    start("page", *CELERY, *ALONE, "-Q", "page", "-P", "threads", "-c", "2", "-n", "p@%h", broker=settings.BROKER_URL)
    tip = make_tip()

    app.send_task("triage.tasks.assess_newest", args=[str(tip.due.pk)])
    wait_for(Escalation.objects.filter(tip=tip).exists, 60)  # two Celery workers start on a busy machine
    for note in Notification.objects.all():
        for _ in range(5):
            app.send_task("triage.tasks.deliver", args=[str(note.pk)])

    wait_for(lambda: Notification.objects.filter(state="accepted").count() == 2, 10)
    time.sleep(0.5)  # the other four of each find nothing left to do
    assert set(sent(box).values()) == {1}


@pytest.mark.usefixtures("live_host", "staffed")
def test_a_hung_worker_that_wakes_up_too_late_sends_one_page_more_at_most(start, box, settings, make_page, beating):
    box.control(smtp={"mode": "hang", "seconds": 3, "count": 1})
    frozen = start("page", *ESCALATOR, "--page")
    beating("escalator-page")
    make_page(now=database_now())
    wait_for(lambda: any(message.kind == "mail" for message in box.messages()), 5)
    os.killpg(frozen.pid, signal.SIGSTOP)

    start("page", *ESCALATOR, "--page")
    wait_for(Notification.objects.filter(channel="email", state="accepted").exists, LEASE + 5)
    os.killpg(frozen.pid, signal.SIGCONT)
    time.sleep(1)

    mail = Notification.objects.get(channel="email")
    assert mail.state == "accepted"
    assert sent(box)[mail.pk.hex] == 2


@pytest.mark.parametrize("which", ["--triage", "--page"])
def test_sigterm_ends_an_escalator_cleanly(start, staffed, beating, which):
    process = start({"--triage": "triage", "--page": "page"}[which], *ESCALATOR, which)
    beating(f"escalator-{which.removeprefix('--')}")

    process.send_signal(signal.SIGTERM)

    assert process.wait(5) == 0


@pytest.mark.usefixtures("staffed")
def test_with_every_escalator_dead_the_watch_wakes_people_by_itself_and_later_every_page_leaves(
    start, box, make_page, beating
):
    start("watch", "manage.py", "watch")
    doomed = start("page", *ESCALATOR, "--page")
    beating("escalator-page")
    Heartbeat.objects.create(name="escalator-triage", beat_at=database_now() + timedelta(hours=1))
    _end(doomed)
    for _ in range(3):
        make_page(now=database_now())

    late = wait_for(lambda: {"sms", "mail"} == {message.kind for message in box.messages()}, 60)
    assert late < 30
    assert all("page board" in message.body for message in box.messages())

    start("page", *ESCALATOR, "--page")
    wait_for(lambda: Notification.objects.filter(state="accepted").count() >= 6, 60)


def test_sigterm_ends_the_watch_cleanly(start, staffed, ada):
    process = start("watch", "manage.py", "watch")
    wait_for(lambda: _catches_sigterm(process.pid), 20)

    process.send_signal(signal.SIGTERM)

    assert process.wait(8) == 0


@pytest.fixture
def outside() -> Iterator[tuple[str, list[str]]]:
    """Who waits outside for a call: the address, and the calls that came."""
    calls: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/ping", calls
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("live_host", "staffed", "seeds")
def test_test_tips_walk_the_whole_way_and_the_outside_is_called_only_while_they_arrive(start, box, beating, outside):
    address, calls = outside
    canary_program.see_to("canary@example.org")
    told = {
        "TIPLINE_CANARY_MAIL": "canary@example.org",
        "TIPLINE_CANARY_SECONDS": "2",
        "TIPLINE_CANARY_LATE_SECONDS": "8",
        "TIPLINE_DEAD_MAN_URL": address,
        "TIPLINE_ADMIN_MAIL": "operator@example.org",
    }
    start("triage", *ESCALATOR, "--triage")
    pager = start("page", *ESCALATOR, "--page")
    beating("escalator-triage")
    beating("escalator-page")

    start("watch", "manage.py", "watch", **told)
    wait_for(lambda: len(calls) >= 2, 60)
    pages = [message for message in box.messages() if message.to == "canary@example.org"]
    _end(pager)
    wait_for(lambda: any(message.to == "operator@example.org" for message in box.messages()), 60)
    silent = len(calls)
    wait_for(Measure.objects.filter(name=measures.CANARY_FAILED, value=1).exists, 30)

    assert pages
    assert set(calls) == {"/ping"}
    assert len(calls) == silent
    # Nobody on call heard anything of the test tips.
    assert {message.to for message in box.messages() if message.subject.startswith("TL page")} == {"canary@example.org"}
