"""The watcher sees what stands still and says so by its own way, once and again every five minutes."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from tipline.kernel import times
from triage.escalation import contacts, deliver, loop, texts, unread, watching
from triage.escalation.senders import Outcome, Result
from triage.models import Alarm, Case, Contact, Heartbeat, Notification, Role, Urgency

pytestmark = pytest.mark.django_db


def mails(carrier) -> list[str]:
    return sorted(message.to for channel, message in carrier.carried if channel == "email")


def phones(carrier) -> list[str]:
    return sorted(message.to for channel, message in carrier.carried if channel == "sms")


def address_of(user, channel: str) -> str:
    return contacts.open_address(Contact.objects.get(user=user, channel=channel))


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


def test_a_silent_escalator_wakes_who_is_on_call_and_is_mailed_to_everybody(
    watcher, alive, ada, ben, on_call, carrier, noon
):
    on_call(ben)

    found = watcher.look(noon + timedelta(seconds=21))

    assert found == {"silent escalator-triage", "silent escalator-page"}
    assert mails(carrier) == ["ada@example.org", "ben@example.org"]
    assert phones(carrier) == [address_of(ben, "sms")]


def test_with_nobody_on_call_every_telephone_rings(watcher, ada, ben, carrier, noon):
    watcher.look(noon)

    assert phones(carrier) == sorted(address_of(user, "sms") for user in (ada, ben))


def test_the_alarm_says_what_to_do_in_one_sms_and_holds_no_link(watcher, ada, carrier, noon):
    watcher.look(noon)

    said = {channel: message.body for channel, message in carrier.carried}
    assert len(said["sms"]) <= texts.SMS_LIMIT
    assert said["sms"].isascii()
    for body in said.values():
        assert "page board" in body
        assert "whoever runs the server" in body
        assert "http" not in body


def test_one_trouble_that_shows_itself_in_several_places_is_told_once(
    watcher, alive, staffed, make_page, carrier, noon
):
    make_page()
    first = watcher.look(noon + timedelta(seconds=21))
    told = len(carrier.carried)

    second = watcher.look(noon + timedelta(seconds=31))

    assert first < second
    assert len(carrier.carried) == told


@pytest.mark.usefixtures("staffed")
def test_after_a_standstill_the_oldest_page_goes_first(make_page, noon):
    _, oldest, middle = (make_page(now=noon - timedelta(seconds=ago)) for ago in (3, 9, 6))

    first = [row for row, _ in deliver.waiting(limit=4, now=noon)]

    assert set(first[:2]) == set(oldest.notifications.values_list("pk", flat=True))
    assert set(first[2:]) == set(middle.notifications.values_list("pk", flat=True))


def test_a_carrier_that_hangs_does_not_hold_up_the_others(watcher, ada, seconds, noon):
    texted = threading.Event()

    def send(channel, message):
        if channel == "sms":
            texted.set()
        # The mail server answers only when the SMS is out; without a second thread it never would be.
        return Result(Outcome.ACCEPTED if texted.wait(60) else Outcome.UNKNOWN, "test")

    slow = watching.Watcher(send=send, monotonic=seconds)
    seconds.now += 60
    slow.look(noon)

    assert texted.is_set()


def test_an_escalator_that_never_ran_is_silent_too(watcher, ada, noon):
    assert watcher.look(noon) == {"silent escalator-triage", "silent escalator-page"}


def test_an_incident_is_told_once_and_again_after_five_minutes(watcher, ada, carrier, seconds, noon):
    watcher.look(noon)
    watcher.look(noon)
    seconds.now += 299
    watcher.look(noon)
    assert len(mails(carrier)) == 1

    seconds.now += 2
    watcher.look(noon)
    assert len(mails(carrier)) == 2


def test_an_incident_that_ends_and_comes_back_is_told_again(watcher, ada, carrier, noon):
    watcher.look(noon)
    for name in (loop.TRIAGE, loop.PAGE):
        Heartbeat.objects.create(name=name, beat_at=noon)
    watcher.look(noon)

    watcher.look(noon + timedelta(seconds=30))

    assert len(mails(carrier)) == 2


def test_an_alarm_nobody_took_is_sent_again_at_the_next_look(watcher, ada, carrier, noon):
    for channel in ("sms", "email"):
        carrier.fails(channel, Outcome.FAILED_FOR_NOW)
    watcher.look(noon)

    watcher.look(noon)

    assert len(mails(carrier)) == 2


def test_the_house_gets_twenty_seconds_to_start(carrier, seconds, ada, noon):
    fresh = watching.Watcher(send=carrier, monotonic=seconds)

    assert fresh.look(noon) == set()
    seconds.now += 21
    assert fresh.look(noon)


def test_a_step_of_the_clock_that_counts_is_told_of_once(watcher, alive, ada, carrier, seconds, noon):
    back = noon - timedelta(minutes=10)
    assert watcher.look(noon) == set()

    seconds.now += 3
    assert watcher.look(back) == {watching.CLOCK}
    seconds.now += 3
    assert watcher.look(back + timedelta(seconds=3)) == set()

    assert mails(carrier) == [address_of(ada, "email")]


def test_a_tip_that_waits_too_long_is_noticed_though_it_keeps_no_time(watcher, alive, make_tip, ada, seconds, noon):
    make_tip()

    assert watcher.look(noon) == set()
    seconds.now += 31
    assert watcher.look(noon + timedelta(seconds=19)) == {"overdue tip"}


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
    assert mails(carrier) == ["ada@example.org"]
    assert phones(carrier) == [address_of(ada, "sms")]


def test_who_switched_everything_off_is_not_told(watcher, ada, carrier, noon):
    Contact.objects.update(active=False)

    watcher.look(noon)

    assert carrier.carried == []


def test_danger_without_a_page_is_noticed(watcher, alive, ada, make_case, noon):
    make_case(Urgency.URGENT)

    assert watcher.look(noon) == {"page missing"}


@pytest.fixture
def reading(carrier, seconds, noon) -> Callable[[], int]:
    """Look for unread tips; the time of the database goes with `seconds`, from a full hour."""
    look = unread.Unread(send=carrier, monotonic=seconds).look
    return lambda: look(times.hour(noon) + timedelta(seconds=seconds.now))


HALF_A_DAY = 12 * 3600


def test_a_routine_tip_nobody_has_opened_for_half_a_day_is_told_to_supervisors(
    reading, make_case, ada, chief, carrier, seconds
):
    make_case(Urgency.ROUTINE)
    reading()
    seconds.now += HALF_A_DAY - 60
    assert reading() == 0

    seconds.now += 60
    assert reading() == 1

    assert mails(carrier) == ["chief@example.org"]
    assert "1 tip has waited for 12 hours" in carrier.carried[0][1].body


def test_without_a_supervisor_everybody_who_may_read_it_is_told_and_again_half_a_day_later(
    reading, make_case, ada, ben, carrier, seconds
):
    make_case(Urgency.ROUTINE)
    make_case(Urgency.PRIORITY)
    for _ in range(3):
        reading()
        seconds.now += HALF_A_DAY
    assert mails(carrier) == ["ada@example.org"] * 2 + ["ben@example.org"] * 2
    assert "2 tips have waited" in carrier.carried[0][1].body


def test_a_tip_about_our_own_people_is_told_to_oversight_people_only(
    reading, make_case, make_person, ada, chief, carrier, seconds
):
    make_person("Chair", role=Role.OVERSIGHT)
    make_case(Urgency.ROUTINE, oversight=True)
    reading()
    seconds.now += HALF_A_DAY
    reading()

    assert mails(carrier) == ["chair@example.org"]


def test_what_was_opened_is_no_longer_waited_for_until_the_sender_writes_again(
    reading, make_case, chief, carrier, seconds
):
    case = make_case(Urgency.ROUTINE)
    reading()
    Case.objects.filter(pk=case.pk).update(status="open")
    seconds.now += HALF_A_DAY
    assert reading() == 0

    Case.objects.filter(pk=case.pk).update(unread=1)
    seconds.now += HALF_A_DAY
    assert reading() == 0
    seconds.now += HALF_A_DAY
    assert reading() == 1


def test_a_restart_of_the_watch_neither_forgets_a_tip_nor_tells_it_twice(make_case, chief, carrier, noon):
    make_case(Urgency.ROUTINE)
    unread.Unread(send=carrier).look(times.hour(noon))
    late = times.hour(noon) + timedelta(seconds=HALF_A_DAY)

    assert unread.Unread(send=carrier).look(late) == 1
    assert unread.Unread(send=carrier).look(late) == 0

    assert mails(carrier) == ["chief@example.org"]


def test_when_a_tip_was_seen_is_kept_no_finer_than_the_quarter_hour_and_only_while_it_waits(
    make_case, chief, carrier, noon
):
    case = make_case(Urgency.ROUTINE)
    unread.Unread(send=carrier).look(times.hour(noon) + timedelta(minutes=7, seconds=11))
    assert Alarm.objects.get().due_at == times.hour(noon) + timedelta(hours=12, minutes=15)

    Case.objects.filter(pk=case.pk).update(status="open")
    unread.Unread(send=carrier).look(noon + timedelta(minutes=8))

    assert not Alarm.objects.exists()


def test_if_nobody_could_be_told_it_is_tried_again_a_minute_later(reading, make_case, chief, carrier, seconds):
    make_case(Urgency.ROUTINE)
    reading()
    carrier.fails("email", Outcome.FAILED_FOR_NOW)
    seconds.now += HALF_A_DAY
    reading()
    carrier.answers.clear()
    seconds.now += 60

    assert reading() == 1
    assert len(carrier.carried) == 2
