"""Which open tips may tell of one event: a suggestion, put together anew each time and stored nowhere.

The triage worker notes in a tip's sealed assessment which tip it is like. Followed from tip to tip
that makes groups; a person looks at each, and nothing is put together until they say so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from triage.console import sheet
from triage.console.brief import Brief
from triage.models import Case

MANY = 5
HOUR = timedelta(hours=1)
One = TypeVar("One", Case, Brief)


@dataclass(frozen=True, slots=True)
class Suggestion(Generic[One]):
    """Tips that may tell of one event, some of them perhaps put together already."""

    cases: tuple[One, ...]
    burst: int = 0  # how many of them came within the last hour, if they are many

    @property
    def first(self) -> One:
        """The one its page is asked for by."""
        return self.cases[0]

    @property
    def count(self) -> int:
        """How many tips."""
        return len(self.cases)


def suggest(cases: Iterable[One], known: sheet.Sheet, *, now: datetime) -> list[Suggestion[One]]:
    """Return the groups that nobody has confirmed yet, in the order of the cases."""
    groups: dict[UUID, list[One]] = {}
    above: dict[UUID, UUID] = {}

    def top(node: UUID) -> UUID:
        while node in above:
            # Every second step is made shorter for the next who walks here (path halving).
            above[node] = above.get(above[node], above[node])
            node = above[node]
        return node

    listed = list(cases)
    for case in listed:
        facets = known.get(case.pk)
        # The tip it is like may be closed: two open ones that are like it are like each other.
        for other in (case.incident, facets.like if facets and not case.apart else None):
            if other is not None and top(other) != top(case.tip_id):
                above[top(case.tip_id)] = top(other)
    for case in listed if above else ():
        groups.setdefault(top(case.tip_id), []).append(case)
    found = [some for some in groups.values() if len(some) > 1 and not _together(some)]
    return [Suggestion(tuple(some), _burst(some, known, now)) for some in found]


def resembling(case: Case, others: Iterable[Case], known: sheet.Sheet) -> list[Case]:
    """Return those of the others that a worker found to be like this one."""
    return [other for other in others if (facets := known.get(other.pk)) and facets.like == case.tip_id]


def _burst(cases: list[One], known: sheet.Sheet, now: datetime) -> int:
    quarters = [facets.quarter for case in cases if (facets := known.get(case.pk)) and facets.quarter]
    late = sum(now - quarter <= HOUR for quarter in quarters)
    return late if late >= MANY else 0


def _together(cases: list[One]) -> bool:
    return cases[0].incident is not None and len({case.incident for case in cases}) == 1
