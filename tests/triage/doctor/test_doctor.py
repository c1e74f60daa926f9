"""The doctor: every part says what it found and what to do, and the command's status says how bad it is."""

import http.server
import io
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import ClassVar

import pytest
from django.core.management import call_command

from tipline.middleware import HEADERS
from tipline.outbox import OutboxServer
from triage import doctor
from triage.doctor import Finding, Level, doors, gateways, machine, people
from triage.escalation import contacts, drills
from triage.models import Channel, Drill, DrillState, Grant, OnCall, Role

pytestmark = pytest.mark.django_db


def said(check: Callable[[], Iterator[Finding]], *levels: Level) -> str:
    return " ".join(finding.text for finding in check() if not levels or finding.level in levels)


class Far(http.server.BaseHTTPRequestHandler):
    """A far side that answers as told."""

    status = 200
    headers_sent: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        self.send_response_only(self.status)
        for name, value in self.headers_sent.items():
            self.send_header(name, value)
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def far() -> Iterator[Callable[..., str]]:
    """far(status, headers): the address of a server that answers so."""
    running: list[http.server.ThreadingHTTPServer] = []

    def make(status: int = 200, headers: dict[str, str] | None = None) -> str:
        handler = type("Told", (Far,), {"status": status, "headers_sent": headers or {}})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        running.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield make
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def outbox(settings) -> Iterator[OutboxServer]:
    with OutboxServer() as box:
        settings.SMTP = {
            "host": "127.0.0.1", "port": box.smtp_port, "user": "", "starttls": False, "sender": "tl@example.org",
        }  # fmt: skip
        yield box


def test_a_mail_server_that_takes_us_is_well_and_gets_no_mail(outbox):
    assert "takes us" in said(gateways.mail, Level.WELL)
    assert outbox.messages() == []


def test_a_mail_server_that_is_away_is_grave(outbox, settings):
    outbox.stop()

    assert "does not take us" in said(gateways.mail, Level.GRAVE)


def test_a_mail_server_without_the_encryption_it_should_have_is_grave(outbox, settings):
    settings.SMTP = {**settings.SMTP, "starttls": True}

    assert "does not take us" in said(gateways.mail, Level.GRAVE)


@pytest.mark.parametrize(
    ("status", "level"), [(405, Level.WELL), (501, Level.WELL), (200, Level.WELL), (502, Level.GRAVE)]
)
def test_an_sms_gateway_that_answers_anything_but_a_fault_is_well(settings, far, status, level):
    settings.SMS_PROVIDERS, settings.SMS_GATEWAY_URL = ["gateway"], far(status)

    assert "SMS gateway" in said(gateways.sms, level)


def test_a_clock_far_from_the_gateways_is_said(settings, far):
    behind = format_datetime(datetime.now(UTC) - timedelta(minutes=5), usegmt=True)
    settings.SMS_PROVIDERS, settings.SMS_GATEWAY_URL = ["gateway"], far(200, {"Date": behind})

    assert "seconds apart" in said(gateways.sms, Level.LOOK)


def test_twilio_that_refuses_the_account_is_grave(settings, far):
    settings.SMS_PROVIDERS = ["twilio"]
    settings.TWILIO = {"base_url": far(401), "account": "AC1", "sender": "+1"}

    assert "refuses our account" in said(gateways.sms, Level.GRAVE)
    assert "one SMS provider" in said(gateways.sms, Level.LOOK)


def test_a_house_without_calls_is_told_what_that_means(settings):
    settings.TWILIO = {"base_url": "", "account": "", "sender": ""}

    assert "No calls are made" in said(gateways.voice, Level.LOOK)


def point_doors(settings, url: str) -> None:
    settings.PUBLIC_URL = settings.CONSOLE_URL = settings.PAGER_URL = url


def test_doors_with_all_their_headers_are_well(settings, far):
    point_doors(settings, far(200, HEADERS))

    assert said(doors.answering, Level.GRAVE, Level.LOOK) == ""


@pytest.mark.parametrize(
    ("status", "headers", "level", "text"),
    [
        (503, HEADERS, Level.GRAVE, "does not answer"),
        (200, {}, Level.GRAVE, "answers without Content-Security-Policy"),
        (200, {**HEADERS, "Server": "nginx/1.18"}, Level.LOOK, "tells what it runs on"),
        (200, {**HEADERS, "Set-Cookie": "a=b"}, Level.GRAVE, "sets a cookie"),
    ],
    ids=["down", "bare", "talkative", "cookie"],
)
def test_a_door_that_is_not_as_it_must_be_is_said(settings, far, status, headers, level, text):
    point_doors(settings, far(status, headers))

    assert text in said(doors.answering, level)


def test_a_door_without_tls_is_grave_in_production(settings, far):
    settings.LOCAL = False
    point_doors(settings, far(200, HEADERS))

    assert "without TLS" in said(doors.answering, Level.GRAVE)


