"""A second person hears who reads: of reasons soon, of the day in the morning, and never of what is not theirs."""

from datetime import UTC, datetime, timedelta

import pytest

from triage.audit.chain import Event, record
from triage.models import Role
from triage.watching import reading

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 4, 17, 7, tzinfo=UTC)  # 12:07 in Toronto
EIGHT = datetime(2026, 3, 5, 13, 0, 5, tzinfo=UTC)


@pytest.fixture
def opened(program):
    def _opened(case, by, event=Event.TIP_OPENED, now=NOON):
        record(program, event, actor=by, tip=case.tip, now=now)

    return _opened


def _mails(carrier):
    return sorted(message.to for _, message in carrier.carried)


@pytest.fixture
def watchers(make_person):
    return [make_person("Chair", role=Role.OVERSIGHT), make_person("Audrey", role=Role.AUDITOR)]


@pytest.mark.parametrize("event", [Event.OPENED_MANY, Event.OPENED_ANOTHERS])
def test_a_reason_is_told_of_once_and_not_to_who_gave_it(watchers, chief, ada, make_case, opened, carrier, event):
    opened(make_case(), chief, event)
    look = reading.Reading(send=carrier, monotonic=iter(range(0, 10_000, 100)).__next__).look
    for minutes in (1, 2, 3):
        look(NOON + timedelta(minutes=minutes))

    assert _mails(carrier) == ["audrey@example.org", "chair@example.org"]
    assert not any("Chief" in message.body for _, message in carrier.carried)


def test_of_what_is_about_our_own_people_oversight_people_hear_only(watchers, chief, make_case, opened, carrier):
    opened(make_case(oversight=True), watchers[0], Event.OPENED_MANY)
    reading.Reading(send=carrier).look(NOON)

    assert _mails(carrier) == []

    carrier.carried.clear()
    second = watchers[1]
    opened(make_case(oversight=True), second, Event.OPENED_MANY)
    reading.Reading(send=carrier).look(NOON)
    assert _mails(carrier) == ["chair@example.org"]


def test_in_the_morning_the_day_before_is_counted_and_nobody_named(watchers, ada, ben, make_case, opened, carrier):
    first, second, about_us = make_case(), make_case(), make_case(oversight=True)
    opened(first, ada)
    opened(first, ben)
    opened(second, ada)
    opened(about_us, watchers[0])
    look = reading.Reading(send=carrier, monotonic=iter(range(0, 10_000, 100)).__next__).look
    look(NOON)
    look(NOON + timedelta(hours=1))
    before = _mails(carrier)
    look(EIGHT)
    look(EIGHT + timedelta(minutes=5))

    assert before == []
    bodies = {message.to: [] for _, message in carrier.carried}
    for _, message in carrier.carried:
        bodies[message.to].append(message.body)
    assert sorted(bodies) == ["audrey@example.org", "chair@example.org"]
    assert len(bodies["audrey@example.org"]) == 1
    assert "2 tips were opened by 2 people" in bodies["audrey@example.org"][0]
    assert len(bodies["chair@example.org"]) == 2
    assert "Ada" not in str(bodies)


def test_a_day_on_which_nothing_was_opened_is_not_told_of(watchers, carrier):
    look = reading.Reading(send=carrier, monotonic=iter(range(0, 10_000, 100)).__next__).look
    look(NOON)
    look(EIGHT)

    assert _mails(carrier) == []
