"""The only grains of time that are ever written down about a tip."""

from datetime import date, datetime, timedelta

QUARTER = timedelta(minutes=15)


def week(now: datetime) -> date:
    """Return the Monday of the week, UTC: all that stands in clear of when a tip came."""
    return now.date() - timedelta(days=now.weekday())


def hour(now: datetime) -> datetime:
    """Return the start of the hour, as audit entries carry it."""
    return now.replace(minute=0, second=0, microsecond=0)


def quarter_hour(now: datetime) -> datetime:
    """Return the start of the quarter hour, as it is kept, sealed, with a tip."""
    return now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)


def midnight_after(moment: datetime) -> datetime:
    """Return the midnight that ends the day of a time, for rows that may not say more than a day."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def quarter_hour_after(moment: datetime) -> datetime:
    """Round a time up to the next quarter hour, for rows that say when to clean up."""
    floor = quarter_hour(moment)
    return floor if floor == moment else floor + QUARTER
