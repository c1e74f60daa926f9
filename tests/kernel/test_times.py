"""Only coarse grains of time are written down."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tipline.kernel import rotating, times

moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@given(moments)
def test_a_week_begins_on_its_monday(now):
    assert times.week(now).weekday() == 0
    assert timedelta(0) <= now.date() - times.week(now) < timedelta(days=7)


@given(moments)
def test_a_quarter_hour_hides_the_minute(now):
    quarter = times.quarter_hour(now)

    assert (quarter.minute % 15, quarter.second, quarter.microsecond) == (0, 0, 0)
    assert timedelta(0) <= now - quarter < timedelta(minutes=15)


@given(moments)
def test_rounding_up_is_never_early(now):
    after = times.quarter_hour_after(now)

    assert timedelta(0) <= after - now < timedelta(minutes=15)
    assert after == times.quarter_hour(after)


def test_a_slots_secret_is_the_same_for_all_processes_and_gone_after_two_slots(tmp_path, noon):
    directory = tmp_path / "slots"
    first, before = rotating.current_and_previous(directory, noon)
    rotating._made.cache_clear()

    again, _ = rotating.current_and_previous(directory, noon)
    second, previous = rotating.current_and_previous(directory, noon + timedelta(minutes=5))
    third, _ = rotating.current_and_previous(directory, noon + timedelta(minutes=10))

    assert before is None
    assert first == again == previous
    assert len({first, second, third}) == 3
    assert len(list(directory.glob("slot-*"))) == 2
    assert all(path.stat().st_mode & 0o077 == 0 for path in directory.iterdir())
