"""A priority tip is a mail in duty hours: at once within them, else when they begin, and never a page at night."""

from datetime import UTC, datetime, timedelta

import pytest

from triage.escalation.senders import Outcome
from triage.models import Alarm, Case, Notification, Role, Urgency
from triage.watching import duty, priority

pytestmark = pytest.mark.django_db

OFFICE = duty.read("Mon-Fri 08:00-18:00")
ZONE = "America/Toronto"
WEDNESDAY = datetime(2026, 3, 4, 15, 7, 31, tzinfo=UTC)  # 10:07 in Toronto
NIGHT = datetime(2026, 3, 5, 2, 7, tzinfo=UTC)  # 21:07 there


def mails(carrier) -> list[str]:
    assert {channel for channel, _ in carrier.carried} <= {"email"}
    return [message.to for _, message in carrier.carried]


def look(carrier, now: datetime) -> int:
    return priority.Priority(send=carrier).look(now)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (WEDNESDAY, WEDNESDAY),
        (NIGHT, datetime(2026, 3, 5, 13, tzinfo=UTC)),
        # Friday evening, and the clocks go forward on Sunday.
        (datetime(2026, 3, 6, 23, tzinfo=UTC), datetime(2026, 3, 9, 12, tzinfo=UTC)),
        # Before they begin, on the day itself; the last minute; the end.
        (datetime(2026, 3, 4, 12, 59, tzinfo=UTC), datetime(2026, 3, 4, 13, tzinfo=UTC)),
        (datetime(2026, 3, 4, 22, 59, tzinfo=UTC), datetime(2026, 3, 4, 22, 59, tzinfo=UTC)),
        (datetime(2026, 3, 4, 23, tzinfo=UTC), datetime(2026, 3, 5, 13, tzinfo=UTC)),
    ],
)
def test_duty_hours_are_those_of_the_clock_on_the_wall(now, expected):
    assert duty.begins(now, OFFICE, ZONE) == expected


def test_without_duty_hours_it_is_always_duty():
    assert duty.begins(NIGHT, duty.read(""), ZONE) == NIGHT


@pytest.mark.parametrize("text", ["always", "Mon 18:00-08:00", "Mon-Foo 08:00-09:00", "Mon 8-9", "Mon 08:60-09:00"])
def test_what_cannot_be_read_as_hours_is_refused(text):
    with pytest.raises(duty.BadHours):
        duty.read(text)


def test_in_duty_hours_the_first_on_call_is_written_to_at_once_and_once(staffed, make_case, carrier):
    make_case(Urgency.PRIORITY)

    assert look(carrier, WEDNESDAY) == 1
    assert look(carrier, WEDNESDAY + timedelta(hours=1)) == 0

    assert mails(carrier) == ["ada@example.org"]
    assert not Notification.objects.exists()


def test_at_night_nobody_is_written_to_until_duty_begins(staffed, make_case, carrier):
    make_case(Urgency.PRIORITY)

    assert look(carrier, NIGHT) == 0
    assert Alarm.objects.get().due_at == datetime(2026, 3, 5, 13, tzinfo=UTC)
    assert look(carrier, datetime(2026, 3, 5, 12, 59, tzinfo=UTC)) == 0
    assert carrier.carried == []

    assert look(carrier, datetime(2026, 3, 5, 13, 0, 5, tzinfo=UTC)) == 1
    assert mails(carrier) == ["ada@example.org"]


def test_a_mail_that_failed_until_the_evening_waits_for_the_morning(staffed, make_case, carrier):
    make_case(Urgency.PRIORITY)
    carrier.fails("email", Outcome.FAILED_FOR_NOW)
    look(carrier, WEDNESDAY)
    carrier.answers.clear()
    carrier.carried.clear()

    assert look(carrier, NIGHT) == 0
    assert carrier.carried == []
    assert look(carrier, datetime(2026, 3, 5, 13, 1, tzinfo=UTC)) == 1


def test_several_are_one_mail_and_the_row_names_no_minute(staffed, make_case, carrier):
    for _ in range(3):
        make_case(Urgency.PRIORITY)
    carrier.fails("email", Outcome.FAILED_FOR_NOW)
    look(carrier, WEDNESDAY)
    assert {alarm.due_at for alarm in Alarm.objects.all()} == {datetime(2026, 3, 4, 15, 0, tzinfo=UTC)}
    carrier.answers.clear()
    carrier.carried.clear()

    assert look(carrier, WEDNESDAY) == 3

    assert len(carrier.carried) == 1
    assert "3 tips" in carrier.carried[0][1].body
    assert "http" not in carrier.carried[0][1].body


@pytest.mark.parametrize("urgency", [Urgency.ROUTINE, Urgency.URGENT])
def test_other_levels_are_not_written_of(staffed, make_case, carrier, urgency):
    make_case(urgency)

    assert look(carrier, WEDNESDAY) == 0


def test_what_somebody_took_meanwhile_is_not_written_of(staffed, make_case, ada, carrier):
    case = make_case(Urgency.PRIORITY)
    look(carrier, NIGHT)
    Case.objects.filter(pk=case.pk).update(status="open", taken_by=ada)

    assert look(carrier, WEDNESDAY + timedelta(days=1)) == 0
    assert not Alarm.objects.exists()


def test_a_tip_about_our_own_people_is_written_of_to_oversight_people_only(staffed, make_person, make_case, carrier):
    make_person("Chair", role=Role.OVERSIGHT)
    make_case(Urgency.PRIORITY, oversight=True)

    look(carrier, WEDNESDAY)

    assert mails(carrier) == ["chair@example.org"]


def test_with_nobody_on_call_those_who_answer_for_the_program_are_written_to(ada, chief, make_case, carrier):
    make_case(Urgency.PRIORITY)

    look(carrier, WEDNESDAY)

    assert mails(carrier) == ["chief@example.org"]
