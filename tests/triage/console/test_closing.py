"""Finishing with tips: reasons kept apart, undoing, reopening, and the second person."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction

from triage.audit.chain import Event
from triage.console import guard
from triage.console.opening import Reason, Thought
from triage.models import AuditEntry, Case, CaseStatus, Checked, Outcome, PendingCheck

from .conftest import QUIET

pytestmark = pytest.mark.django_db

ABUSE = "My stepfather beats my little brother every night with a belt, he is eight"


def _now(case):
    return Case.objects.get(pk=case.pk)


def _open(client, case):
    client.post(f"/tips/{case.pk}/open/", {"why": "we share it"})


def _close(client, case, reason="resolved", **more):
    data = {"reason": reason, "note": "", "version": _now(case).version, **more}
    return client.post(f"/tips/{case.pk}/close/", data)


@pytest.mark.parametrize("reason", [each for each in Outcome.values if each != "passed_on"])
def test_every_reason_is_kept_by_itself(adas, case_of, reason):
    case = case_of()
    _open(adas, case)

    assert _close(adas, case, reason).status_code == 302
    assert (_now(case).status, _now(case).outcome) == (CaseStatus.CLOSED, reason)


def test_the_database_knows_no_other_outcome(case_of):
    case = case_of()

    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(outcome="boring")


def test_closing_a_quiet_tip_asks_nobody_else(adas, case_of):
    case = case_of()
    _open(adas, case)
    _close(adas, case)

    assert not PendingCheck.objects.exists()


def test_closing_what_could_not_wait_is_looked_at_by_a_second_person(adas, urgent):
    _open(adas, urgent)
    answer = adas.post(
        f"/tips/{urgent.pk}/close/", {"reason": "prank", "version": _now(urgent).version}, follow=True
    ).content.decode()

    assert PendingCheck.objects.get().did == Checked.CLOSED
    assert "a second person looks at it by noon tomorrow" in answer
    assert "prank" not in answer


def test_lowering_first_does_not_open_the_way(adas, urgent):
    _open(adas, urgent)
    data = {"urgency": "routine", "categories": ["vandalism"], "version": _now(urgent).version}
    adas.post(f"/tips/{urgent.pk}/correct/", data)
    _close(adas, urgent, "spam")

    assert set(PendingCheck.objects.values_list("did", flat=True)) == {Checked.LOWERED, Checked.CLOSED}


def test_raising_it_again_takes_the_lowering_back(adas, urgent):
    _open(adas, urgent)
    for level in ("routine", "imminent"):
        data = {"urgency": level, "categories": ["weapons"], "version": _now(urgent).version}
        adas.post(f"/tips/{urgent.pk}/correct/", data)

    assert not PendingCheck.objects.exists()


def test_who_closed_it_is_not_the_second_person(adas, urgent):
    _open(adas, urgent)
    _close(adas, urgent)

    said = adas.post(f"/tips/{urgent.pk}/check/", {"did": "closed", "verdict": "right"}, follow=True).content.decode()

    assert "You did it yourself" in said
    assert PendingCheck.objects.exists()


def test_a_colleague_says_that_it_is_right(adas, bob, sign_in, urgent):
    _open(adas, urgent)
    _close(adas, urgent)
    bobs = sign_in(bob)
    assert "closed it" in bobs.get("/checks/").content.decode()
    _open(bobs, urgent)

    bobs.post(f"/tips/{urgent.pk}/check/", {"did": "closed", "verdict": "right", "note": "Read it all"})

    assert not PendingCheck.objects.exists()
    assert _now(urgent).status == CaseStatus.CLOSED
    assert AuditEntry.objects.get(event=Event.CHECKED).actor == bob.user


def test_a_colleague_brings_it_back(adas, bob, sign_in, urgent):
    _open(adas, urgent)
    _close(adas, urgent)
    bobs = sign_in(bob)
    _open(bobs, urgent)

    bobs.post(
        f"/tips/{urgent.pk}/check/", {"did": "closed", "verdict": "back", "note": "The second sentence is a threat"}
    )

    case = _now(urgent)
    assert (case.status, case.taken_by, case.outcome) == (CaseStatus.OPEN, bob.user, "")
    assert not PendingCheck.objects.exists()


def test_nobody_checks_what_they_have_not_opened(adas, bob, sign_in, urgent):
    _open(adas, urgent)
    _close(adas, urgent)

    assert sign_in(bob).post(f"/tips/{urgent.pk}/check/", {"did": "closed", "verdict": "right"}).status_code == 403
    assert PendingCheck.objects.exists()


def test_the_check_is_due_at_noon_of_the_next_day_where_the_program_is(program):
    program.timezone = "America/Vancouver"
    evening = datetime(2026, 3, 7, 23, 30, tzinfo=ZoneInfo("America/Vancouver"))

    # The night in which summer time begins.
    assert guard.noon_after(evening, program) == datetime(2026, 3, 8, 12, tzinfo=ZoneInfo("America/Vancouver"))


@pytest.mark.parametrize(
    ("thought", "expected"),
    [
        (Thought("routine", True, "v", categories=("drugs",)), False),
        (Thought("routine", True, "v", categories=("school_threat",)), True),
        (Thought("routine", True, "v", reasons=(Reason(0, 3, "r", "why", "weapons"),)), True),
        (Thought("urgent", False, "v"), True),
    ],
)
def test_a_level_a_category_or_a_word_is_enough(thought, expected):
    assert guard.guarded([Thought("routine", True, "v"), thought]) is expected


def test_undoing_is_one_press_right_after_closing(adas, ada, urgent):
    _open(adas, urgent)
    board = adas.post(
        f"/tips/{urgent.pk}/close/", {"reason": "prank", "version": _now(urgent).version}, follow=True
    ).content.decode()
    assert f"/tips/{urgent.pk}/undo/" in board

    adas.post(f"/tips/{urgent.pk}/undo/", {"version": _now(urgent).version})

    case = _now(urgent)
    assert (case.status, case.taken_by, case.outcome) == (CaseStatus.OPEN, ada.user, "")
    assert not PendingCheck.objects.exists()


def test_a_colleague_does_not_undo_but_reopens_with_a_reason(adas, bob, sign_in, case_of):
    case = case_of()
    _open(adas, case)
    _close(adas, case)
    bobs = sign_in(bob)
    _open(bobs, case)

    assert bobs.post(f"/tips/{case.pk}/undo/", {"version": _now(case).version}).status_code == 409
    assert bobs.post(f"/tips/{case.pk}/reopen/", {"version": _now(case).version}).status_code == 422
    data = {"version": _now(case).version, "why": "Another tip names the same rink"}
    assert bobs.post(f"/tips/{case.pk}/reopen/", data).status_code == 302
    assert "Another tip names the same rink" in bobs.get(f"/tips/{case.pk}/").content.decode()
    assert _now(case).outcome == ""


def test_a_follow_up_opens_a_closed_tip_whatever_its_outcome(
    program, adas, send, tip_of, epoch_seed, monkeypatch, noon
):
    from intake import actions as intake_actions
    from intake.message import Message
    from triage import actions, epochs

    monkeypatch.setattr(epochs, "seed_of", lambda key_id: epoch_seed)
    done = send(QUIET)
    tip = tip_of(done)
    actions.assess_due(tip.due.pk)
    case = Case.objects.get(tip=tip)
    _open(adas, case)
    _close(adas, case, "spam")

    intake_actions.follow_up(
        program, done.phrase, Message("he is loading it now"), channel="web", key="k" * 22, now=noon
    )
    actions.assess_due(tip.follow_ups.get().due.pk)

    assert _now(case).status == CaseStatus.NEW


def test_what_may_be_abuse_of_a_child_is_not_closed_before_the_duty_is_recorded(adas, case_of):
    case = case_of(ABUSE)
    _open(adas, case)
    page = adas.get(f"/tips/{case.pk}/").content.decode()
    assert "Duty to report" in page

    refused = _close(adas, case)
    assert refused.status_code == 409
    assert "First write down whether it was reported" in refused.content.decode()

    assert adas.post(f"/tips/{case.pk}/duty/", {}).status_code == 422
    adas.post(f"/tips/{case.pk}/duty/", {"to": "Child protection"})
    assert _close(adas, case).status_code == 302
    entry = AuditEntry.objects.get(event=Event.DUTY_RECORDED)
    assert b"Child protection" not in bytes(entry.sealed)


def test_correcting_the_category_away_does_not_end_the_duty(adas, case_of):
    case = case_of(ABUSE)
    _open(adas, case)
    data = {"urgency": "routine", "categories": ["other"], "version": _now(case).version}
    adas.post(f"/tips/{case.pk}/correct/", data)

    assert _close(adas, case).status_code == 409


def test_a_person_who_says_it_is_abuse_has_the_duty_too(adas, case_of):
    case = case_of()
    _open(adas, case)
    data = {"urgency": "priority", "categories": ["child_abuse"], "version": _now(case).version}
    adas.post(f"/tips/{case.pk}/correct/", data)

    assert _close(adas, case).status_code == 409


def test_nothing_counts_as_passed_on_before_what_endangers_the_sender_was_read(adas, case_of):
    case = case_of(QUIET, guessable="yes")
    _open(adas, case)

    refused = _close(adas, case, "passed_on")
    assert refused.status_code == 409
    assert "First read what endangers the sender" in refused.content.decode()

    adas.post(f"/tips/{case.pk}/risk/")
    assert _close(adas, case, "passed_on").status_code == 302


def test_merging_what_could_not_wait_is_looked_at_too(adas, bob, sign_in, case_of):
    threat = "Marcus posted that he will bring his gun to the school tomorrow and shoot everybody in the hallway"
    cases = [case_of(threat), case_of(threat)]
    for case in cases:
        _open(adas, case)

    adas.post(f"/events/{cases[0].pk}/merge/", {"tip": [case.pk for case in cases], "from": cases[0].pk})

    assert set(PendingCheck.objects.values_list("did", flat=True)) == {Checked.MERGED}
    adas.post(f"/events/{cases[0].pk}/split/", {"from": cases[0].pk})
    assert PendingCheck.objects.filter(case=cases[0]).count() == 0
