"""The command that begins another program, gives it a logo and says what each says about itself."""

import re

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from intake import logo
from intake.channels import nonce
from intake.models import Due, Logo, Program, ProgramKey, Purpose, Tip
from tests.intake.test_logo import png
from tipline.kernel.clock import database_now
from triage import actions, epochs
from triage.doctor import kit, people
from triage.escalation import engine
from triage.models import (
    Contact,
    Invitation,
    KeptSecret,
    Ladder,
    LadderStep,
    Membership,
    Notification,
    OnCall,
    User,
)
from triage.vault import keys, recovery
from triage.watching import canary_program

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def state(settings, tmp_path):
    settings.STATE_DIR = tmp_path
    settings.PAGER_EVENT_PUBLIC = tmp_path / "pager_event_public.txt"


@pytest.fixture
def first(capsys):
    """An installation that was set up, as an operator finds it."""
    call_command("setup")
    capsys.readouterr()
    return Program.objects.get()


LAKESIDE = ("name=Lakeside Crime Stoppers", "emergency_number=112")


def test_one_command_makes_a_second_program_with_all_that_the_first_has(first, settings, capsys):
    call_command("program", *LAKESIDE, new="lakeside")

    lakeside = Program.objects.exclude(pk=first.pk).get()
    said = capsys.readouterr().out
    assert "lakeside: http://127.0.0.1:8000/p/lakeside/" in said
    assert (lakeside.name, lakeside.emergency_number, lakeside.position) == ("Lakeside Crime Stoppers", "112", 1)
    assert said.count("one-time code:") == 2
    assert "name: lakeside-coordinator" in said
    assert len(settings.KEY_PINS.read_text().splitlines()) == ProgramKey.objects.count() == 6
    for model in (Ladder, Contact, OnCall, Membership, Invitation, KeptSecret):
        assert model.objects.filter(program=lakeside).count() == model.objects.filter(program=first).count() > 0
    steps = "position", "after_seconds", "who", "channels", "ladder__urgency", "ladder__oversight"
    made, there = (LadderStep.objects.filter(program=each).order_by(*steps) for each in (lakeside, first))
    assert list(made.values_list(*steps)) == list(there.values_list(*steps)) != []
    assert lakeside.promise
    assert lakeside.readers == 1


def test_the_first_people_of_a_second_program_hold_its_keys_and_no_others(first, capsys):
    call_command("program", *LAKESIDE, new="lakeside")
    codes = dict(re.findall(r"name: (\S+)  one-time code: (.+)", capsys.readouterr().out))

    for name, purposes in (("coordinator", {"content", "identity"}), ("chair", {"oversight", "identity"})):
        user = User.objects.get(username=f"lakeside-{name}")
        unlocked, _phrase = keys.accept(user.invitation, codes[user.username])
        held = ProgramKey.objects.filter(pk__in=unlocked.key_ids())
        assert {each.program.slug for each in held} == {"lakeside"}
        assert {each.purpose for each in held} == purposes


def test_a_tip_to_a_second_program_is_sealed_stored_and_pages_its_people_alone(first, street, epoch_seed, monkeypatch):
    call_command("program", *LAKESIDE, new="lakeside")
    monkeypatch.setattr(epochs, "seed_of", lambda key_id: epoch_seed)

    sent = street.post(
        "/p/lakeside/",
        {
            "text": "He said he will bring his uncle's gun to school tomorrow",
            "danger": "yes",
            "nonce": nonce.make(timezone.now(), "/p/lakeside/"),
        },
    )
    actions.assess_due(Due.objects.get().pk)
    engine.climb_due(database_now())

    assert sent.status_code == 200
    assert Tip.objects.get().program.slug == "lakeside"
    told = set(Notification.objects.values_list("contact__user__username", flat=True))
    assert "lakeside-coordinator" in told
    assert not told & {"coordinator", "chair"}


def test_the_codes_of_a_second_program_are_repeated_like_the_firsts(first, capsys):
    call_command("program", *LAKESIDE, new="lakeside")
    capsys.readouterr()

    call_command("setup")

    said = capsys.readouterr().out
    assert said.count("one-time code:") == 4
    assert said.count("name: lakeside-") == 2


def test_somebody_who_is_here_already_adds_the_code_to_their_words(settings, first, capsys):
    unlocked = signed_in(settings)
    Invitation.objects.filter(user__username="coordinator").delete()  # as printing the kit does

    call_command("program", *LAKESIDE, new="lakeside", coordinator="coordinator")
    codes = dict(re.findall(r"name: (\S+)  one-time code: (.+)", capsys.readouterr().out))
    lakeside = keys.add(unlocked, codes["coordinator"])

    assert set(codes) == {"coordinator", "lakeside-chair"}
    assert lakeside == Program.objects.get(slug="lakeside")
    for program in (first, lakeside):
        assert unlocked.program_seed(program, Purpose.CONTENT) is not None
        assert unlocked.program_seed(program, Purpose.OVERSIGHT) is None
    assert Membership.objects.filter(user__username="coordinator", role="coordinator").count() == 2


def test_nobody_begins_another_program_whose_first_code_is_the_only_copy_of_a_key(settings, first):
    signed_in(settings)

    with pytest.raises(CommandError, match="kit"):
        call_command("program", *LAKESIDE, new="lakeside", coordinator="coordinator")

    assert Invitation.objects.get(user__username="coordinator").until_kit


