"""The record: whatever is changed, taken out, moved or cut off is found and named."""

from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from triage.audit import anchors, chain
from triage.models import AuditEntry

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 4)


@pytest.fixture
def five(program, noon):
    """A chain of five entries."""
    for _ in range(5):
        chain.record(program, chain.Event.SIGNED_IN, now=noon)
    return program


def as_the_owner(*statements):
    """What a thief with the owner's rights does, past the trigger that refuses everybody else."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE triage_auditentry DISABLE TRIGGER USER")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("ALTER TABLE triage_auditentry ENABLE TRIGGER USER")


def test_a_whole_chain_fits_itself_and_its_anchor(five):
    taken = anchors.take(DAY)

    assert anchors.verify(five.pk) is None
    assert anchors.verify(five.pk, taken) is None
    assert anchors.read([each.line() for each in taken]) == taken


@pytest.mark.parametrize(
    ("statements", "number", "why"),
    [
        (["UPDATE triage_auditentry SET event = 'taken' WHERE number = 3"], 3, "changed"),
        (["UPDATE triage_auditentry SET hour = hour + interval '1 hour' WHERE number = 2"], 2, "changed"),
        (["DELETE FROM triage_auditentry WHERE number = 3"], 3, "missing"),
        (["DELETE FROM triage_auditentry WHERE number = 1"], 1, "missing"),
        (
            [
                "UPDATE triage_auditentry SET number = 99 WHERE number = 2",
                "UPDATE triage_auditentry SET number = 2 WHERE number = 3",
                "UPDATE triage_auditentry SET number = 3 WHERE number = 99",
            ],
            2,
            "does not follow",
        ),
    ],
)
def test_what_was_changed_taken_out_or_moved_is_named(five, statements, number, why):
    as_the_owner(*statements)

    fault = anchors.verify(five.pk)

    assert fault is not None
    assert fault.number == number
    assert why in fault.why


def test_a_chain_cut_off_fits_itself_and_not_its_anchor(five):
    taken = anchors.take(DAY)
    as_the_owner("DELETE FROM triage_auditentry WHERE number > 3")

    assert anchors.verify(five.pk) is None
    fault = anchors.verify(five.pk, taken)
    assert fault is not None
    assert (fault.number, "cut off" in fault.why) == (4, True)


def test_a_chain_made_anew_fits_itself_and_not_its_anchor(five, noon):
    taken = anchors.take(DAY)
    as_the_owner("DELETE FROM triage_auditentry")
    for _ in range(6):
        chain.record(five, chain.Event.SIGNED_IN, now=noon)

    assert anchors.verify(five.pk) is None
    fault = anchors.verify(five.pk, taken)
    assert fault is not None
    assert "made anew" in fault.why


def test_a_chain_that_grew_still_fits_an_older_anchor(five, noon):
    taken = anchors.take(DAY)
    chain.record(five, chain.Event.SIGNED_IN, now=noon)

    assert anchors.verify(five.pk, taken) is None


def test_the_command_prints_anchors_and_checks_by_them(five, tmp_path, capsys):
    file = tmp_path / "anchors.txt"
    call_command("audit", "anchor", "--to", str(file))
    call_command("audit", "anchor")
    assert file.read_text().strip() in capsys.readouterr().out

    call_command("audit", "verify", "--anchor", str(file))
    assert f"{five.slug}: fits" in capsys.readouterr().out
    as_the_owner("DELETE FROM triage_auditentry WHERE number > 3")
    with pytest.raises(CommandError) as refused:
        call_command("audit", "verify", "--anchor", str(file))

    assert refused.value.returncode == 1
    assert "entry 4" in capsys.readouterr().out


def test_the_command_says_how_far_it_is(five, capsys, monkeypatch):
    monkeypatch.setattr(anchors, "EVERY", 2)
    call_command("audit", "verify")

    assert capsys.readouterr().err.split() == ["…", "2", "…", "4"]


@pytest.mark.parametrize("line", ["nonsense", "tipline-audit-2 a 1 aa 2026-01-01", "tipline-audit-1 x 1 aa 2026-01-01"])
def test_what_is_no_anchor_is_refused_with_another_status(five, tmp_path, line):
    file = tmp_path / "anchors.txt"
    file.write_text(line)

    with pytest.raises(CommandError, match="Line 1") as refused:
        call_command("audit", "verify", "--anchor", str(file))
    assert refused.value.returncode == 2


def test_an_anchor_of_a_program_that_is_gone_is_said(five, tmp_path, capsys):
    file = tmp_path / "anchors.txt"
    file.write_text(anchors.take(DAY)[0].line().replace(str(five.pk), "0" * 8 + "-0000-4000-8000-" + "0" * 12))

    with pytest.raises(CommandError):
        call_command("audit", "verify", "--anchor", str(file))
    assert "is gone" in capsys.readouterr().out
    assert AuditEntry.objects.count() == 5
