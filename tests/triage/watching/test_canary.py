"""The canary: a test tip that walks the whole way, is seen by nobody, and is missed when it does not arrive."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection

from intake.channels import whose
from intake.models import CANARY, Due, Program, Receipt, SubmissionKey, Tip, Wrap
from tipline.kernel.clock import database_now
from triage import actions, epochs
from triage.escalation import contacts, deliver
from triage.escalation.senders import Outcome
from triage.models import (
    Assessment,
    AuditEntry,
    Case,
    Contact,
    Escalation,
    Heartbeat,
    Measure,
    Notification,
    User,
)
from triage.watching import beats, canary, canary_program, measures, staffing, telling
from triage.watching.canary import Canary

pytestmark = pytest.mark.django_db

BOX = "canary@example.org"


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Outside:
    """Who waits for a call."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.answers = True

    def __call__(self, url: str) -> bool:
        self.calls.append(url)
        return self.answers


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def bird(settings, carrier, outside, seeds, staffed, worker_host):
    """A canary of a house that has one; `bird.now` are its seconds."""
    settings.CANARY_MAIL = BOX
    settings.DEAD_MAN_URL = "https://dead-man.example/ping"
    settings.ADMIN_MAIL = "operator@example.org"
    canary_program.see_to(BOX)
    epochs.rotate(database_now())
    seconds = Seconds()
    made = Canary(send=carrier, call=outside, monotonic=seconds)
    made.seconds = seconds
    return made


def walk(send, *, page=True):
    """What the workers do with whatever waits: assess it, page it."""
    for due in Due.objects.all():
        actions.assess_due(due.pk)
    if page:
        for note in Notification.objects.filter(due_at__isnull=False):
            deliver.deliver(note.pk, send=send)


def rows_left():
    models = (Tip, Wrap, Receipt, Due, SubmissionKey, Assessment, Case, Escalation, Notification)
    return {model.__name__: model.objects.filter(program_id=CANARY).count() for model in models}


def test_it_walks_the_whole_way_to_its_own_mailbox_and_is_gone(bird, carrier, outside):
    bird.look(database_now())
    assert Tip.objects.get().program_id == CANARY
    walk(carrier)
    bird.look(database_now())

    assert [(channel, message.to) for channel, message in carrier.carried] == [("email", BOX)]
    assert set(rows_left().values()) == {0}
    assert outside.calls == ["https://dead-man.example/ping"]
    assert Heartbeat.objects.filter(name=beats.CANARY).exists()
    assert Measure.objects.get(name=measures.CANARY_FAILED).value == 0
    assert not AuditEntry.objects.exists()


def test_the_next_one_sets_out_five_minutes_later(bird, carrier, outside):
    for second in (0, 3, 6, 297, 300, 303):
        bird.seconds.now = second
        bird.look(database_now())
        walk(carrier)

    assert len(carrier.carried) == 2
    assert len(outside.calls) == 2


def test_one_that_does_not_arrive_is_told_to_the_operator_and_the_outside_is_not_called(bird, carrier, outside):
    bird.look(database_now())
    walk(carrier, page=False)
    bird.seconds.now = 59
    bird.look(database_now())
    early = list(carrier.carried)
    bird.seconds.now = 61
    bird.look(database_now())

    assert early == []
    assert [message.to for _, message in carrier.carried] == ["operator@example.org"]
    assert "did not arrive" in carrier.carried[0][1].body
    assert "http" not in carrier.carried[0][1].body
    assert outside.calls == []
    assert Measure.objects.get(name=measures.CANARY_FAILED).value == 1
    assert set(rows_left().values()) == {0}


def test_the_same_trouble_is_told_once_an_hour(bird, carrier):
    for minute in range(70):
        bird.seconds.now = minute * 60.0 + 1
        bird.look(database_now())

    assert len(carrier.carried) == 2


def test_one_that_nobody_reads_is_missed_too(bird, carrier, outside):
    bird.look(database_now())
    bird.seconds.now = 61
    bird.look(database_now())

    assert outside.calls == []
    assert rows_left()["Due"] == 0


def test_a_mail_server_that_refuses_is_missed(bird, carrier, outside):
    carrier.fails("email", Outcome.FAILED_FOR_NOW)
    bird.look(database_now())
    walk(carrier)
    bird.seconds.now = 61
    bird.look(database_now())

    assert outside.calls == []


def test_an_outside_that_does_not_answer_is_no_trouble_of_ours(bird, carrier, outside, caplog):
    outside.answers = False
    bird.look(database_now())
    walk(carrier)
    bird.look(database_now())

    assert "canary.dead_man_away" in caplog.text
    assert Measure.objects.get(name=measures.CANARY_FAILED).value == 0