def signed_in(settings):
    """The first coordinator, who has used the code of the set-up."""
    kept = dict(line.split(" ", 1) for line in (settings.STATE_DIR / "first-sign-in.txt").read_text().splitlines())
    user = User.objects.get(username="coordinator")
    return keys.accept(user.invitation, kept["coordinator"])[0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"new": "Lake Side"}, "short name"),
        ({"new": "l" * 41}, "short name"),
        ({"new": "-"}, "short name"),
        ({"new": "first"}, "already"),
        ({"new": "canary"}, "already"),
        ({"new": "lakeside", "coordinator": "same", "chair": "Same"}, "two people"),
        ({"new": "lakeside", "coordinator": "coordinator"}, "not signed in yet"),
        ({"new": "lakeside", "coordinator_phone": "5550123"}, "numbers"),
    ],
)
def test_a_program_that_cannot_be_made_leaves_nothing_behind(first, settings, given, said):
    canary_program.see_to("canary@example.org")
    models = (Program, ProgramKey, User, Membership, Ladder, OnCall, Invitation, Contact)
    before, pins = [model._base_manager.count() for model in models], settings.KEY_PINS.read_text()

    with pytest.raises(CommandError, match=said):
        call_command("program", *LAKESIDE, **given)

    assert [model._base_manager.count() for model in models] == before
    assert settings.KEY_PINS.read_text() == pins


def test_a_program_needs_a_name(first):
    with pytest.raises(CommandError, match="name"):
        call_command("program", new="lakeside")

    assert Program.objects.count() == 1


def test_with_several_programs_one_is_named_before_anything_changes(first, capsys):
    call_command("program", *LAKESIDE, new="lakeside")
    capsys.readouterr()

    with pytest.raises(CommandError, match="--slug first or lakeside"):
        call_command("program", "crisis_line=111")
    call_command("program", "crisis_line=111", slug="lakeside")
    capsys.readouterr()
    call_command("program")

    said = capsys.readouterr().out
    assert "first: http://127.0.0.1:8000/\n" in said
    assert "lakeside: http://127.0.0.1:8000/p/lakeside/\n" in said
    assert dict(Program.objects.values_list("slug", "crisis_line")) == {"first": "988", "lakeside": "111"}


def test_the_form_speaks_only_what_there_is(first, settings):
    settings.LANGUAGES = [("en", "English"), ("fr", "French")]
    call_command("program", "languages=fr, en")

    with pytest.raises(CommandError, match="'de'"):
        call_command("program", "languages=de")

    assert Program.objects.get().languages == "fr en"


def test_a_logo_is_given_and_taken_away_by_the_operator(first, tmp_path):
    file = tmp_path / "logo.png"
    file.write_bytes(png())
    call_command("program", logo=str(file))
    given = Logo.objects.get()
    file.write_bytes(b"<svg/>")
    with pytest.raises(CommandError, match="It is no PNG"):
        call_command("program", logo=str(file))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("program", logo=str(tmp_path / "nothing.png"))

    assert (given.program, given.width, len(given.png)) == (first, 4, logo.SIZE)
    assert Logo.objects.exists()
    call_command("program", no_logo=True)
    assert not Logo.objects.exists()


def test_doctor_and_kit_ask_the_same_of_a_second_program(first, capsys):
    call_command("program", *LAKESIDE, new="lakeside")
    said = [finding.text for check in (kit.recovery_kit, people.holders, people.ladders) for finding in check()]

    assert "Lakeside Crime Stoppers: the recovery kit was never printed." in said
    assert sum("nobody has signed in who holds the key" in each for each in said) == 6
    assert not any("ladder" in each or "not pinned" in each for each in said)


@pytest.fixture
def kits(first, capsys, noon):
    """A second program, and the sheets of both kits by the program's short name."""
    call_command("program", *LAKESIDE, new="lakeside")
    call_command("setup")
    codes = dict(re.findall(r"name: (\S+)  one-time code: (.+)", capsys.readouterr().out))
    made = {}
    for program, name in ((first, "coordinator"), (Program.objects.get(slug="lakeside"), "lakeside-coordinator")):
        user = User.objects.get(username=name)
        unlocked, _phrase = keys.accept(user.invitation, codes[name])
        draft = recovery.draft(program)
        recovery.confirm(program, draft, by=user, unlocked=unlocked, now=noon)
        made[program.slug] = draft.lines
    return made


def test_each_programs_kit_opens_its_own_keys_and_no_others(kits):
    for slug, other in (("first", "lakeside"), ("lakeside", "first")):
        program = Program.objects.get(slug=slug)
        _, opened = recovery.opened(program, kits[slug][:2])

        assert {key.program for key in opened} == {program}
        with pytest.raises(recovery.WrongSheets):
            recovery.opened(program, kits[other][:2])


def test_who_comes_back_by_a_kit_is_let_into_its_program_alone(kits, monkeypatch, capsys):
    with pytest.raises(CommandError, match="--program: first, lakeside"):
        call_command("recover", "ann")
    typed = iter(kits["lakeside"])
    monkeypatch.setattr("builtins.input", lambda _asked: next(typed))

    call_command("recover", "ann", name="Ann", program="lakeside")

    code = re.search(r"name: ann  one-time code: (.+)", capsys.readouterr().out)[1]
    ann = User.objects.get(username="ann")
    unlocked, _phrase = keys.accept(ann.invitation, code)
    assert {key.program.slug for key in ProgramKey.objects.filter(pk__in=unlocked.key_ids())} == {"lakeside"}
    assert [each.program.slug for each in ann.memberships.all()] == ["lakeside"]
