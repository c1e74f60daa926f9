"""The commands of a first start: they make a program that pages somebody, once, and samples that page nobody."""

import pytest
from django.core.management import CommandError, call_command

from intake.models import Program, ProgramKey, Tip
from triage.management.commands import load_demo
from triage.models import Case, Contact, Escalation, Invitation, Ladder, Notification, OnCall

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def state(settings, tmp_path):
    settings.STATE_DIR = tmp_path
    settings.PAGER_EVENT_PUBLIC = tmp_path / "pager_event_public.txt"


def test_setup_makes_a_program_with_pinned_keys_people_and_ladders(settings, capsys):
    call_command("setup")

    said = capsys.readouterr().out
    assert said.count("one-time code:") == 2
    assert len(settings.KEY_PINS.read_text().splitlines()) == ProgramKey.objects.count() == 3
    assert Ladder.objects.count() == 4
    assert Contact.objects.count() == 6
    assert OnCall.objects.count() == 1


def test_setup_again_changes_nothing_and_repeats_the_codes_nobody_used(capsys):
    call_command("setup")
    first = capsys.readouterr().out

    call_command("setup")

    assert capsys.readouterr().out == first
    assert Program.objects.count() == 1
    assert Invitation.objects.count() == 2


def test_codes_that_were_used_are_no_longer_kept(settings, capsys):
    call_command("setup")
    capsys.readouterr()
    Invitation.objects.all().delete()

    call_command("setup")

    assert capsys.readouterr().out == ""
    assert not (settings.STATE_DIR / "first-sign-in.txt").exists()


def test_outside_this_machine_no_code_is_written_to_disk(settings, capsys):
    settings.LOCAL = False
    call_command("setup")

    assert capsys.readouterr().out.count("one-time code:") == 2
    assert list(settings.STATE_DIR.glob("first-sign-in*")) == []


@pytest.fixture
def samples(monkeypatch, tmp_path):
    lines = load_demo.SAMPLES.read_text(encoding="utf-8").splitlines()
    few = tmp_path / "few.jsonl"
    few.write_text("\n".join(lines[:15]) + "\n", encoding="utf-8")
    monkeypatch.setattr(load_demo, "SAMPLES", few)
    monkeypatch.setattr(load_demo, "NEW", 4)
    return len(lines)


def test_there_are_200_samples_and_loading_them_pages_nobody(samples, capsys):
    call_command("setup")
    call_command("load_demo")

    assert samples == 200
    assert Case.objects.count() == 15
    assert not Escalation.objects.running().exists()
    assert not Notification.objects.exclude(state="superseded").exists()


def test_samples_are_never_mixed_with_tips_that_are_there(samples, capsys):
    call_command("setup")
    call_command("load_demo")
    before = Tip.objects.count()

    call_command("load_demo")

    assert Tip.objects.count() == before
    assert "no sample tips were loaded" in capsys.readouterr().out


def test_the_operator_sets_that_two_people_must_agree(program, capsys):
    call_command("program", "identity_needs_two=yes", "crisis_line=111", slug=program.slug)

    program.refresh_from_db()
    assert program.identity_needs_two
    assert program.crisis_line == "111"
    assert "identity_needs_two=yes" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change", ["identity_needs_two=maybe", "timezone=Mars/Base", "slug=other", "name", "name=", "readers=many"]
)
def test_what_makes_no_sense_changes_nothing_and_is_said(program, change):
    before = Program.objects.values().get()

    with pytest.raises(CommandError, match=r"Nothing was changed\."):
        call_command("program", "crisis_line=111", change, slug=program.slug)

    assert Program.objects.values().get() == before
