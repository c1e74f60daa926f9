"""Drift: what share of the tips the classifier put into each category and level, week by week.

A category and a week stand in no column: who could read the database would see them move. So the
shares are counted in an unlocked session, from the sealed assessments, and stored nowhere.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from intake.models import Tip
from triage.classify import Urgency
from triage.classify.evaluate import Share
from triage.classify.taxonomy import Category
from triage.console import opening
from triage.console.opening import Thought
from triage.models import Assessment, Case, User
from triage.vault.keys import Unlocked

WEEKS = 6
MOST = 5000
"""Tips opened for one page, about a second. Ids are drawn at random, so the first of them are a fair sample."""
FEW = 5
"""A count below this is said as "few": it would point at single tips."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One category or level in one week."""

    count: int
    whole: int

    @property
    def few(self) -> bool:
        """Whether it is too small to be shown; none at all is shown where there was a week to speak of."""
        return self.whole < FEW or 0 < self.count < FEW

    @property
    def percent(self) -> int:
        """The share, rounded; 0 where it is not shown."""
        return 0 if self.few else round(100 * self.count / self.whole)


@dataclass(frozen=True, slots=True)
class Line:
    """One category or level: the share before, and in each of the last weeks, the oldest first."""

    code: str
    before: Cell
    weeks: tuple[Cell, ...]

    @property
    def moved(self) -> int:
        """1 if the last weeks together are above what was usual before, -1 if below, 0 if chance explains it."""
        now = Share(sum(each.count for each in self.weeks), sum(each.whole for each in self.weeks))
        if self.before.whole < FEW or now.whole < FEW or max(now.part, self.before.count) < FEW:
            return 0
        low, high = now.interval
        usual_low, usual_high = Share(self.before.count, self.before.whole).interval
        return (low > usual_high) - (high < usual_low)


@dataclass(frozen=True, slots=True)
class Drift:
    """All that is counted. `mondays` begin the weeks; `unread` are tips no classifier read."""

    mondays: tuple[date, ...]
    levels: tuple[Line, ...]
    categories: tuple[Line, ...]
    whole: int
    unread: int
    sample: bool


def drift(user: User, unlocked: Unlocked, *, now: datetime) -> Drift:
    """Count the first message of every conversation this person may see and open: four queries."""
    roots = list(Case.objects.visible_to(user).order_by("pk").values_list("tip_id", flat=True)[: MOST + 1])
    tips = {tip.pk: tip for tip in Tip.objects.filter(pk__in=roots[:MOST]).only("program_id", "follows_id", "number")}
    keys = opening.data_keys(tips.values(), unlocked)
    thoughts = [
        opening.thought(tips[each.tip_id], each, keys[each.tip_id]) for each in Assessment.objects.filter(tip__in=keys)
    ]
    return counted(thoughts, today=now.date(), sample=len(roots) > MOST)


def counted(thoughts: Iterable[Thought], *, today: date, sample: bool = False) -> Drift:
    """Count what the classifier said, by the week the tip came in."""
    this = _monday(today)
    mondays = tuple(this - timedelta(weeks=back) for back in range(WEEKS - 1, -1, -1))
    wholes: Counter[date | None] = Counter()
    said: Counter[tuple[date | None, str]] = Counter()
    unread = 0
    for each in thoughts:
        if each.quarter is None or not each.judged:
            unread += 1
            continue
        monday = _monday(each.quarter.date())
        week = monday if monday >= mondays[0] else None
        wholes[week] += 1
        said.update((week, code) for code in {each.urgency, *each.categories})

    def line(code: str) -> Line:
        weeks = tuple(Cell(said[week, code], wholes[week]) for week in mondays)
        return Line(code, Cell(said[None, code], wholes[None]), weeks)

    seen = {code for _, code in said}
    return Drift(
        mondays,
        tuple(line(str(level)) for level in Urgency),
        tuple(line(str(code)) for code in Category if code in seen),
        sum(wholes.values()),
        unread,
        sample,
    )


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
