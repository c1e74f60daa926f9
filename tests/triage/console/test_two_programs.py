"""Two programs in one house: nothing that happens in one shows in the other, and who is of both can tell them apart."""

import re
import secrets
from datetime import timedelta
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import models as db
from django.urls import reverse
from django.utils import timezone

from intake import actions as intake_actions
from intake.message import Identity, Message
from intake.models import Logo, ProgramKey, Tip
from tests.triage.console.conftest import QUIET, WORDS
from tests.triage.console.test_permissions import BEHIND, _address, _ask
from tipline.kernel import times
from triage import actions, models
from triage.audit.chain import Event, record
from triage.console import permissions
from triage.escalation import contacts
from triage.models import Case, Channel, Membership, Role, User
from triage.vault import keys, pins

pytestmark = pytest.mark.django_db

VOLATILE = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"|"X-CSRFToken": "[^"]+"|\d+ (?:second|minute)s? ago')
# A secret of their own each time they are asked for.
MADE_ANEW = {"console:phone", "console:change_words", "console:add_passkey", "console:another_app"}
ADMINISTRATION = ("index", "intake_program_changelist", "triage_user_changelist", "triage_ladder_changelist")
# Of no program, or of the house: what a wrap is of is checked where its tip is.
OF_THE_HOUSE = {"Measure", "Heartbeat"}


@pytest.fixture
def lakeside(other_program):
    """The other program, whose keys the form seals to."""
    pins.add(keys.pin_lines(other_program[0]))
    return other_program[0]


@pytest.fixture
def send_to(epoch_seed, monkeypatch, noon):
    """Send a tip to any program and let a worker assess it: send_to(program, "text", insider=True)."""
    from triage import epochs

    monkeypatch.setattr(epochs, "seed_of", lambda key_id: epoch_seed)

    def send(program, text=QUIET, **answers):
        key = secrets.token_urlsafe(16)
        message, who = Message(text=text, **answers), Identity("Ann Example", "after six")
        done = intake_actions.submit(program, message, who, channel="web", key=key, now=noon)
        tip = Tip.objects.exclude(case__isnull=False).get(follows=None, program=program)
        actions.assess_due(tip.due.pk)
        return done, Case.objects.get(tip=tip)

    return send


@pytest.fixture
def busy(lakeside, other_program, make_person, send_to, noon):
    """Let a whole night pass at Lakeside: a row at least of everything that a program can have."""

    def fill():
        people = {
            role: make_person(f"Lake {role}", role=role, program=lakeside, seeds=other_program[1]) for role in Role
        }
        eve, max_ = people[Role.COORDINATOR].user, people[Role.SUPERVISOR].user
        now, today = timezone.now(), timezone.now().date()
        of = {"program": lakeside}
        phone = contacts.add_contact(eve, lakeside, Channel.SMS, "+14165550188")
        models.OnCall.objects.create(**of, user=eve, position=0)
        done, case = send_to(lakeside, WORDS, danger="yes")
        intake_actions.follow_up(lakeside, done.phrase, Message("he is here"), channel="web", key="f" * 22, now=noon)
        intake_actions.reply(case.tip, "Which entrance?")
        for side in ({}, {"insider": True}):
            for text in (WORDS, QUIET):
                send_to(lakeside, text, **side)
        older, newer = ProgramKey.objects.filter(**of).order_by("purpose")[:2]
        ladder = models.Ladder.objects.create(**of, urgency="urgent")
        models.LadderStep.objects.create(
            **of, ladder=ladder, position=0, after_seconds=0, who="first", channels=["sms"]
        )
        page = models.Escalation.objects.filter(**of)[0]
        note = models.Notification.objects.create(
            **of, escalation=page, user=eve, contact=phone, channel="sms", step=9, loop=9, state="accepted"
        )
        hour = times.hour(now)
        for number, result in enumerate(("accepted", "failed_for_now", "failed_for_good")):
            models.Attempt.objects.create(
                **of, notification=note, number=number, provider="lakes", result=result, hour=hour
            )
        shift = models.Shift.objects.create(**of, user=eve, weekday=0, starts=0, ends=1440)
        for number, each in enumerate(Case.objects.filter(**of)):
            models.Note.objects.create(**of, case=each, by=eve, number=0, sealed=b"-")
            models.Correction.objects.create(**of, case=each, by=eve, number=0, sealed=b"-")
            models.PendingCheck.objects.create(**of, case=each, did="closed", by=eve, due_at=now)
            models.IdentityRequest.objects.create(**of, case=each, asked_by=eve, until=now + timedelta(1), sealed=b"-")
            models.LegalHold.objects.create(**of, case=each, by=eve, since=today)
            models.EraseRequest.objects.create(**of, case=each, asked_by=eve)
            models.Finished.objects.create(**of, case=each, closed_on=today - timedelta(400))
            models.QualityReview.objects.create(
                **of, case=each, oversight=each.oversight, drawn_on=today, number=number
            )
            for event in Event:
                record(lakeside, event, actor=eve, tip=each.tip, now=now)
            models.Recusal.objects.create(**of, case=each, user=max_)
            models.Alarm.objects.create(**of, kind="unread", about=each.pk, due_at=now)
            models.Erasure.objects.create(
                **of, tip=uuid4(), case=uuid4(), oversight=each.oversight, hour=hour, messages=7, replies=7,
                last_copy_on=today,
            )  # fmt: skip
        for made in (
            models.Cover(**of, shift=shift, day=today, user=max_),
            models.ApiToken(
                **of, user=eve, name="lake wall", lookup=secrets.token_bytes(32), public_key=b"-", expires_on=today
            ),
            models.Drill(**of, contact=phone, number=7, state="waiting", made_at=now),
            models.Alarm(**of, kind="nobody_on_call", about=lakeside.pk, due_at=now),
            models.BoardSheet(**of, sealed=b"-"),
            models.SavedViews(**of, user=eve, sealed=b"-"),
            models.ProgramText(**of, kind="contact", title="Lake police", body="555"),
            models.RetentionRule(**of, ended="spam", days=7),
            models.RecoveryKey(**of, public_key=b"-", threshold=2, sheets=3, made_on=today),
            models.KeyLink(**of, older=older, newer=newer, sealed=b"-", since=today),
            models.KeptSecret(**of, name="receipt_pepper", program_key=older, sealed=b"-"),
            models.Job(**of, kind="re-wrap", program_key=older, total=7),
            models.Job(**of, kind="reassess", program_key=newer, total=7),
            Logo(**of, png=b"-", width=1, height=1),
        ):
            made.save(force_insert=True)
        guest = User.objects.create_user("lake-guest", name="Lake guest")
        Membership.objects.create(**of, user=guest, role=Role.COORDINATOR)
        keys.invite(guest, lakeside, {})
        return people

    return fill


def _of_a_program():
    """Every model whose rows belong to a program."""
    for model in apps.get_models():
        if model._meta.app_label in {"intake", "triage"} and model.__name__ not in OF_THE_HOUSE:
            field = next((each for each in model._meta.fields if each.name == "program"), None)
            if isinstance(field, db.ForeignKey):
                yield model


def _pages(client, role, things):
    """Every page that opens for this role, as it reads."""
    found = {}
    for name, rule in BEHIND.items():
        if role in rule.look:
            answer = _ask(client, "GET", _address(name, **things))
            found[name] = (answer.status_code, VOLATILE.sub("", answer.content.decode(errors="replace")))
    for name in ADMINISTRATION if role == Role.ADMINISTRATOR else ():
        answer = client.get(reverse(f"admin:{name}"))
        found[name] = (answer.status_code, VOLATILE.sub("", answer.content.decode()))
    return found


@pytest.mark.parametrize("role", list(Role))
def test_nothing_that_happens_in_another_program_changes_a_page(
    role, make_person, sign_in, case_of, busy, lakeside, monkeypatch
):
    mine = make_person("Mina", role=role)
    colleague = make_person("Cole", role=Role.OVERSIGHT if role == Role.OVERSIGHT else Role.COORDINATOR)
    case = case_of(WORDS, insider=role == Role.OVERSIGHT)
    client = sign_in(mine)
    if role in permissions.READERS:
        client.post(f"/tips/{case.pk}/open/")
    of, today = {"program": case.program, "case": case, "oversight": case.oversight}, timezone.now().date()
    models.QualityReview.objects.create(**of, drawn_on=today, number=0)
    erased = {"tip": uuid4(), "hour": times.hour(timezone.now()), "messages": 1, "replies": 0, "last_copy_on": today}
    certificate = models.Erasure.objects.create(**(of | {"case": uuid4()}), **erased)
    things = {
        "case_id": case.pk,
        "user_id": colleague.user.pk,
        "program_id": case.program_id,
        "erasure_id": certificate.pk,
    }
    before = _pages(client, role, things)

    people = busy()

    after = _pages(client, role, things)
    empty = [model.__name__ for model in _of_a_program() if not model._base_manager.filter(program=lakeside).exists()]
    assert not empty, "A program may have these, and this test does not know whether they stay in it."
    assert len(before) >= 8
    assert people
    assert [name for name in before if before[name] != after[name] and name not in MADE_ANEW] == []
    assert not [name for name in MADE_ANEW & set(after) if "Lake" in after[name][1]]


def test_search_of_one_program_finds_nothing_of_another(adas, ada, case_of, stranger, sign_in, send_to, lakeside):
    _, theirs = send_to(lakeside, WORDS)
    eves = sign_in(stranger)
    eves.post(f"/tips/{theirs.pk}/open/")
    mine = case_of(WORDS)
    adas.post(f"/tips/{mine.pk}/open/")

    for words in ("uncle gun", str(theirs.pk)[:6]):
        said = adas.post("/search/", {"words": words}).content.decode()
        assert str(theirs.pk) not in said
    assert str(mine.pk) in adas.post("/search/", {"words": "uncle gun"}).content.decode()
    assert str(theirs.pk) in eves.post("/search/", {"words": "uncle gun"}).content.decode()


def _numbers(lakeside):
    """How much there is of everything, and what cases and people look like."""
    counted = {model.__name__: model._base_manager.filter(program=lakeside).count() for model in _of_a_program()}
    cases = list(Case.objects.filter(program=lakeside).order_by("pk").values())
    return counted, cases, list(models.ProgramText.objects.filter(program=lakeside).values())


def test_no_form_of_one_program_takes_something_of_another(adas, ada, case_of, busy, lakeside):
    people = busy()
    eve = people[Role.COORDINATOR].user
    theirs = Case.objects.filter(program=lakeside, oversight=False)[0]
    text = models.ProgramText.objects.get(program=lakeside)
    shift = models.Shift.objects.get(program=lakeside)
    case = case_of(WORDS)
    adas.post(f"/tips/{case.pk}/open/")
    before = _numbers(lakeside)
    today = timezone.now().date().isoformat()
    tried = {
        f"/tips/{case.pk}/hand-over/": {"to": eve.pk, "user": eve.pk},
        "/hand-over/": {"to": eve.pk, "user": eve.pk},
        f"/events/{case.pk}/merge/": {"case": [case.pk, theirs.pk], "cases": [case.pk, theirs.pk], "with": theirs.pk},
        f"/events/{case.pk}/split/": {"case": theirs.pk, "cases": theirs.pk},
        f"/events/{case.pk}/apart/": {"case": theirs.pk, "cases": theirs.pk},
        f"/events/{case.pk}/open/": {"case": theirs.pk, "cases": theirs.pk},
        "/texts/save/": {"id": text.pk, "kind": "contact", "title": "Mine now", "body": "1"},
        "/texts/remove/": {"id": text.pk},
        "/shifts/add/": {"person": eve.pk, "weekdays": "0", "weekday": "0", "starts": "08:00", "ends": "18:00"},
        "/shifts/hand-over/": {"shift": f"{shift.pk} {today}", "shift_id": shift.pk, "day": today, "to": eve.pk},
        "/you/passkeys/remove/": {"id": 1},
    }

    for address, given in tried.items():
        answer = adas.post(address, given)
        assert answer.status_code < 500, address
        assert "Lake " not in answer.content.decode(), address

    assert _numbers(lakeside) == before
    case.refresh_from_db()
    assert case.taken_by in (None, ada.user)
    assert case.incident is None
    assert not models.Shift.objects.filter(program=case.program).exists()


@pytest.fixture
def both(ada, adas, other_program, lakeside, program):
    """Ada, who is a coordinator of Lakeside too and holds its keys."""
    from triage.vault import holders

    Membership.objects.create(program=lakeside, user=ada.user, role=Role.COORDINATOR)
    own = models.PersonKey.objects.get(user=ada.user)
    for key in ProgramKey.objects.filter(program=lakeside, purpose__in=keys.purposes_for(ada.user, lakeside)):
        holders.give(key, other_program[1][key.purpose], to=own)
    return adas


def test_who_is_of_two_programs_sees_whose_each_tip_is(both, case_of, send_to, lakeside, program):
    mine, (_, theirs) = case_of(WORDS), send_to(lakeside, WORDS)
    for case in (mine, theirs):
        both.post(f"/tips/{case.pk}/open/")

    board = both.get("/").content.decode()
    found = both.post("/search/", {"words": "uncle gun"}).content.decode()

    for page in (board, found):
        for case, name in ((mine, program.name), (theirs, "Lakeside")):
            place = page.index(f"/tips/{case.pk}/")
            near = page[page.index("</a>", place) :][:80]
            assert f'<span class="tag">{name}</span>' in near
    assert "Lakeside" in both.get(f"/tips/{theirs.pk}/").content.decode()


def test_who_is_of_one_program_is_told_no_name_of_one(adas, case_of, program):
    case_of(WORDS)

    assert f'<span class="tag">{program.name}</span>' not in adas.get("/").content.decode()
    assert "This tip goes to" not in adas.get("/phone/").content.decode()


def test_a_tip_by_phone_goes_to_the_program_one_turned_to_and_says_so(both, lakeside, program):
    for chosen in (program, lakeside):
        both.post(f"/start/{chosen.pk}/")
        page = both.get("/phone/").content.decode()
        key = re.search(r'name="key" value="([^"]+)"', page)[1]
        both.post("/phone/", {"text": QUIET, "key": key})

        assert f"This tip goes to <strong>{chosen.name}</strong>" in page
        assert Tip.objects.filter(program=chosen).count() == 1


def test_ready_answers_and_numbers_are_those_of_the_tips_own_program(both, send_to, lakeside, program):
    lakeside.emergency_number = "112"
    lakeside.save()
    models.ProgramText.objects.create(program=lakeside, kind="reply", title="Lake answer", body="Call {emergency}.")
    models.ProgramText.objects.create(program=program, kind="reply", title="River answer", body="Call {emergency}.")
    _, case = send_to(lakeside, WORDS)
    both.post(f"/start/{program.pk}/")
    both.post(f"/tips/{case.pk}/open/")

    page = both.get(f"/tips/{case.pk}/").content.decode()

    assert "Lake answer" in page
    assert "Call 112." in page
    assert "River answer" not in page