def test_without_a_mailbox_none_is_sent(bird, settings):
    settings.CANARY_MAIL = ""

    bird.look(database_now())

    assert not Tip.objects.exists()


def test_a_mailbox_that_setup_has_not_seen_yet_is_said_to_be_so(settings, carrier, outside, program, seeds, caplog):
    settings.CANARY_MAIL = BOX

    Canary(send=carrier, call=outside).look(database_now())

    assert "canary.not_set_up" in caplog.text
    assert Measure.objects.get(name=measures.CANARY_FAILED).value == 1


def test_its_program_is_no_program_of_people(bird, program):
    whose.forget()

    assert list(Program.objects.all()) == [program]
    assert whose.first().program == program
    assert Program.everything.count() == 2


def test_real_tips_and_pages_stay_when_test_tips_are_deleted(bird, make_page, make_tip, assess, carrier):
    assess(make_tip())
    page = make_page()
    bird.look(database_now())
    walk(carrier)
    canary.forget()

    assert Escalation.objects.filter(pk=page.pk).exists()
    assert Escalation.objects.count() == 2
    assert Tip.objects.count() == 2


def test_nobody_watches_over_its_people_and_no_alarm_goes_to_its_mailbox(bird, make_person):
    Contact.objects.filter(program_id=CANARY).update(failing=True)

    assert not any(state.program_id == CANARY for state in staffing.states())
    assert BOX not in {reach.address for reach in telling.everybody()}
    assert BOX not in {reach.address for reach in canary.operators()}


def test_another_mailbox_takes_the_place_of_the_first_and_none_switches_it_off(bird):
    canary_program.see_to("other@example.org")
    live = [contacts.open_address(each) for each in Contact.objects.filter(program_id=CANARY, active=True)]
    canary_program.see_to("")

    assert live == ["other@example.org"]
    assert not Contact.objects.filter(program_id=CANARY, active=True).exists()
    assert User.objects.filter(username=canary_program.NAME).count() == 1


@pytest.fixture
def as_watch(settings) -> Iterator:
    call_command("grant_roles")
    owner = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}

    @contextmanager
    def _as_watch():
        connection.close()
        password = (settings.SECRETS_DIR / "db_watch").read_text().strip()
        connection.settings_dict.update(USER="tipline_watch", PASSWORD=password)
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict.update(owner)

    yield _as_watch
    connection.close()
    connection.settings_dict.update(owner)


@pytest.mark.django_db(transaction=True)
def test_the_watchers_role_sends_finds_and_deletes_it_and_touches_no_other_tip(bird, as_watch, carrier, outside, send):
    send()
    tip = Tip.objects.get()
    with as_watch():
        bird.look(database_now())
    walk(carrier)
    with as_watch():
        bird.look(database_now())
        for statement in (
            f"INSERT INTO intake_receipt (id, program_id, tip_id, lookup, public_key) VALUES"
            f" (gen_random_uuid(), '{tip.program_id}', '{tip.pk}', 'x', 'x')",
            f"INSERT INTO intake_wrap (id, program_id, tip_id, purpose, key_id, sealed) VALUES"
            f" (gen_random_uuid(), '{tip.program_id}', '{tip.pk}', 'epoch', gen_random_uuid(), 'x')",
            "DELETE FROM intake_tip",
            "SELECT sealed FROM intake_tip",
        ):
            with pytest.raises((ProgrammingError, psycopg.Error), match=r"permission denied|row-level security"):
                connection.cursor().execute(statement)
            connection.close()

    assert outside.calls
    assert list(Tip.objects.all()) == [tip]


@pytest.mark.parametrize("role", ["public", "console", "pager"])
@pytest.mark.django_db(transaction=True)
def test_no_other_role_may_delete_test_tips(settings, role):
    call_command("grant_roles")
    found = connection.settings_dict
    password = (settings.SECRETS_DIR / f"db_{role}").read_text().strip()
    with (
        psycopg.connect(
            host=found["HOST"], port=found["PORT"], dbname=found["NAME"], user=f"tipline_{role}", password=password
        ) as door,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        door.execute("SELECT triage_forget_canaries()")


def test_the_call_outside_is_a_plain_get_and_nothing_of_us():
    got = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            got.append((self.path, {name.lower() for name in self.headers}))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answered = canary.dead_man(f"http://127.0.0.1:{server.server_port}/ping/1")
    server.shutdown()
    server.server_close()

    assert answered
    assert got == [("/ping/1", {"accept-encoding", "host", "user-agent", "connection"})]
    assert not canary.dead_man(f"http://127.0.0.1:{server.server_port}/ping/1")
    assert not canary.dead_man("nonsense")
