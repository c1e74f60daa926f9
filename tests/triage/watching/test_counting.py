"""The numbers for the metrics: counted from open work, and shown so that none places a tip in time."""

from datetime import timedelta

import pytest

from intake.models import EpochKey
from triage.escalation import deliver, taking
from triage.models import Attempt, Escalation, Heartbeat, Measure, Notification, Urgency
from triage.watching import measures
from triage.watching.counting import EVERY, Counting

pytestmark = pytest.mark.django_db


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def look():
    """Look at that time; `look.waits` is how long the oldest tip waits to be assessed."""

    class Look:
        waits = 0.0

        def __init__(self) -> None:
            self.seconds = Seconds()
            self.counting = Counting(oldest_tip=lambda: self.waits, monotonic=self.seconds)

        def __call__(self, now) -> None:
            self.seconds.now += EVERY
            self.counting.look(now)

        def again(self) -> None:
            """As after a restart."""
            self.counting = Counting(oldest_tip=lambda: self.waits, monotonic=self.seconds)

    return Look()


def shown(name):
    return dict(Measure.objects.filter(name=name).values_list("labels", "value"))


def held(name):
    return dict(Measure.objects.filter(name=name, held__gt=0).values_list("labels", "held"))


def _accepted(page, at):
    Notification.objects.filter(escalation=page).update(accepted_at=at)


def test_the_times_of_a_page_are_counted_once_each_and_held(staffed, ada, make_page, look, after):
    look(after(minutes=0))
    page = make_page()
    _accepted(page, after(seconds=4))
    for seconds in (6, 9, 12):
        look(after(seconds=seconds))
    taking.take_case(page.case, by=ada, now=after(seconds=50))
    look(after(seconds=51))
    taking.mark_opened(page.case, by=ada, now=after(seconds=100))
    look(after(seconds=102))

    assert held(measures.ACCEPT) == {"5": 1}
    assert held(measures.TAKE) == {"60": 1}
    assert held(measures.OPEN) == {"120": 1}
    assert not any(shown(name).get("5") for name in measures.BUCKETS)


def test_a_restart_counts_nothing_twice(staffed, make_page, look, after):
    look(after(minutes=0))
    page = make_page()
    _accepted(page, after(seconds=1))
    look(after(seconds=3))
    look.again()
    look(after(seconds=6))

    assert held(measures.ACCEPT) == {"1": 1}


def test_four_pages_are_told_to_nobody_and_a_fifth_shows_all_of_them_at_the_next_hour(staffed, make_page, look, after):
    look(after(minutes=0))
    for _ in range(4):
        _accepted(make_page(), after(seconds=1))
    look(after(minutes=1))
    look(after(hours=1))
    few = shown(measures.ACCEPT), shown(measures.PAGES)
    _accepted(make_page(now=after(hours=1)), after(hours=1, seconds=1))
    look(after(hours=1, minutes=1))
    within = shown(measures.ACCEPT), shown(measures.PAGES)
    look(after(hours=2))

    assert few == within == ({"1": 0}, {"": 0})
    assert shown(measures.ACCEPT) == {"1": 5}
    assert shown(measures.PAGES) == {"": 5}


def test_tips_nobody_has_are_told_of_by_fives_and_as_the_most_of_the_hour_before(make_case, look, after):
    for _ in range(7):
        make_case(Urgency.ROUTINE)
    look(after(minutes=0))
    look(after(minutes=10))
    at_once = shown(measures.WAITING)
    look(after(hours=1))

    assert at_once == {}
    assert shown(measures.WAITING) == {"imminent": 0, "urgent": 0, "priority": 0, "routine": 5}


def test_after_a_restart_the_hour_that_was_seen_in_part_is_not_told_of(staffed, make_page, look, after):
    for _ in range(5):
        make_page()
    look(after(minutes=1))

    assert shown(measures.PAGES) == {}


def test_what_is_in_time_reads_nought_and_what_is_late_reads_by_steps(staffed, make_page, look, after):
    make_page()
    look(after(seconds=20))
    in_time = set(shown(measures.OVERDUE).values())
    look.waits = 65.0
    look(after(seconds=44))
    look(after(seconds=47))

    assert in_time == {0}
    assert shown(measures.OVERDUE) == {
        "tips|": 60,
        "pages|imminent": 0,
        "pages|urgent": 0,
        "voice|": 0,
        "sms|": 30,
        "email|": 30,
    }


def test_a_page_nobody_opens_shows_after_half_an_hour_at_the_quarter(staffed, make_page, look, noon, after):
    make_page()  # at seven past
    look(noon)
    look(after(minutes=29))
    early = shown(measures.UNOPENED)
    look(after(minutes=31))
    look(after(minutes=37))
    late = shown(measures.UNOPENED)
    look(after(minutes=38, seconds=40))

    assert early == late == {"": 0}
    assert shown(measures.UNOPENED) == {"": 1800}


def test_tries_are_counted_by_channel_and_result_when_their_hour_is_over(
    staffed, make_page, carrier, look, noon, after, monkeypatch
):
    monkeypatch.setattr(measures, "FEW_TRIES", 2)
    look(noon)
    make_page()
    for note in Notification.objects.all():
        deliver.deliver(note.pk, send=carrier, now=noon)
    Attempt.objects.update(hour=noon.replace(minute=0, second=0))
    look(after(minutes=20))
    within = shown(measures.TRIES)
    for minutes in (60, 61, 120):
        look(after(minutes=minutes))

    assert within == {}
    assert shown(measures.TRIES) == {"sms|accepted": 1, "email|accepted": 1}


def test_it_says_that_it_lives_and_how_old_the_key_of_the_hour_is(look, worker_host, noon):
    look(noon)

    assert Heartbeat.objects.filter(name="watch").exists()
    made = Heartbeat.objects.get(name="epoch-key").beat_at
    assert made <= noon
    assert EpochKey.objects.get().usable_until - made < timedelta(hours=2)


def test_no_row_of_the_numbers_names_a_page_or_a_person(staffed, make_page, look, after):
    look(after(minutes=0))
    page = make_page()
    _accepted(page, after(seconds=1))
    look(after(seconds=3))

    rows = repr(list(Measure.objects.values_list("name", "labels")))
    for secret in (page.pk, page.case_id, page.tip_id, page.program_id, *Escalation.objects.values_list("id")):
        assert str(secret) not in rows
