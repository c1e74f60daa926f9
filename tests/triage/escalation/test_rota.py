"""Shifts: the right person at every hour, also in the nights when the clock changes and on a leap day."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from triage.audit import chain
from triage.escalation import engine, rota
from triage.escalation.rota import DAY
from triage.models import AuditEntry, Cover, Role, Shift, Urgency
from triage.watching import priority, staffing, telling

pytestmark = pytest.mark.django_db

MON, TUE, WED, THU, FRI, SAT, SUN = range(7)


def at(text: str) -> datetime:
    """A moment of UTC, e.g. at("2026-03-04 12:07")."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def shift(program):
    """shift(ada, SUN, "22:00", "06:00"): every Sunday night, on the wall of Toronto."""

    def _minute(text):
        hour, minute = text.split(":")
        return int(hour) * 60 + int(minute)

    def _shift(user, weekday, starts, ends, place=0):
        first, last = _minute(starts), _minute(ends)
        last += DAY if last <= first else 0
        return Shift.objects.create(program=program, user=user, weekday=weekday, starts=first, ends=last, place=place)

    return _shift


def names(program, moment):
    people = {user.pk: user.name for user in rota.callable_people(program)}
    return [people[pk] for pk in rota.on_call(program.pk, moment)]


def test_without_shifts_the_plain_list_counts(program, ada, ben, on_call, noon):
    on_call(ben, ada)

    assert names(program, noon) == ["Ben", "Ada"]


def test_with_the_first_shift_shifts_alone_count(program, ada, ben, on_call, shift):
    on_call(ben)
    shift(ada, WED, "09:00", "17:00")

    assert names(program, at("2026-03-04 15:00")) == ["Ada"]  # Wednesday 10:00 in Toronto
    assert names(program, at("2026-03-04 23:00")) == []


def test_a_shift_ends_to_the_second_and_the_next_begins(program, ada, ben, shift):
    shift(ada, WED, "09:00", "17:00")
    shift(ben, WED, "17:00", "09:00")

    for moment, name in (
        ("2026-03-04 13:59:59", None),
        ("2026-03-04 14:00:00", "Ada"),
        ("2026-03-04 21:59:59", "Ada"),
        ("2026-03-04 22:00:00", "Ben"),
        ("2026-03-05 13:59:59", "Ben"),
        ("2026-03-05 14:00:00", None),
    ):
        assert names(program, at(moment)) == ([name] if name else []), moment


def test_who_is_called_first_comes_first_and_nobody_comes_twice(program, ada, ben, shift):
    shift(ben, WED, "09:00", "17:00", place=1)
    shift(ada, WED, "09:00", "17:00", place=0)
    shift(ben, WED, "10:00", "12:00", place=2)

    assert names(program, at("2026-03-04 16:00")) == ["Ada", "Ben"]


def test_in_the_night_that_loses_an_hour_the_morning_shift_begins_at_its_hour_on_the_wall(program, ada, ben, shift):
    # Toronto, 8 March 2026: 02:00 becomes 03:00. 06:00 is then 10:00 UTC, not 11:00.
    shift(ada, SAT, "22:00", "06:00")
    shift(ben, SUN, "06:00", "14:00")

    assert names(program, at("2026-03-08 03:00")) == ["Ada"]  # Saturday 22:00
    assert names(program, at("2026-03-08 09:59:59")) == ["Ada"]
    assert names(program, at("2026-03-08 10:00")) == ["Ben"]
    assert names(program, at("2026-03-08 17:59:59")) == ["Ben"]
    assert names(program, at("2026-03-08 18:00")) == []


def test_in_the_night_that_has_an_hour_twice_the_night_shift_lasts_an_hour_longer(program, ada, ben, shift):
    # Toronto, 1 November 2026: 02:00 becomes 01:00. 06:00 is then 11:00 UTC.
    shift(ada, SAT, "22:00", "06:00")
    shift(ben, SUN, "06:00", "14:00")

    assert names(program, at("2026-11-01 02:00")) == ["Ada"]  # Saturday 22:00
    assert names(program, at("2026-11-01 10:59:59")) == ["Ada"]
    assert names(program, at("2026-11-01 11:00")) == ["Ben"]


