"""Duty hours: when a program reads its ordinary mail, in its own time zone."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60
_PART = re.compile(r"(?P<first>[a-z]{3})(-(?P<last>[a-z]{3}))? (?P<hours>\d{1,2}:\d\d-\d{1,2}:\d\d)")


class BadHours(ValueError):
    """Not written like "Mon-Fri 08:00-18:00, Sat 10:00-14:00"."""


class Hours(NamedTuple):
    """From one minute of a weekday to another of the same day."""

    weekday: int
    start: int
    end: int


def read(text: str) -> list[Hours]:
    """Read duty hours; empty means always. Raises BadHours."""
    found = []
    for part in filter(None, (part.strip().lower() for part in text.split(","))):
        match = _PART.fullmatch(part)
        if not match or match["first"] not in DAYS or (match["last"] or match["first"]) not in DAYS:
            raise BadHours
        start, end = (_minute(moment) for moment in match["hours"].split("-"))
        if start >= end:
            raise BadHours
        first = DAYS.index(match["first"])
        last = DAYS.index(match["last"] or match["first"])
        found += [Hours((first + each) % 7, start, end) for each in range((last - first) % 7 + 1)]
    return found


def begins(now: datetime, hours: list[Hours], zone: str) -> datetime:
    """Return now if it is in duty hours, else when they begin next."""
    if not hours:
        return now
    local = now.astimezone(ZoneInfo(zone))
    starts = []
    for each in hours:
        for ahead in range(8):
            day = (local + timedelta(days=ahead)).date()
            if day.weekday() != each.weekday:
                continue
            start, end = (_moment(day, minute, local) for minute in (each.start, each.end))
            if start <= now < end:
                return now
            if start > now:
                starts.append(start)
    return min(starts)


def _moment(day: date, minute: int, local: datetime) -> datetime:
    midnight = datetime.combine(day, time(), tzinfo=local.tzinfo)
    # Counted on the clock on the wall, whatever the clock does at night.
    wall = midnight + timedelta(minutes=minute)
    return wall.astimezone(UTC)


def _minute(moment: str) -> int:
    hour, minute = (int(part) for part in moment.split(":"))
    if minute > 59 or hour * 60 + minute > DAY:
        raise BadHours
    return hour * 60 + minute
