"""The quality sample: a few routine tips a day, drawn by chance, are looked at again by a person.

What the program calls routine wakes nobody and may be read late, so nothing else would tell how
often it misses a tip that cannot wait. Corrections do not: people correct what they come upon.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from triage.classify import Urgency
from triage.classify.evaluate import Share
from triage.learning.shares import FEW
from triage.models import Case, QualityReview, User

WAITS = timedelta(days=7)
"""A tip of the sample that nobody looked at is let go after this, and counts for nothing."""
COUNTED = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Missed:
    """What people said of the routine tips they looked at again. `few`: too few to say anything."""

    looked: int
    woken: int
    sooner: int

    @property
    def few(self) -> bool:
        """Whether too few were looked at."""
        return self.looked < FEW

    @property
    def percent(self) -> str:
        """The share that should have woken somebody."""
        return _percent(self.woken / self.looked if self.looked else 0.0)

    @property
    def at_most(self) -> str:
        """What that share may be in truth, as far as so many tips can tell."""
        return _percent(Share(self.woken, self.looked).interval[1])


def waiting(user: User, *, today: date) -> list[QualityReview]:
    """Return what waits for a second look, the oldest first."""
    found = QualityReview.objects.filter(
        case__in=Case.objects.visible_to(user), level="", drawn_on__gt=today - WAITS, drawn_on__lte=today
    )
    return list(found.select_related("case").order_by("drawn_on", "number"))


def missed(user: User, *, today: date) -> Missed:
    """Count what people said in the last three months of the tips this person may see."""
    looked = QualityReview.objects.filter(case__in=Case.objects.visible_to(user), drawn_on__gt=today - COUNTED).exclude(
        level=""
    )
    levels = [Urgency(level) for level in looked.values_list("level", flat=True)]
    woken = sum(level.pages for level in levels)
    return Missed(len(levels), woken, sum(level != Urgency.ROUTINE for level in levels) - woken)


def answer(case: Case, level: Urgency, *, by: User) -> bool:
    """Write down what level a person would have given; False if somebody said it already."""
    return bool(QualityReview.objects.filter(case=case, level="").update(level=level, by=by))


def today_of(now: datetime) -> date:
    """The day a sample belongs to."""
    return now.date()


def _percent(share: float) -> str:
    return f"{100 * share:.0f}" if share >= 0.1 or not share else f"{100 * share:.1f}"
