"""The board sheet, written by several at once, in a change of keys, by somebody who dies: it stays a true copy."""

import threading
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from intake.models import Purpose
from triage.console import sheet
from triage.models import BoardSheet, Case
from triage.vault import keys, rotation
from triage.vault.keys import Unlocked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unlock(ada) -> Callable[[], Unlocked]:
    def _unlock() -> Unlocked:
        unlocked = keys.unlock(ada.user, ada.phrase)
        assert unlocked is not None
        return unlocked

    return _unlock


@pytest.fixture
def five(case_of) -> list[Case]:
    return [case_of(f"They sell pills behind rink {number}") for number in range(5)]


def stored(program, unlocked: Unlocked) -> sheet.Sheet:
    """What stands in the sheet itself."""
    seed = unlocked.program_seed(program, Purpose.CONTENT)
    assert seed is not None
    listed = sheet._read(BoardSheet.objects.get(oversight=False), sheet._key(seed, program.pk))
    return {UUID(hex=case_id): sheet.Facets.from_list(each) for case_id, each in listed.items()}


def open_cases() -> list[Case]:
    return list(Case.objects.exclude(status="closed"))


def at_once(*work: Callable[[], object]) -> None:
    """Do these at the same moment, each with a connection of its own. What one raises is raised here."""
    gate, faults = threading.Barrier(len(work)), []

    def run(each: Callable[[], object]) -> None:
        try:
            gate.wait(10)
            each()
        except Exception as fault:
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []


def test_sessions_that_write_at_once_leave_a_whole_sheet(five, unlock, program):
    sessions = [unlock() for _ in range(4)]
    truth = sheet.open_singly(open_cases(), sessions[0])

    for _ in range(5):
        Case.objects.filter(pk__in=[case.pk for case in five[:3]]).update(version=BoardSheet.objects.count() + 7)
        at_once(*[lambda unlocked=unlocked: sheet.facets_of(open_cases(), unlocked) for unlocked in sessions])

    assert BoardSheet.objects.count() == 1
    after = sheet.facets_of(open_cases(), unlock())
    assert {pk: facets.categories for pk, facets in after.items()} == {
        pk: facets.categories for pk, facets in truth.items()
    }
    assert stored(program, unlock()) == after


def test_who_read_an_older_sheet_does_not_write_over_a_newer_one(five, unlock, program, case_of, monkeypatch):
    slow = unlock()
    sheet.facets_of(open_cases(), slow)
    write, late = sheet._write, case_of("a sixth, which the slow session has not seen")
    seen_before = [case for case in open_cases() if case.pk != late.pk]
    Case.objects.filter(pk=five[0].pk).update(version=9)

    def meanwhile(*arguments):
        monkeypatch.setattr(sheet, "_write", write)
        sheet.facets_of(open_cases(), unlock())
        write(*arguments)

    monkeypatch.setattr(sheet, "_write", meanwhile)
    sheet.facets_of([Case.objects.get(pk=case.pk) for case in seen_before], slow)

    assert late.pk in stored(program, unlock())


def test_a_sheet_written_during_a_change_of_keys_is_made_again_and_loses_nobody(five, ada, unlock, program, noon):
    before = unlock()
    truth = sheet.facets_of(open_cases(), before)
    rotation.rotate(program, [Purpose.CONTENT], by=ada.user, unlocked=unlock(), now=noon)
    Case.objects.filter(pk=five[0].pk).update(version=9)
    # It opened its keys before the change, and writes after it.
    sheet.facets_of(open_cases(), before)

    after = sheet.facets_of(open_cases(), unlock())

    assert after.keys() == truth.keys()
    assert stored(program, unlock()) == after


def test_who_dies_while_writing_leaves_the_sheet_that_was(five, unlock, program, monkeypatch):
    first = sheet.facets_of(open_cases(), unlock())
    Case.objects.filter(pk=five[0].pk).update(version=9)

    def die(*arguments, **named):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(sheet.sealing, "seal", die)
        with pytest.raises(KeyboardInterrupt):
            sheet.facets_of(open_cases(), unlock())

    assert stored(program, unlock()) == first
    assert sheet.facets_of(open_cases(), unlock())[five[0].pk].version == 9


def test_a_row_of_another_program_that_was_put_into_the_sheet_is_not_shown(five, unlock, program):
    unlocked = unlock()
    known = sheet.facets_of(open_cases(), unlocked)
    foreign = sheet.Facets(1, ("weapons",), None, None)
    seed = unlocked.program_seed(program, Purpose.CONTENT)
    assert seed is not None
    row = BoardSheet.objects.get()
    sheet._write(row, program.pk, False, known | {uuid4(): foreign}, sheet._key(seed, program.pk))

    assert sheet.facets_of(open_cases(), unlocked) == known
    assert stored(program, unlocked) == known


@hypothesis_settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(
        st.sampled_from(["read", "stale", "change", "close", "reopen", "rotate", "spoil"]), min_size=3, max_size=10
    )
)
def test_whatever_happens_the_board_shows_what_the_tips_themselves_say(five, ada, unlock, program, noon, acts):
    held = unlock()
    for number, act in enumerate(acts):
        some = Case.objects.filter(pk=five[number % 5].pk)
        if act == "read":
            sheet.facets_of(open_cases(), unlock())
        elif act == "stale":
            sheet.facets_of(open_cases(), held)
        elif act == "change":
            some.update(version=number + 20)
        elif act in {"close", "reopen"}:
            some.update(status="closed" if act == "close" else "open", version=number + 40)
        elif act == "rotate":
            rotation.rotate(program, [Purpose.CONTENT], by=ada.user, unlocked=unlock(), now=noon)
        else:
            BoardSheet.objects.update(sealed=b"\x01\x01 not a sheet")

    shown, truth = sheet.facets_of(open_cases(), unlock()), sheet.open_singly(open_cases(), unlock())
    assert shown == truth
    assert shown.keys() == {case.pk for case in open_cases()}
