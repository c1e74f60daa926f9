"""Refuse weights that would miss danger the ones before them found, on tips no training has learned from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from triage.classify import Category, classify_with
from triage.classify.evaluate import Pair, assess
from triage.classify.labelled import Labelled
from triage.classify.model import Model

FEWEST = 4
"""A category with fewer tips that should wake somebody says nothing about recall."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Of `whole` tips of a category that should wake somebody, the new weights wake for fewer than the old."""

    category: str
    before: int
    after: int
    whole: int

    def __str__(self) -> str:
        return f"{self.category}: {self.after} of {self.whole} found, {self.before} before"


def woken(pairs: Sequence[Pair]) -> dict[str, tuple[int, int]]:
    """For every category: of how many tips that should wake somebody, how many do."""
    found = {}
    for category in Category:
        due = [answer.urgency.pages for tip, answer in pairs if tip.urgency.pages and category in tip.categories]
        if len(due) >= FEWEST:
            found[str(category)] = (sum(due), len(due))
    return found


def losses(tips: Sequence[Labelled], old: Model, new: Model) -> list[Loss]:
    """Return every category for which the new weights wake nobody where the old ones would."""
    before, after = (woken(assess(tips, partial(classify_with, each))) for each in (old, new))
    return [
        Loss(category, before[category][0], found, whole)
        for category, (found, whole) in after.items()
        if found < before[category][0]
    ]
