"""The watcher sees what stands still and says so by its own way, once and again every five minutes."""

from datetime import timedelta

import pytest

from triage.escalation import escalators, watching
from triage.escalation.senders import Outcome
from triage.models import Contact, Heartbeat, Notification

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
    for name in (escalators.TRIAGE, escalators.PAGE):
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
    for name in (escalators.TRIAGE, escalators.PAGE):
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
