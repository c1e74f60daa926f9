"""What the page of a tip says of the calls about it: every try, in the order of the ladder, and what is next."""

import pytest

from tests.triage.conftest import begin
from triage.console import calls
from triage.escalation import deliver, engine, taking
from triage.escalation.senders import Outcome, Result
from triage.models import CaseStatus, Notification

pytestmark = pytest.mark.django_db


def _accepted(channel, message):
    return Result(Outcome.ACCEPTED, "gateway", provider_reference="7")


def _refused(channel, message):
    return Result(Outcome.FAILED_FOR_NOW, "gateway", detail="busy")


def _send_all(send, now):
    for note in Notification.objects.filter(due_at__lte=now):
        deliver.deliver(note.pk, send=send, now=now)


def test_every_try_is_told_with_what_came_of_it(staffed, make_page, noon, after):
    page = make_page()
    _send_all(_refused, noon)
    _send_all(_accepted, after(seconds=20))

    found = calls.of(page.case, now=after(seconds=40))

    assert found is not None
    assert (found.running, found.taken, found.earlier) == (True, False, 0)
    assert [step.when for step in found.steps] == ["At once"]
    assert {call.name for call in found.steps[0].calls} == {"Ada"}
    assert found.steps[0].calls[0].outcomes == ["Failed, will be tried again", "Accepted by the carrier"]
    assert (found.next_names, found.next_by, found.countdown) == ("Ben", "SMS and e-mail", "1:20")


def test_a_later_step_says_how_long_after_the_first_it_came(staffed, make_page, noon, after):
    page = make_page()
    _send_all(_accepted, noon)
    engine.climb_due(after(minutes=2))
    waiting = calls.of(page.case, now=after(minutes=2))
    _send_all(_accepted, after(minutes=2))

    found = calls.of(page.case, now=after(minutes=2))

    assert waiting is not None
    assert found is not None
    assert [step.when for step in waiting.steps] == ["At once", "Not out yet"]
    assert [call.outcomes for call in waiting.steps[1].calls] == [["Waiting"], ["Waiting"]]
    assert [step.when for step in found.steps] == ["At once", "After 2 minutes"]


def test_who_took_it_is_named_until_it_is_opened(staffed, ada, make_page, noon):
    page = make_page()
    taking.take_case(page.case, by=ada, now=noon)
    taken = calls.of(page.case, now=noon)
    taking.mark_opened(page.case, by=ada, now=noon)
    opened = calls.of(page.case, now=noon)

    assert taken is not None
    assert opened is not None
    assert (taken.running, taken.taken, taken.taker) == (True, True, "Ada")
    assert (opened.running, opened.next_names) == (False, "")
    # Its times are cut to the hour: none is made up from them.
    assert [step.when for step in opened.steps] == ["Called"]


def test_a_page_that_climbed_all_night_shows_its_last_steps_and_counts_the_others(staffed, make_page, after):
    page = make_page()
    for minutes in range(1, 60):
        _send_all(_accepted, after(minutes=minutes))
        engine.climb_due(after(minutes=minutes))

    found = calls.of(page.case, now=after(minutes=60))

    assert found is not None
    assert len(found.steps) == calls.SHOWN
    assert found.earlier > 0


def test_of_a_closed_tip_nothing_is_told(staffed, make_page, noon):
    page = make_page()
    page.case.status = CaseStatus.CLOSED

    assert calls.of(page.case, now=noon) is None


def test_every_page_of_a_tip_that_still_runs_is_told_the_one_nobody_has_first(
    staffed, ada, make_page, make_tip, noon, after
):
    page = make_page()
    taking.take_case(page.case, by=ada, now=noon)
    follow_up = make_tip("he is loading it now")
    second = begin(page.case, follow_up, "urgent", after(minutes=1))
    _send_all(_accepted, after(minutes=1))

    found = calls.of(page.case, now=after(minutes=2))
    taking.mark_opened(page.case, by=ada, now=after(minutes=3))
    opened = calls.of(page.case, now=after(minutes=3))

    assert found is not None
    assert opened is not None
    assert (found.number, found.taken) == (second.page_number, False)
    assert [(other.number, other.taken, other.taker) for other in found.others] == [(page.page_number, True, "Ada")]
    assert all(other.steps for other in found.others)
    assert opened.others == ()