@pytest.mark.parametrize("day", [date(2026, 3, 7), date(2026, 10, 31)])
@pytest.mark.parametrize("change", ["01:00", "01:30", "02:00", "02:30", "03:00"])
def test_two_shifts_that_meet_inside_the_change_leave_no_gap_and_no_overlap(program, ada, ben, shift, day, change):
    shift(ada, SAT, "20:00", change)
    shift(ben, SUN, change, "09:00")

    first, second = rota.spans(program, day, day + timedelta(days=1))

    assert first.ends == second.begins
    assert names(program, first.ends - timedelta(seconds=1)) == ["Ada"]
    assert names(program, first.ends) == ["Ben"]


def test_a_leap_day_is_the_weekday_it_is(program, ada, ben, shift):
    shift(ada, TUE, "00:00", "00:00")
    shift(ben, WED, "00:00", "00:00")

    assert names(program, at("2028-02-29 12:00")) == ["Ada"]  # a Tuesday
    assert names(program, at("2028-03-01 04:59:59")) == ["Ada"]
    assert names(program, at("2028-03-01 05:00")) == ["Ben"]


def test_a_shift_across_new_year_is_one_shift(program, ada, shift):
    shift(ada, THU, "22:00", "06:00")

    assert names(program, at("2026-12-31 23:00")) == []
    assert names(program, at("2027-01-01 03:00")) == ["Ada"]
    assert names(program, at("2027-01-01 10:59")) == ["Ada"]


def test_a_page_begun_in_a_shift_calls_its_people_and_a_rota_edited_meanwhile_changes_nothing(
    program, staffed, ada, ben, shift, make_page, told
):
    at_night = at("2026-03-05 04:00")  # Wednesday 23:00
    nights = shift(ada, WED, "22:00", "06:00")
    shift(ben, WED, "22:00", "06:00", place=1)
    page = make_page(now=at_night)
    rota.remove(program, nights.pk, by=ben, now=at_night)
    Shift.objects.filter(user=ben).update(place=0)

    engine.climb_due(at_night + timedelta(minutes=2))
    later = make_page(now=at_night + timedelta(minutes=3))

    page.refresh_from_db()
    assert [step["people"] for step in page.snapshot["steps"]][:2] == [[str(ada.pk)], [str(ben.pk)]]
    assert {name for name, _ in told(page)} == {"Ada", "Ben"}
    assert {name for name, _ in told(later)} == {"Ben"}


def test_a_page_begun_in_the_repeated_hour_calls_who_is_on_shift(staffed, ada, ben, shift, make_page, told):
    shift(ada, SAT, "22:00", "06:00")
    shift(ben, SUN, "06:00", "22:00")

    once = make_page(now=at("2026-11-01 05:30"))  # 01:30, the first time
    again = make_page(now=at("2026-11-01 06:30"))  # 01:30, the second time
    after = make_page(now=at("2026-11-01 11:30"))

    assert [{name for name, _ in told(page)} for page in (once, again, after)] == [{"Ada"}, {"Ada"}, {"Ben"}]


def test_in_a_gap_everybody_is_paged_at_once(staffed, shift, ada, make_page, told):
    shift(ada, WED, "22:00", "06:00")

    page = make_page(now=at("2026-03-04 15:00"))

    assert {name for name, _ in told(page)} == {"Ada", "Ben", "Chief"}


def test_a_colleague_stands_in_on_one_day_and_the_next_week_it_is_as_before(program, ada, ben, shift, noon):
    wednesdays = shift(ada, WED, "09:00", "17:00")
    rota.hand_over(program, wednesdays.pk, date(2026, 3, 4), ben, by=ada, now=noon)

    assert names(program, at("2026-03-04 15:00")) == ["Ben"]
    assert names(program, at("2026-03-11 15:00")) == ["Ada"]
    rota.hand_over(program, wednesdays.pk, date(2026, 3, 4), ada, by=ben, now=noon)
    assert names(program, at("2026-03-04 15:00")) == ["Ada"]
    assert not Cover.objects.exists()


def test_a_day_on_which_the_shift_does_not_begin_is_refused(program, ada, ben, shift, noon):
    wednesdays = shift(ada, WED, "09:00", "17:00")

    with pytest.raises(rota.NoSuchShift):
        rota.hand_over(program, wednesdays.pk, date(2026, 3, 5), ben, by=ada, now=noon)


