"""The administration: what administrators change, what nobody reaches through it, and that all of it is on record."""

import re

import pytest
from django.contrib.admin.sites import site as djangos_own
from django.db import models
from django.urls import reverse

from intake.models import Program
from tests.triage.console.conftest import *  # noqa: F403  people with keys of their own
from tests.triage.console.conftest import WORDS
from triage.admin import pages
from triage.admin.site import Theirs, models_reached, site
from triage.audit.chain import Event
from triage.console.permissions import RULES
from triage.models import AuditEntry, Ladder, LadderStep, ProgramText, Role, TextKind, Urgency, User

pytestmark = pytest.mark.django_db

TIPLESS = {Program, User, Ladder, LadderStep, ProgramText}
CHANGED_BY_THE_SERVER = {"readers", "police_reader", "identity_allowed", "identity_needs_two"}


@pytest.fixture
def ladder(program) -> Ladder:
    found, _ = Ladder.objects.get_or_create(program=program, urgency=Urgency.URGENT, oversight=False)
    found.steps.all().delete()
    for position, (after, who) in enumerate([(0, "first"), (120, "next")]):
        LadderStep.objects.create(
            program=program, ladder=found, position=position, after_seconds=after, who=who, channels=["sms"]
        )
    return found


@pytest.fixture
def admin(make_person, sign_in):
    """The browser of somebody who administers the program."""
    return sign_in(make_person("Adele", role=Role.ADMINISTRATOR))


def change(model: type[models.Model], pk: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])