def test_a_certificate_nobody_vouches_for_is_no_answer(settings, tmp_path):
    assert doctor.doors.ask("https://127.0.0.1:1/healthz").fault
    assert ssl.create_default_context().verify_mode == ssl.CERT_REQUIRED


def test_one_holder_of_a_key_is_too_few(program, make_person, seeds):
    assert "nobody has signed in" in said(people.holders, Level.LOOK)
    key = program.keys.get(purpose="content")
    for count, text in ((1, "one person alone"), (2, "2 people hold")):
        Grant.objects.create(program=program, program_key=key, user=make_person(f"P{count}"), sealed=b"-")
        assert text in said(people.holders)


def test_a_key_that_is_not_pinned_is_grave(program, seeds, settings, tmp_path):
    from intake import keys

    settings.KEY_PINS = tmp_path / "no-pins.txt"
    keys.forget()

    assert "is not pinned" in said(people.holders, Level.GRAVE)


def test_nobody_on_call_is_grave_and_a_test_page_that_was_answered_is_well(program, make_person, noon):
    assert "nobody is on call" in said(people.reachable, Level.GRAVE)
    ada = make_person("Ada", email=None)
    OnCall.objects.create(program=program, user=ada, position=0)
    assert "nobody is on call" not in said(people.reachable)
    assert "0 of 1" in said(people.reachable, Level.LOOK)

    drills.ask(ada.contacts.get(channel=Channel.SMS), now=datetime.now(UTC))
    Drill.objects.update(state=DrillState.ANSWERED)

    assert "1 of 1" in said(people.reachable, Level.WELL)


def test_one_person_alone_is_said_for_either_kind_of_tips(program, make_person):
    make_person("Ada")
    make_person("Zoe", role=Role.OVERSIGHT)
    make_person("Mute", sms=None, email=None)
    assert said(people.alone, Level.LOOK).count("one person alone can be called") == 2

    make_person("Chief", role=Role.SUPERVISOR)

    assert "(all others)" not in said(people.alone)
    assert said(people.alone).count("one person alone can be called") == 1


def test_a_program_without_ladders_is_said(program):
    assert said(people.ladders, Level.LOOK).count("there is no ladder") == 4


def test_secrets_others_can_read_are_grave_unless_their_directory_is_shut(settings, tmp_path: Path):
    settings.SECRETS_DIR = tmp_path
    (tmp_path / "vault_pepper").write_text("x")
    (tmp_path / "vault_pepper").chmod(0o644)
    tmp_path.chmod(0o755)
    assert "vault_pepper" in said(machine.secrets, Level.GRAVE)

    tmp_path.chmod(0o700)

    assert said(machine.secrets, Level.GRAVE) == ""


@pytest.mark.parametrize(("free", "level"), [(5, Level.GRAVE), (15, Level.LOOK), (60, Level.WELL)])
def test_a_full_disk_is_said_in_time(monkeypatch, free, level):
    from shutil import _ntuple_diskusage

    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: _ntuple_diskusage(100, 100 - free, free))

    assert f"{free} %" in said(machine.disk, level)


def test_the_database_of_the_tests_writes_down_no_statement(monkeypatch):
    # pytest itself listens to every logger.
    monkeypatch.setattr(machine.unlogged, "of_django", list)

    assert said(machine.database, Level.GRAVE) == ""
    assert "agree about the time" in said(machine.clock, Level.WELL)


def test_a_database_that_logs_statements_is_grave():
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL log_parameter_max_length_on_error = 100")

        assert "log_parameter_max_length_on_error" in said(machine.database, Level.GRAVE)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ([Finding.well("a")], 0),
        ([Finding.well("a"), Finding.look("b", "do it")], 1),
        ([Finding.grave("c", "now"), Finding.look("b", "do it")], 2),
    ],
)
def test_the_status_of_the_command_is_the_worst_it_found(monkeypatch, found, status):
    monkeypatch.setattr(doctor, "findings", lambda: iter(found))
    out = io.StringIO()

    try:
        call_command("doctor", "--json", stdout=out)
        ended = 0
    except SystemExit as end:
        ended = int(str(end.code))

    assert ended == status
    assert [each["text"] for each in json.loads(out.getvalue())] == [each.text for each in found]


def test_what_cannot_be_looked_at_is_a_finding_and_the_rest_is_still_looked_at(monkeypatch):
    def broken() -> Iterator[Finding]:
        raise RuntimeError("words of somebody")
        yield

    monkeypatch.setattr(doctor, "CHECKS", (broken, lambda: iter([Finding.well("fine")])))

    found = list(doctor.findings())
    assert [each.level for each in found] == [Level.GRAVE, Level.WELL]
    assert "words of somebody" not in found[0].text


def test_an_address_nobody_wrote_down_is_never_shown(program, make_person):
    make_person("Ada", sms="+14165550177")
    contacts.add_contact(make_person("Ben"), program, Channel.EMAIL, "ben@home.example")

    shown = " ".join(each.text + each.do for each in doctor.findings())

    assert "5550177" not in shown
    assert "home.example" not in shown
