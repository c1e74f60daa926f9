"""The console's own PostgreSQL role is enough for a coordinator's night, and for nothing beyond it."""

import re
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.utils import timezone

from intake.models import ProgramKey
from triage.models import AuditEntry, Case, Contact, Membership, QualityReview, SavedViews, User
from triage.vault import keys, recovery

from .authenticator import Authenticator, options_of
from .conftest import WORDS, totp

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def _as_console(settings):
    """Everything in the block is done with the rights of the console door."""
    owner = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
    connection.close()
    password = (settings.SECRETS_DIR / "db_console").read_text().strip()
    connection.settings_dict.update(USER="tipline_console", PASSWORD=password)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(owner)


def _version():
    return Case.objects.get().version


def test_a_whole_night_passes_with_the_consoles_rights(settings, ada, bob, sign_in, case_of):
    case = case_of(WORDS, name="Maria Doe", reach="after six")
    call_command("grant_roles")

    with _as_console(settings):
        adas = sign_in(ada)
        assert adas.get("/").status_code == 200
        tip = f"/tips/{case.pk}"
        steps = [
            adas.post(f"{tip}/take/"),
            adas.post(f"{tip}/pass-on/"),
            adas.post(f"{tip}/take/"),
            adas.post(f"{tip}/open/"),
            adas.post(f"{tip}/correct/", {"urgency": "priority", "categories": ["weapons"], "version": _version()}),
            adas.post(f"{tip}/reply/", {"text": "Which entrance?", "after": 0}),
            adas.post(f"{tip}/close/", {"reason": "resolved", "version": _version()}),
            adas.post(f"{tip}/undo/", {"version": _version()}),
            adas.post(f"{tip}/close/", {"reason": "resolved", "version": _version()}),
            adas.post(f"{tip}/reopen/", {"version": _version(), "why": "More came"}),
            adas.post(f"{tip}/note/", {"text": "Call the school"}),
            adas.post(f"{tip}/risk/"),
            adas.post(f"{tip}/told/", {"who": "School"}),
            adas.post(f"{tip}/duty/", {"to": "School"}),
            adas.post(f"{tip}/look-again/", {"when": "1"}),
            adas.post(f"{tip}/wait/"),
            adas.post(f"{tip}/hand-over/", {"to": bob.user.pk, "text": "Yours"}),
            adas.post(f"{tip}/take-over/"),
            adas.post("/hand-over/", {"to": bob.user.pk}),
            adas.post("/texts/save/", {"kind": "say", "body": "Twice"}),
        ]
        numbers = [adas.get("/numbers/"), adas.post("/numbers/measure/")]
        shown = adas.post(f"{tip}/submitter/", {"why": "She asked to be called"})
        left = adas.post("/sign-out/")

    assert [step.status_code for step in steps] == [302] * len(steps)
    assert [page.status_code for page in numbers] == [200, 200]
    assert "Maria Doe" in shown.content.decode()
    assert left.status_code == 302


def test_events_samples_and_long_work_pass_with_the_consoles_rights(settings, ada, sign_in, case_of, program):
    threat = (
        "Marcus posted that he will bring his gun to the school tomorrow and shoot everybody in the science hallway"
    )
    cases = [case_of(threat), case_of(threat)]
    QualityReview.objects.create(program=program, case=cases[0], drawn_on=timezone.now().date(), number=0)
    call_command("grant_roles")

    with _as_console(settings):
        adas = sign_in(ada)
        first, second = (f"/events/{case.pk}" for case in cases)
        steps = [
            adas.post(f"{first}/open/", {"sealed": [case.pk for case in cases]}),
            adas.post(f"{first}/merge/", {"tip": [case.pk for case in cases]}),
            adas.post(f"{second}/split/"),
            adas.post(f"{second}/apart/"),
            adas.post("/jobs/sort/"),
            adas.post(f"/quality/{cases[0].pk}/", {"level": "imminent"}),
        ]
        pages = [adas.get(f"{first}/"), adas.get("/quality/"), adas.get("/jobs/"), adas.get("/")]

    assert [step.status_code for step in steps] == [302] * len(steps)
    assert [page.status_code for page in pages] == [200] * len(pages)
    assert QualityReview.objects.get().level == "imminent"


def test_changing_how_one_signs_in_passes_with_the_consoles_rights(settings, ada, sign_in):
    call_command("grant_roles")

    with _as_console(settings):
        adas, elsewhere = sign_in(ada), sign_in(ada, ahead=1)
        adas.post("/you/recovery-codes/")
        phone = Authenticator()
        made = phone.make(options_of(adas.get("/you/passkeys/add/")))
        adas.post("/you/passkeys/add/", {"name": "my phone", "credential": made})
        shown = adas.get("/you/")
        ended = elsewhere.get("/")
        adas.post("/you/passkeys/remove/", {"passkey": shown.context["passkeys"][0].pk})
        left = adas.get("/you/").context["passkeys"]
        adas.post("/you/sign-out-everywhere/")
        over = adas.get("/")

    assert [each.name for each in shown.context["passkeys"]] == ["my phone"]
    assert left == []
    assert ended["Location"] == over["Location"] == "/sign-in/"


