"""Taking pauses, opening ends, passing on calls the next; of two at once one is second."""

import threading
from datetime import UTC

import pytest
from django.db import connection

from intake.models import Tip, TipStatus
from tests.triage.conftest import begin
from triage.escalation import engine, taking
from triage.models import (
    AuditEntry,
    Case,
    CaseStatus,
    Escalation,
    EscalationState,
    Notification,
    NotificationState,
    Urgency,
)

pytestmark = pytest.mark.django_db


def test_taking_pauses_the_ladder_for_five_minutes_and_tells_the_taker(staffed, ada, make_page, after):
    page = make_page()

    taking.take_case(page.case, by=ada, now=after(minutes=1))

    page.refresh_from_db()
    case = Case.objects.get()
    assert (page.state, page.taken_by, page.next_at) == (EscalationState.TAKEN, ada, after(minutes=6))
    assert (case.status, case.taken_by) == (CaseStatus.TAKEN, ada)
    (note,) = Notification.objects.filter(kind="taken")
    assert (note.user, note.channel, note.due_at) == (ada, "sms", after(minutes=1))


def test_taking_stops_what_was_still_to_be_sent(staffed, ada, make_page, noon):
    page = make_page()

    taking.take_case(page.case, by=ada, now=noon)

    states = set(Notification.objects.filter(kind="page").values_list("state", flat=True))
    assert states == {NotificationState.SUPERSEDED}


def test_taking_twice_does_not_prolong_the_five_minutes(staffed, ada, make_page, noon, after):
    page = make_page()
    taking.take_case(page.case, by=ada, now=noon)

    taking.take_case(page.case, by=ada, now=after(minutes=4))

    page.refresh_from_db()
    assert page.next_at == after(minutes=5)
    assert page.times_taken == 1


def test_what_another_has_taken_cannot_be_taken(staffed, ada, ben, make_page, noon):
    page = make_page()
    taking.take_case(page.case, by=ada, now=noon)

    with pytest.raises(taking.AlreadyTaken):
        taking.take_case(page.case, by=ben, now=noon)
    with pytest.raises(taking.AlreadyTaken):
        taking.take(page.pk, by=ben, now=noon)


def test_a_routine_case_is_taken_without_any_page(ada, make_case, noon):
    case = make_case(Urgency.ROUTINE)

    taking.take_case(case, by=ada, now=noon)

    case.refresh_from_db()
    assert (case.status, case.taken_by) == (CaseStatus.TAKEN, ada)
    assert not Notification.objects.exists()


def test_a_closed_case_cannot_be_taken(ada, make_case, noon):
    case = make_case(status=CaseStatus.CLOSED)

    with pytest.raises(taking.AlreadyEnded):
        taking.take_case(case, by=ada, now=noon)


def test_a_page_that_has_ended_cannot_be_taken(staffed, ada, ben, make_page, noon):
    page = make_page()
    taking.mark_opened(page.case, by=ada, now=noon)

    with pytest.raises(taking.AlreadyEnded):
        taking.take(page.pk, by=ben, now=noon)


def test_opening_ends_every_page_of_the_case_and_tells_the_sender(staffed, ada, make_page, noon, program):
    page = make_page()
    case = page.case
    second = Tip.objects.create(program=program, follows=case.tip, number=1, week=noon.date(), sealed=b"-")
    begin(case, second, Urgency.IMMINENT, noon)
    Case.objects.update(unread=1)

    taking.mark_opened(case, by=ada, now=noon)

    case.refresh_from_db()
    assert not Escalation.objects.running().exists()
    assert set(Escalation.objects.values_list("ended_by", "next_at")) == {(ada.pk, None)}
    assert (case.status, case.taken_by, case.unread) == (CaseStatus.OPEN, ada, 0)
    assert set(Tip.objects.values_list("status", flat=True)) == {TipStatus.OPENED}


def test_opening_leaves_no_minute_behind(staffed, ada, make_page, noon, after):
    page = make_page(now=after(minutes=3, seconds=7))
    Notification.objects.update(accepted_at=after(minutes=4), state=NotificationState.ACCEPTED)

    taking.mark_opened(page.case, by=ada, now=after(minutes=5))

    hour = noon.replace(minute=0, second=0, microsecond=0)
    assert Escalation.objects.get().opened_at.astimezone(UTC) == hour
    assert set(Notification.objects.values_list("accepted_at", flat=True)) == {hour}


def test_after_opening_nothing_climbs(staffed, ada, make_page, noon, after):
    page = make_page()
    taking.mark_opened(page.case, by=ada, now=noon)

    assert engine.climb_due(after(hours=9)) == 0
    assert Notification.objects.filter(step__gt=0).count() == 0


