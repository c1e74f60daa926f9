"""The watcher sees what stands still and says so by its own way, once and again every five minutes."""

from datetime import timedelta

import pytest

from triage.escalation import loop, unread, watching
from triage.escalation.senders import Outcome
from triage.models import Case, Contact, Heartbeat, Notification, Role, Urgency

pytestmark = pytest.mark.django_db


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def watcher(carrier, seconds) -> watching.Watcher:
    """A watcher that has been looking for a minute."""
    made = watching.Watcher(send=carrier, monotonic=seconds)
    seconds.now = 60.0
    return made


@pytest.fixture
def alive(noon) -> None:
    for name in (loop.TRIAGE, loop.PAGE):
        Heartbeat.objects.create(name=name, beat_at=noon)


def test_all_is_well_while_the_loops_beat(watcher, alive, ada, carrier, noon):
    assert watcher.look(noon + timedelta(seconds=19)) == set()
    assert carrier.carried == []


def test_a_silent_escalator_is_told_to_everybody_with_a_mailbox(watcher, alive, ada, ben, carrier, noon):
    found = watcher.look(noon + timedelta(seconds=21))

    assert found == {"silent escalator-triage", "silent escalator-page"}
    assert sorted(message.to for _, message in carrier.carried) == ["ada@example.org", "ben@example.org"]
    assert {channel for channel, _ in carrier.carried} == {"email"}


def test_an_escalator_that_never_ran_is_silent_too(watcher, ada, noon):
    assert watcher.look(noon) == {"silent escalator-triage", "silent escalator-page"}


def test_an_incident_is_told_once_and_again_after_five_minutes(watcher, ada, carrier, seconds, noon):
    watcher.look(noon)
    watcher.look(noon)
    seconds.now += 299
    watcher.look(noon)
    assert len(carrier.carried) == 1

    seconds.now += 2
    watcher.look(noon)
    assert len(carrier.carried) == 2


def test_an_incident_that_ends_and_comes_back_is_told_again(watcher, ada, carrier, noon):
    watcher.look(noon)
    for name in (loop.TRIAGE, loop.PAGE):
        Heartbeat.objects.create(name=name, beat_at=noon)
    watcher.look(noon)

    watcher.look(noon + timedelta(seconds=30))

    assert len(carrier.carried) == 2


def test_an_alarm_nobody_took_is_sent_again_at_the_next_look(watcher, ada, carrier, noon):
    carrier.fails("email", Outcome.FAILED_FOR_NOW)
    watcher.look(noon)

    watcher.look(noon)

    assert len(carrier.carried) == 2


def test_the_house_gets_twenty_seconds_to_start(carrier, seconds, ada, noon):
    fresh = watching.Watcher(send=carrier, monotonic=seconds)

    assert fresh.look(noon) == set()
    seconds.now += 21
    assert fresh.look(noon)


def test_a_tip_that_waits_too_long_is_noticed_though_it_keeps_no_time(watcher, alive, make_tip, ada, seconds, noon):
    make_tip()

    assert watcher.look(noon) == set()
    seconds.now += 31
    assert watcher.look(noon) == {"overdue tip"}


def test_overdue_steps_and_sendings_are_noticed(watcher, alive, staffed, make_page, noon):
    make_page()
    later = noon + timedelta(minutes=2, seconds=31)
    Heartbeat.objects.update(beat_at=later)

    assert watcher.look(later) == {"overdue escalation", "overdue notification"}


def test_a_sending_in_hand_is_not_overdue(watcher, alive, staffed, make_page, noon):
    make_page()
    later = noon + timedelta(seconds=40)
    Heartbeat.objects.update(beat_at=later)
    Notification.objects.update(lease_until=later + timedelta(seconds=5))

    assert watcher.look(later) == set()


def test_the_database_away_for_long_is_told_from_memory(watcher, alive, ada, carrier, seconds, noon):
    watcher.look(noon)
    assert watcher.blind() == set()
    seconds.now += 21

    assert watcher.blind() == {"database"}
    assert [message.to for _, message in carrier.carried] == ["ada@example.org"]


def test_who_switched_mail_off_is_not_told(watcher, ada, carrier, noon):
    Contact.objects.update(active=False)

    watcher.look(noon)

    assert carrier.carried == []


def test_danger_without_a_page_is_noticed(watcher, alive, ada, make_case, noon):
    make_case(Urgency.URGENT)

    assert watcher.look(noon) == {"page missing"}


@pytest.fixture
def reading(carrier, seconds) -> unread.Unread:
    return unread.Unread(send=carrier, monotonic=seconds)


HALF_A_DAY = 12 * 3600


def mails(carrier) -> list[str]:
    return sorted(message.to for _, message in carrier.carried)


def test_a_routine_tip_nobody_has_opened_for_half_a_day_is_told_to_supervisors(
    reading, make_case, ada, chief, carrier, seconds
):
    make_case(Urgency.ROUTINE)
    reading.look()
    seconds.now += HALF_A_DAY - 60
    assert reading.look() == 0

    seconds.now += 60
    assert reading.look() == 1

    assert mails(carrier) == ["chief@example.org"]
    assert "1 tip has waited for 12 hours" in carrier.carried[0][1].body


def test_without_a_supervisor_everybody_who_may_read_it_is_told_and_again_half_a_day_later(
    reading, make_case, ada, ben, carrier, seconds
):
    make_case(Urgency.ROUTINE)
    make_case(Urgency.PRIORITY)
    for _ in range(3):
        reading.look()
        seconds.now += HALF_A_DAY
    assert mails(carrier) == ["ada@example.org"] * 2 + ["ben@example.org"] * 2
    assert "2 tips have waited" in carrier.carried[0][1].body


def test_a_tip_about_our_own_people_is_told_to_oversight_people_only(
    reading, make_case, make_person, ada, chief, carrier, seconds
):
    make_person("Chair", role=Role.OVERSIGHT)
    make_case(Urgency.ROUTINE, oversight=True)
    reading.look()
    seconds.now += HALF_A_DAY
    reading.look()

    assert mails(carrier) == ["chair@example.org"]


def test_what_was_opened_is_no_longer_waited_for_until_the_sender_writes_again(
    reading, make_case, chief, carrier, seconds
):
    case = make_case(Urgency.ROUTINE)
    reading.look()
    Case.objects.filter(pk=case.pk).update(status="open")
    seconds.now += HALF_A_DAY
    assert reading.look() == 0

    Case.objects.filter(pk=case.pk).update(unread=1)
    seconds.now += HALF_A_DAY
    assert reading.look() == 0
    seconds.now += HALF_A_DAY
    assert reading.look() == 1


def test_if_nobody_could_be_told_it_is_tried_again_a_minute_later(reading, make_case, chief, carrier, seconds):
    make_case(Urgency.ROUTINE)
    reading.look()
    carrier.fails("email", Outcome.FAILED_FOR_NOW)
    seconds.now += HALF_A_DAY
    reading.look()
    carrier.answers.clear()
    seconds.now += 60

    assert reading.look() == 1
    assert len(carrier.carried) == 2