def test_a_first_sign_in_passes_with_the_consoles_rights(settings, program, seeds):
    user = User.objects.create_user("dana", name="Dana")
    Membership.objects.create(program=program, user=user)
    held = {ProgramKey.objects.get(program=program, purpose=purpose): seed for purpose, seed in seeds.items()}
    code = keys.invite(user, program, held)
    call_command("grant_roles")

    with _as_console(settings):
        dana = Client()
        dana.post("/first/", {"username": "dana", "code": code}, secure=True)
        page = dana.get("/first/words/", secure=True).content.decode()
        words = " ".join(re.findall(r'<strong class="lead">(.*?)</strong>', page))
        dana.post("/first/words/", {"typed": words}, secure=True)
        page = dana.get("/second-factor/", secure=True).content.decode()
        secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page)[1].replace(" ", "")
        paired = dana.post("/second-factor/", {"code": totp(secret)}, secure=True)
        board = dana.get("/", secure=True)

    assert paired["Location"] == "/second-factor/spare/"
    assert board.status_code == 200


def test_coming_going_and_the_kit_pass_with_the_consoles_rights(settings, ada, bob, chair, sign_in, program):
    Contact.objects.create(program=program, user=bob.user, channel="sms", sealed=b"-", address_mac=b"-")
    call_command("grant_roles")

    with _as_console(settings):
        adas = sign_in(ada)
        adas.post("/people/invite/", {"name": "Dana", "username": "dana", "role": "coordinator", "identity": "yes"})
        code = adas.get("/people/code/")
        dana = User.objects.get(username="dana")
        adas.post(f"/people/{dana.pk}/code/")
        adas.post(f"/people/{dana.pk}/withdraw/")
        for role in ("supervisor", "admin"):
            adas.post(f"/people/{bob.user.pk}/role/", {"role": role, "identity": "yes"})
        adas.post("/texts/save/", {"kind": "contact", "title": "School", "body": "555-0100"})
        adas.post("/views/save/", {"name": "Night", "who": "nobody"})
        adas.post("/views/save/", {"name": "Night", "who": "mine"})
        adas.post("/views/remove/", {"name": "Night"})
        left = adas.post(f"/people/{bob.user.pk}/leave/", {"leaves": "yes"}, follow=True)
        for _kit in range(2):
            adas.post("/kit/begin/", {"sheets": 3, "threshold": 2})
            pages = [adas.get(f"/kit/sheets/{number}/").content for number in (1, 2, 3)]
            words = [re.search(rb"Check word: ([a-z-]+)", page)[1].decode() for page in pages]
            adas.post("/kit/sheets/", {f"check{n}": word for n, word in enumerate(words, start=1)})
            sign_in(chair, ahead=_kit).post("/kit/join/")
        words = re.findall(r'<strong class="lead">(.*?)</strong>', adas.get("/you/words/").content.decode())
        changed = adas.post("/you/words/", {"typed": " ".join(words)})

    assert code.status_code == 200
    assert "Bob has left" in left.content.decode()
    assert not Membership.objects.filter(user__in=[bob.user, dana]).exists()
    assert AuditEntry.objects.filter(event="role_changed").count() == 2
    assert AuditEntry.objects.filter(event="call_contacts_changed").count() == 1
    assert not SavedViews.objects.exists()
    assert recovery.state(program).whole
    assert ProgramKey.objects.filter(program=program, retired=True).count() == 5
    assert changed["Location"] == "/you/"


@pytest.mark.parametrize(
    "sql",
    [
        # It takes tips over the phone, as the public door does, and changes none.
        "UPDATE intake_tip SET sealed = ''",
        "DELETE FROM intake_tip",
        "UPDATE intake_receipt SET lookup = ''",
        "DELETE FROM intake_receipt",
        "DELETE FROM intake_programkey",
        "UPDATE intake_programkey SET public_key = ''",
        "DELETE FROM intake_due",
        "DELETE FROM intake_wrap",
        "INSERT INTO triage_assessment DEFAULT VALUES",
        "UPDATE triage_assessment SET urgency = 'routine'",
        "DELETE FROM triage_case",
        "UPDATE triage_auditentry SET event = ''",
        "DELETE FROM triage_auditentry",
        "TRUNCATE triage_auditentry",
        "SELECT * FROM triage_pagerevent",
        "DELETE FROM triage_escalation",
    ],
)
def test_the_consoles_role_is_refused_what_it_need_not_do(settings, sql, program):
    call_command("grant_roles")

    with _as_console(settings), pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(sql)