def test_opening_a_closed_case_leaves_it_closed(ada, make_case, noon):
    case = make_case(status=CaseStatus.CLOSED)

    taking.mark_opened(case, by=ada, now=noon)

    case.refresh_from_db()
    assert case.status == CaseStatus.CLOSED


def test_the_second_to_open_changes_nothing(staffed, ada, ben, make_page, noon):
    page = make_page()
    taking.mark_opened(page.case, by=ada, now=noon)
    before = Case.objects.values().get()

    taking.mark_opened(page.case, by=ben, now=noon)

    assert Case.objects.values().get() == before


def test_passing_on_calls_the_next_person_now(staffed, ada, make_page, noon, after, told):
    page = make_page()
    taking.take_case(page.case, by=ada, now=noon)

    taking.pass_on(page.case, by=ada, now=after(seconds=20))
    engine.climb_due(after(seconds=20))

    assert told(page, step=1) == [("Ben", "email"), ("Ben", "sms")]
    case = Case.objects.get()
    assert (case.status, case.taken_by) == (CaseStatus.NEW, None)


def test_only_the_taker_can_pass_on(staffed, ada, ben, make_page, noon):
    page = make_page()
    taking.take_case(page.case, by=ada, now=noon)

    with pytest.raises(taking.NotYours):
        taking.pass_on(page.case, by=ben, now=noon)
    with pytest.raises(taking.NotYours):
        taking.pass_page_on(page.pk, by=ben, now=noon)


def test_passing_one_page_on_keeps_the_other_in_hand(staffed, ada, make_page, noon, program):
    page = make_page()
    second = Tip.objects.create(program=program, follows=page.case.tip, number=1, week=noon.date(), sealed=b"-")
    other = begin(page.case, second, Urgency.URGENT, noon)
    taking.take_case(page.case, by=ada, now=noon)

    taking.pass_page_on(other.pk, by=ada, now=noon)

    page.refresh_from_db()
    other.refresh_from_db()
    case = Case.objects.get()
    assert (page.state, other.state) == (EscalationState.TAKEN, EscalationState.OPEN)
    assert (case.status, case.taken_by) == (CaseStatus.TAKEN, ada)


def test_taking_and_passing_on_stand_in_the_record(staffed, ada, make_page, noon):
    page = make_page()
    taking.take_case(page.case, by=ada, now=noon)
    taking.pass_on(page.case, by=ada, now=noon)

    entries = AuditEntry.objects.order_by("number").values_list("event", "actor", "tip")
    assert list(entries) == [("taken", ada.pk, page.tip_id), ("passed_on", ada.pk, page.tip_id)]


def test_what_comes_next_names_who_is_told_and_when(staffed, make_page, after):
    page = make_page()

    assert taking.what_next(page.case, now=after(seconds=40)) == taking.NextStep(("Ben",), ("sms", "email"), 80)


def test_what_comes_next_skips_who_cannot_be_reached(staffed, ben, make_page, noon):
    page = make_page()
    ben.contacts.update(active=False)

    assert taking.what_next(page.case, now=noon).names == ("Chief",)


def test_nothing_comes_next_once_it_is_opened(staffed, ada, make_page, noon):
    page = make_page()
    taking.mark_opened(page.case, by=ada, now=noon)

    assert taking.what_next(page.case, now=noon) is None


@pytest.mark.django_db(transaction=True)
def test_when_two_take_at_once_one_has_it_and_the_other_is_told_so(staffed, ada, ben, make_page, noon):
    page = make_page()
    outcomes: list[str] = []
    gate = threading.Barrier(2)

    def press(user) -> None:
        gate.wait()
        try:
            taking.take_case(page.case, by=user, now=noon)
            outcomes.append("taken")
        except taking.AlreadyTaken:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=[user]) for user in (ada, ben)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["refused", "taken"]
    assert Escalation.objects.get().times_taken == 1


@pytest.mark.django_db(transaction=True)
def test_a_taking_in_the_second_of_the_step_leaves_one_outcome(staffed, ada, make_page, after):
    page = make_page()
    due = after(minutes=2)
    gate = threading.Barrier(2)

    def run(work) -> None:
        gate.wait()
        try:
            work()
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=[lambda: taking.take(page.pk, by=ada, now=due)]),
        threading.Thread(target=run, args=[lambda: engine.climb_due(due)]),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    page.refresh_from_db()
    assert page.state == EscalationState.TAKEN
    # Whoever was first: what the step wrote is no longer sent.
    assert not Notification.objects.filter(kind="page", due_at__isnull=False).exists()
