"""Every try to send is a row that stays: what was tried, through whom, how it ended, in which hour."""

import re
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from tipline import grants
from triage.escalation import attempts, deliver
from triage.escalation.senders import Outcome, Result
from triage.models import Attempt, Notification

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(make_person, make_page):
    """A page for Ada by SMS alone."""
    make_person("Ada", email=None)
    return make_page()


def send(carrier, now) -> None:
    for pk, _ in deliver.waiting(now=now, limit=10):
        deliver.deliver(pk, send=carrier, now=now)


def tried(page) -> list[tuple[int, str]]:
    return [(one.number, one.result) for one in attempts.of(page)]


def test_every_try_is_kept_with_its_end(page, carrier, noon):
    carrier.fails("sms", Outcome.FAILED_FOR_NOW)
    send(carrier, noon)
    send(carrier, noon)

    assert tried(page) == [(1, "failed_for_now"), (2, "failed_for_now")]


def test_a_try_carries_the_hour_and_no_minute(page, carrier, after):
    send(carrier, after(minutes=17, seconds=5))

    [one] = attempts.of(page)
    assert one.hour == datetime(2026, 3, 4, 12, tzinfo=UTC)
    assert (one.notification.user.name, one.notification.channel) == ("Ada", "sms")
    assert one.program_id == page.program_id


def test_a_try_whose_lease_was_lost_was_a_try_all_the_same(page, noon, after):
    note = Notification.objects.get()
    [late] = deliver.claim([note.pk], noon)
    [second] = deliver.claim([note.pk], after(minutes=1))

    deliver.store([(second, Result(Outcome.ACCEPTED, "gateway"))], after(minutes=1))
    assert deliver.store([(late, Result(Outcome.UNKNOWN, "twilio"))], after(minutes=1)) == set()

    assert tried(page) == [(1, "unknown"), (2, "accepted")]


def test_storing_an_outcome_twice_keeps_one_row(page, noon):
    [claimed] = deliver.claim([Notification.objects.get().pk], noon)

    for _ in range(2):
        deliver.store([(claimed, Result(Outcome.ACCEPTED, "gateway"))], noon)

    assert Attempt.objects.count() == 1


def test_a_result_that_is_no_end_of_a_try_is_refused(page, noon):
    note = Notification.objects.get()

    with pytest.raises(IntegrityError, match="attempt_result"), transaction.atomic():
        Attempt.objects.create(program_id=note.program_id, notification=note, number=1, result="sending", hour=noon)


@pytest.mark.parametrize("role", grants.ROLES)
def test_no_role_may_change_or_delete_a_try(role):
    """What is not in the table of rights is refused: tests/test_doors.py tries."""
    rights = grants.GRANTS[role].get("triage_attempt", "SELECT")

    assert set(re.sub(r" \([^)]*\)", "", rights).split(", ")) <= {"SELECT", "INSERT"}
