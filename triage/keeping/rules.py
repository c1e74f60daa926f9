"""Schedules: how many days after its closing a tip is erased, and what that will be when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from intake.models import Program
from triage.models import Case, Ended, Finished, RetentionRule

WRAPS_KEPT = timedelta(days=35)
"""How long a backup of the keys is kept; without it what else was copied of an erased tip cannot be read."""


@dataclass(frozen=True, slots=True)
class Coming:
    """A tip that will be erased, and the day; `held` if somebody stopped that."""

    case: Case
    ended: str
    day: date
    held: bool
    asked: bool


def days(program: Program) -> dict[str, int]:
    """Return the schedule in force, by how a tip ended."""
    return dict(RetentionRule.objects.filter(program=program).values_list("ended", "days"))


def set_days(program: Program, ended: Ended, days: int) -> bool:
    """Set one line of the schedule; whether that changed anything. ValueError unless 1 to 3,650 days."""
    if not 1 <= days <= RetentionRule.LONGEST:
        raise ValueError("A tip is kept for 1 to 3,650 days after its closing.")
    if RetentionRule.objects.filter(program=program, ended=ended, days=days).exists():
        return False
    RetentionRule.objects.update_or_create(program=program, ended=ended, defaults={"days": days})
    return True


def coming(program: Program, cases: Iterable[Case], today: date) -> list[Coming]:
    """Return when which of these closed cases will be erased, soonest first."""
    schedule = days(program)
    found = []
    rows = Finished.objects.filter(program=program, case__in=cases)
    for row in rows.select_related("case", "case__hold", "case__erase_request"):
        ended = ended_of(row.case)
        if ended not in schedule:
            continue
        # What is over already goes in the next round.
        day = max(row.closed_on + timedelta(days=schedule[ended]), today)
        found.append(
            Coming(row.case, ended, day, held=hasattr(row.case, "hold"), asked=hasattr(row.case, "erase_request"))
        )
    return sorted(found, key=lambda each: (each.day, each.case.pk))


def ended_of(case: Case) -> Ended:
    """How a closed case ended, as it stands in clear."""
    said = getattr(case, "outcome", "")
    return Ended(said) if said in Ended.values else Ended.OTHER
