"""I know these people: out of the tip's pages at once, and another has it."""

import pytest

from triage.escalation import engine, recusing, taking
from triage.models import (
    AuditEntry,
    CaseStatus,
    Escalation,
    EscalationState,
    Notification,
    NotificationState,
    PersonKey,
    Recusal,
    Urgency,
)

from ..conftest import begin

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(ada, ben, chief):
    """All three have keys of their own."""
    for user in (ada, ben, chief):
        PersonKey.objects.create(user=user, public_key=b"-", salt=b"-", argon2="1,1,8", sealed_private=b"-")


def _told(page, user, **only):
    return Notification.objects.filter(escalation=page, user=user, **only)


def test_whoever_steps_aside_is_called_no_more_and_the_next_is_called_now(
    staffed, signed_in, make_page, ada, ben, after
):
    page = make_page()
    recusing.step_aside(page.case, by=ada, now=after(seconds=20))
    page.refresh_from_db()
    engine.climb(page.pk, page.case_id, after(seconds=21))

    assert str(ada.pk) not in str(page.snapshot)
    assert not _told(page, ada, due_at__isnull=False).exists()
    assert _told(page, ben, state=NotificationState.PENDING).exists()


def test_a_code_that_was_sent_before_takes_nothing_any_more(staffed, signed_in, make_page, ada, after):
    page = make_page()
    recusing.step_aside(page.case, by=ada, now=after(seconds=20))

    assert not _told(page, ada, code_used=False).exists()
    with pytest.raises(taking.AlreadyEnded):
        taking.take(page.pk, by=ada, now=after(seconds=30))


def test_what_they_had_taken_goes_on_to_the_next(staffed, signed_in, make_page, ada, after):
    page = make_page()
    taking.take(page.pk, by=ada, now=after(seconds=5))
    recusing.step_aside(page.case, by=ada, now=after(seconds=20))
    page.refresh_from_db()
    page.case.refresh_from_db()

    assert (page.state, page.taken_by_id, page.next_at) == (EscalationState.OPEN, None, after(seconds=20))
    assert (page.case.status, page.case.taken_by_id) == (CaseStatus.NEW, None)


def test_an_urgent_tip_they_had_opened_pages_the_others_again(staffed, signed_in, make_page, ada, ben, after):
    page = make_page()
    taking.mark_opened(page.case, by=ada, now=after(seconds=5))
    recusing.step_aside(page.case, by=ada, now=after(minutes=30))
    page.refresh_from_db()
    engine.climb(page.pk, page.case_id, after(minutes=31))

    assert page.state == EscalationState.OPEN
    assert _told(page, ben, state=NotificationState.PENDING).exists()
    assert not _told(page, ada, state=NotificationState.PENDING).exists()


def test_a_follow_up_pages_the_others_only(staffed, signed_in, make_case, make_tip, ada, ben, after):
    case = make_case(Urgency.PRIORITY, status=CaseStatus.OPEN, taken_by=ada)
    recusing.step_aside(case, by=ada, now=after(minutes=1))
    page = begin(case, case.tip, Urgency.IMMINENT, after(minutes=2))

    assert _told(page, ben).exists()
    assert not _told(page, ada).exists()


def test_a_tip_that_pages_nobody_is_before_everybody_again(signed_in, make_case, ada, after):
    case = make_case(Urgency.ROUTINE, status=CaseStatus.OPEN, taken_by=ada)
    recusing.step_aside(case, by=ada, now=after(minutes=1))
    case.refresh_from_db()

    assert (case.status, case.taken_by_id) == (CaseStatus.NEW, None)
    assert not Escalation.objects.exists()


def test_nobody_steps_aside_from_what_nobody_else_could_read(make_case, ada, chief, ben, after):
    # Both are members, and neither has signed in yet.
    case = make_case(Urgency.ROUTINE, status=CaseStatus.OPEN, taken_by=ada)

    with pytest.raises(recusing.NobodyElse):
        recusing.step_aside(case, by=ada, now=after(minutes=1))
    assert not Recusal.objects.exists()


def test_the_last_of_two_cannot_step_aside_after_the_other(signed_in, make_case, ada, ben, chief, after):
    case = make_case(Urgency.ROUTINE)
    recusing.step_aside(case, by=ada, now=after(minutes=1))
    recusing.step_aside(case, by=chief, now=after(minutes=2))

    with pytest.raises(recusing.NobodyElse):
        recusing.step_aside(case, by=ben, now=after(minutes=3))


def test_only_a_colleague_lets_somebody_back(signed_in, make_case, ada, ben, after):
    case = make_case(Urgency.ROUTINE)
    recusing.step_aside(case, by=ada, now=after(minutes=1))

    assert not recusing.let_back(case, ada, by=ada, now=after(minutes=2))
    assert Recusal.objects.exists()
    assert recusing.let_back(case, ada, by=ben, now=after(minutes=2))
    assert not Recusal.objects.exists()
    assert list(AuditEntry.objects.order_by("number").values_list("event", flat=True)) == ["stepped_aside", "let_back"]


def test_pressing_twice_is_once(signed_in, make_case, ada, after):
    case = make_case(Urgency.ROUTINE)
    for minutes in (1, 2):
        recusing.step_aside(case, by=ada, now=after(minutes=minutes))

    assert Recusal.objects.count() == 1