@pytest.mark.parametrize("role", [Role.BOARD, Role.AGENCY, Role.ADMINISTRATOR, Role.AUDITOR])
def test_who_reads_no_tips_is_not_put_on_call(program, ada, make_person, shift, noon, role):
    other = make_person("Other", role=role)
    wednesdays = shift(ada, WED, "09:00", "17:00")

    with pytest.raises(rota.NotCallable):
        rota.add(program, other, [MON], starts=0, ends=60, place=0, by=ada, now=noon)
    with pytest.raises(rota.NotCallable):
        rota.hand_over(program, wednesdays.pk, date(2026, 3, 4), other, by=ada, now=noon)


def test_every_change_is_on_record(program, ada, ben, noon):
    rota.add(program, ada, [MON, TUE], starts=60, ends=60, place=0, by=ben, now=noon)
    rota.remove(program, Shift.objects.first().pk, by=ben, now=noon)

    assert list(AuditEntry.objects.values_list("event", "actor__name")) == [(chain.Event.ROTA_CHANGED, "Ben")] * 2
    assert Shift.objects.get().ends - Shift.objects.get().starts == DAY


def test_gaps_are_found_between_and_at_both_ends(program, ada, ben, shift):
    shift(ada, WED, "09:00", "17:00")
    shift(ben, WED, "16:00", "20:00")
    found = rota.spans(program, date(2026, 3, 2), date(2026, 3, 8))

    empty = rota.gaps(found, at("2026-03-04 05:00"), at("2026-03-05 05:00"))

    assert empty == [
        (at("2026-03-04 05:00"), at("2026-03-04 14:00")),
        (at("2026-03-05 01:00"), at("2026-03-05 05:00")),
    ]
    assert rota.gaps([], at("2026-03-04 05:00"), at("2026-03-05 05:00")) == [
        (at("2026-03-04 05:00"), at("2026-03-05 05:00"))
    ]


@pytest.mark.parametrize(
    "wrong",
    [{"weekday": 7}, {"starts": 1440, "ends": 1500}, {"starts": 60, "ends": 60}, {"starts": 60, "ends": 1501}],
)
def test_the_database_takes_no_shift_that_cannot_be(program, ada, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        Shift.objects.create(program=program, user=ada, **({"weekday": 0, "starts": 60, "ends": 120} | wrong))


def test_the_administrator_hears_of_a_gap_when_it_begins(program, staffed, ada, shift):
    shift(ada, WED, "09:00", "17:00")

    kinds = [{state.kind for state in staffing.states(at(f"2026-03-04 {hour}:00"))} for hour in (15, 23)]

    assert "nobody_on_call" not in kinds[0]
    assert "nobody_on_call" in kinds[1]


def test_a_number_that_does_not_work_is_told_before_its_shift_begins(program, staffed, shift, make_person):
    shift(make_person("Mute", sms=None, email=None), SAT, "09:00", "17:00")

    assert "unreachable" in {state.kind for state in staffing.states(at("2026-03-04 15:00"))}


def test_mail_of_priority_tips_goes_to_who_is_on_shift(program, staffed, ada, ben, shift):
    for weekday in range(7):
        shift(ben, weekday, "00:00", "00:00")

    reached = priority.on_duty(priority.Side(program.pk, oversight=False))

    assert [reach.address for reach in reached] == ["ben@example.org"]
    assert {reach.channel for reach in telling.everybody()} == {"sms", "email"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", ["triage", "page", "custodian", "watch", "console"])
def test_every_process_that_asks_may_ask(program, ada, shift, settings, role):
    shift(ada, WED, "09:00", "17:00")
    call_command("grant_roles")
    owner = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
    connection.close()
    password = (settings.SECRETS_DIR / f"db_{role}").read_text().strip()
    connection.settings_dict.update(USER=f"tipline_{role}", PASSWORD=password)
    try:
        assert rota.on_call(program.pk, at("2026-03-04 15:00")) == [ada.pk]
    finally:
        connection.close()
        connection.settings_dict.update(owner)


def test_an_imminent_page_calls_everyone_on_shift_and_then_the_next(
    program, ada, ben, shift, make_ladder, make_page, told
):
    make_ladder((0, "everyone", ["sms"]), (120, "next", ["sms"]), urgency=Urgency.IMMINENT)
    shift(ada, WED, "09:00", "17:00")
    shift(ben, WED, "09:00", "17:00", place=1)

    page = make_page(Urgency.IMMINENT, now=at("2026-03-04 15:00"))

    assert {name for name, _ in told(page)} == {"Ada", "Ben"}