def listed(model: type[models.Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def texts(program: Program, **changed: object) -> dict[str, object]:
    fields = [name for name in pages.Programs.fields if name not in pages.Programs.readonly_fields]
    return {name: getattr(program, name) for name in fields} | changed


def rungs(ladder: Ladder, *steps: tuple[int, str, list[str]], gone: tuple[int, ...] = ()) -> dict[str, object]:
    """What the form of a ladder sends: its steps as they are to be, the first of them those that are there."""
    there = list(ladder.steps.order_by("pk"))
    sent: dict[str, object] = {
        "loop_after": 120,
        "steps-TOTAL_FORMS": len(steps),
        "steps-INITIAL_FORMS": len(there),
        "steps-MIN_NUM_FORMS": 0,
        "steps-MAX_NUM_FORMS": 20,
    }
    for number, (after, who, channels) in enumerate(steps):
        known = {"id": there[number].pk} if number < len(there) else {"id": ""}
        found = {**known, "ladder": ladder.pk, "after_seconds": after, "who": who, "channels": channels}
        sent |= {f"steps-{number}-{name}": value for name, value in found.items()}
        if number in gone:
            sent[f"steps-{number}-DELETE"] = "on"
    return sent


def test_no_model_with_a_tip_or_a_key_in_it_is_registered():
    assert models_reached() == TIPLESS
    assert not djangos_own._registry


def test_no_sealed_or_binary_column_and_no_way_to_another_table_is_on_any_page():
    for model, its_admin in site._registry.items():
        shown = {*its_admin.fields, *its_admin.list_display, *its_admin.search_fields, *its_admin.list_filter}
        for inline in its_admin.inlines:
            shown |= set(inline.fields)
        for name in shown:
            reached = [
                m for m in (model, *(i.model for i in its_admin.inlines)) if name in {f.name for f in m._meta.fields}
            ]
            for each in reached:
                field = each._meta.get_field(name)
                assert not isinstance(field, models.BinaryField | models.ForeignKey), (model, name)
        assert not any("__" in name.strip("_") or "sealed" in name or "key" in name for name in shown)
        assert isinstance(its_admin, Theirs)
        assert its_admin.actions is None
        assert not its_admin.lookup_allowed("tips__sealed__startswith", "x")


def test_every_address_of_it_is_for_administrators_alone(sign_in, make_person, program, ladder, urgent, ada):
    text = ProgramText.objects.create(program=program, kind=TextKind.SAY, body="One anonymous source")
    objects = {Program: program.pk, User: ada.user.pk, Ladder: ladder.pk, ProgramText: text.pk}
    addresses = ["/admin/", "/admin/jsi18n/", "/admin/triage/", "/admin/intake/"]
    addresses += [listed(model) for model in objects] + [change(model, pk) for model, pk in objects.items()]
    assert {name for name in RULES if name.startswith("admin:")} == {
        f"admin:{url.name}" for url in _urls(site.get_urls())
    }
    for number, role in enumerate(Role):
        client = sign_in(make_person(f"P{number}", role=role))
        for address in addresses:
            for method in ("get", "post"):
                answer = getattr(client, method)(address)
                if role == Role.ADMINISTRATOR:
                    assert answer.status_code in {200, 302, 405}, (address, method)
                else:
                    assert answer.status_code == 403, (role, address, method)
                assert WORDS[:20] not in answer.content.decode()


def _urls(found):
    for each in found:
        if hasattr(each, "url_patterns"):
            yield from _urls(each.url_patterns)
        else:
            yield each


def test_no_password_log_or_foreign_name_is_served(admin):
    for path in ("login/", "logout/", "password_change/", "autocomplete/", "r/1/1/", "auth/", "intake/tip/"):
        assert admin.get(f"/admin/{path}").status_code == 404, path


def test_pages_keep_the_strict_policy_and_run_nothing_inline(admin, program, ladder, ada):
    for address in ("/admin/", listed(User), change(Program, program.pk), change(Ladder, ladder.pk)):
        answer = admin.get(address)
        page = answer.content.decode()
        assert answer.status_code == 200, address
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert not re.search(r"<script(?![^>]*(src=|type=\"application/json\"))|<style|style=\"|\son\w+=\"", page), (
            address
        )
        assert not re.search(r"(src|href)=\"(https?:)?//", page), address


def test_an_administrator_changes_texts_and_it_is_on_record(admin, program):
    answer = admin.post(change(Program, program.pk), texts(program, crisis_line="211"))

    program.refresh_from_db()
    assert (answer.status_code, program.crisis_line) == (302, "211")
    entry = AuditEntry.objects.get(event=Event.ADMINISTERED)
    assert entry.actor is not None
    assert entry.actor.name == "Adele"


def test_what_two_people_must_agree_to_cannot_be_undone_here(admin, program):
    admin.post(
        change(Program, program.pk),
        texts(
            program, readers=99, police_reader="", identity_allowed="", identity_needs_two="on", changed_on="2020-01-01"
        ),
    )

    before = {name: getattr(program, name) for name in CHANGED_BY_THE_SERVER | {"changed_on"}}
    program.refresh_from_db()
    assert {name: getattr(program, name) for name in before} == before


@pytest.mark.parametrize(("field", "value"), [("timezone", "Mars/Olympus"), ("duty_hours", "always"), ("name", "")])
def test_what_makes_no_sense_is_refused(admin, program, field, value):
    answer = admin.post(change(Program, program.pk), texts(program, **{field: value}))

    assert answer.status_code == 200
    assert "errornote" in answer.content.decode()
    assert not AuditEntry.objects.filter(event=Event.ADMINISTERED).exists()


def test_a_name_can_be_corrected_and_nothing_else_of_a_person(admin, ada):
    admin.post(change(User, ada.user.pk), {"name": "Ada L.", "username": "mallory", "is_active": ""})

    ada.user.refresh_from_db()
    assert (ada.user.name, ada.user.username, ada.user.is_active) == ("Ada L.", "ada", True)


def test_steps_of_a_ladder_are_put_in_the_order_of_their_seconds(admin, ladder):
    first, _second = ladder.steps.order_by("pk")
    sent = rungs(ladder, (300, first.who, ["email"]), (0, "everyone", ["voice", "sms"]), (60, "supervisors", ["sms"]))

    answer = admin.post(change(Ladder, ladder.pk), sent)

    assert answer.status_code == 302, answer.content.decode()[:4000]
    found = ladder.steps.order_by("position").values_list("position", "after_seconds", "channels")
    assert list(found) == [(0, 0, ["voice", "sms"]), (1, 60, ["sms"]), (2, 300, ["email"])]
    page = admin.get(change(Ladder, ladder.pk)).content.decode()
    assert re.findall(r'name="steps-\d-after_seconds" value="(\d+)"', page) == ["0", "60", "300"]


def test_a_ladder_may_have_steps_of_its_own_for_self_harm(admin, ladder):
    steps = [(each.after_seconds, each.who, each.channels) for each in ladder.steps.order_by("pk")]
    sent = rungs(ladder, *steps, (0, "everyone", ["voice"])) | {"steps-2-self_harm": "on"}

    assert admin.post(change(Ladder, ladder.pk), sent).status_code == 302
    assert list(ladder.steps.filter(self_harm=True).values_list("after_seconds", "who")) == [(0, "everyone")]
    late = rungs(ladder, *steps, (60, "everyone", ["voice"])) | {"steps-2-self_harm": "on"}
    assert admin.post(change(Ladder, ladder.pk), late).status_code == 200
    assert ladder.steps.filter(self_harm=False).count() == 2


@pytest.mark.parametrize(
    "steps", [((30, "first", ["sms"]), (60, "next", ["sms"])), ((0, "first", []), (60, "next", ["sms"]))]
)
def test_a_ladder_that_wakes_nobody_at_once_is_refused(admin, ladder, steps):
    answer = admin.post(change(Ladder, ladder.pk), rungs(ladder, *steps))

    assert answer.status_code == 200
    assert [each.after_seconds for each in ladder.steps.order_by("position")] == [0, 120]


def test_all_steps_cannot_be_taken_away(admin, ladder):
    steps = [(each.after_seconds, each.who, each.channels) for each in ladder.steps.order_by("pk")]

    answer = admin.post(change(Ladder, ladder.pk), rungs(ladder, *steps, gone=(0, 1)))

    assert answer.status_code == 200
    assert ladder.steps.count() == 2


def test_another_program_is_not_there(admin, stranger, other_program, program):
    lakeside, _ = other_program
    foreign = Ladder.objects.create(program=lakeside, urgency=Urgency.URGENT)
    for model, pk in ((Program, lakeside.pk), (User, stranger.user.pk), (Ladder, foreign.pk)):
        for answer in (admin.get(change(model, pk)), admin.post(change(model, pk), {"name": "Taken over"})):
            assert answer.status_code == 302
            assert "Lakeside" not in answer.content.decode()
        assert "Lakeside" not in admin.get(listed(model)).content.decode()
        assert "Eve" not in admin.get(listed(model)).content.decode()
    lakeside.refresh_from_db()
    assert lakeside.name == "Lakeside"


@pytest.mark.parametrize(
    "query", ["tips__sealed__startswith=x", "key__salt__gt=x", "keys__public_key=x", "o=9.9", "p=99"]
)
def test_an_address_cannot_ask_about_another_table(admin, program, query):
    for model in (Program, User, Ladder):
        answer = admin.get(f"{listed(model)}?{query}")
        assert answer.status_code in {200, 302, 400}
        assert answer.status_code != 200 or "=x" not in query


def test_a_session_without_its_second_factor_stays_outside(make_person, visitor):
    adele = make_person("Adele", role=Role.ADMINISTRATOR)
    visitor.post("/sign-in/", {"username": "adele", "pass_phrase": adele.phrase}, secure=True)

    assert visitor.get("/admin/", secure=True)["Location"].startswith("/sign-in/")


def test_the_first_page_of_an_administrator_leads_there(admin):
    assert 'href="/admin/"' in admin.get("/start/").content.decode()


def test_words_of_a_text_are_changed_and_whom_to_call_is_named_on_record(admin, program, other_program):
    school = ProgramText.objects.create(program=program, kind=TextKind.CONTACT, title="School", body="555 0100")
    theirs = ProgramText.objects.create(
        program=other_program[0], kind=TextKind.CONTACT, title="School", body="555 0199"
    )
    new = {"title": "School", "body": "555 0111", "language": "", "kind": TextKind.SAY}

    assert admin.post(change(ProgramText, school.pk), new).status_code == 302
    assert admin.post(change(ProgramText, theirs.pk), new).status_code == 302  # to the first page: it is not there

    school.refresh_from_db()
    theirs.refresh_from_db()
    assert (school.kind, school.body, theirs.body) == (TextKind.CONTACT, "555 0111", "555 0199")
    events = set(
        AuditEntry.objects.filter(event__in=(Event.ADMINISTERED, Event.CALL_CONTACTS_CHANGED)).values_list(
            "event", flat=True
        )
    )
    assert events == {Event.ADMINISTERED, Event.CALL_CONTACTS_CHANGED}
