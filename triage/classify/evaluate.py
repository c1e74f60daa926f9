"""Measure the classifier on labelled tips: figures only, never a tip's words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triage.classify import Assessment, Category, Urgency
from triage.classify.labelled import Labelled

Pair = tuple[Labelled, Assessment]
Flags = NDArray[np.float64]
LENGTHS: tuple[tuple[str, int, int], ...] = (
    ("to 15", 0, 15),
    ("16-40", 16, 40),
    ("41-100", 41, 100),
    ("100+", 101, 10**9),
)
"""Words of a tip; a Chinese character counts as half a word."""
DRAWS = 400
CERTAINTY = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a count, with Wilson's interval of 95 %."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        """The share; 0 where there is nothing to divide by."""
        return self.part / self.whole if self.whole else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Source: Wilson (1927), JASA 22, 209-212."""
        if not self.whole:
            return 0.0, 1.0
        z, n, p = 1.96, self.whole, self.value
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        reach = z / (1 + z * z / n) * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
        return max(0.0, middle - reach), min(1.0, middle + reach)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.3f} [{low:.2f}-{high:.2f}]"


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted of one yes-or-no question."""

    true: int
    said: int
    right: int
    average_precision: float

    @property
    def precision(self) -> Share:
        """Of those said, how many are."""
        return Share(self.right, self.said)

    @property
    def recall(self) -> Share:
        """Of those that are, how many were said."""
        return Share(self.right, self.true)

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return 2 * self.right / (self.true + self.said) if self.true + self.said else 0.0


def average_precision(truth: Sequence[bool] | Flags, scores: Sequence[float] | Flags) -> float:
    """Return the area under the precision-recall steps; ties stand together."""
    recall, precision, _ = _steps(truth, scores)
    return float(np.diff(recall, prepend=0.0) @ precision)


def curve(truth: Sequence[bool], scores: Sequence[float]) -> list[tuple[float, float, float]]:
    """Return recall, precision and score for every threshold, the strictest first."""
    return list(zip(*(column.tolist() for column in _steps(truth, scores)), strict=True))


def _steps(truth: Sequence[bool] | Flags, scores: Sequence[float] | Flags) -> tuple[Flags, Flags, Flags]:
    flags, values = np.asarray(truth, np.float64), np.asarray(scores, np.float64)
    if not flags.any():
        return flags[:0], flags[:0], flags[:0]
    order = np.argsort(-values, kind="stable")
    right = np.cumsum(flags[order])
    last = np.append(np.flatnonzero(np.diff(values[order])), len(values) - 1)
    return right[last] / flags.sum(), right[last] / (last + 1), values[order][last]


def figures(truth: Sequence[bool], said: Sequence[bool], scores: Sequence[float]) -> Figures:
    """Count one question over all tips."""
    return Figures(
        sum(truth),
        sum(said),
        sum(true and yes for true, yes in zip(truth, said, strict=True)),
        average_precision(truth, scores),
    )


def score_of(answer: Assessment, target: str) -> float:
    """Return the chance given for a target; what was not judged stands by its level."""
    return answer.scores.get(target, 1.0 if target == "paging" and answer.urgency.pages else 0.0)


def paging(pairs: Sequence[Pair]) -> Figures:
    """Whether somebody was woken, against whether somebody should be."""
    return figures(
        [tip.urgency.pages for tip, _ in pairs],
        [answer.urgency.pages for _, answer in pairs],
        [score_of(answer, "paging") for _, answer in pairs],
    )


def by_category(pairs: Sequence[Pair]) -> dict[str, Figures]:
    """The figures of every category."""
    return {
        str(category): figures(
            [category in tip.categories for tip, _ in pairs],
            [category in answer.categories for _, answer in pairs],
            [score_of(answer, category) for _, answer in pairs],
        )
        for category in Category
    }


def macro_f1(categories: Mapping[str, Figures]) -> float:
    """The plain mean of F1 over the categories that occur."""
    found = [one.f1 for one in categories.values() if one.true]
    return sum(found) / len(found) if found else 0.0


def near_misses(pairs: Sequence[Pair]) -> Share:
    """How many harmless but alarming tips woke somebody."""
    near = [answer.urgency.pages for tip, answer in pairs if tip.near_miss]
    return Share(sum(near), len(near))


def explained(pairs: Sequence[Pair]) -> Share:
    """How many of the tips that wake somebody show at least one place in the text as a reason."""
    woken = [any(reason.end > reason.start for reason in answer.reasons) for _, answer in pairs if answer.urgency.pages]
    return Share(sum(woken), len(woken))


def confusion(pairs: Sequence[Pair]) -> list[list[int]]:
    """Rows: the true level; columns: the level said; worst first."""
    levels = list(Urgency)
    table = [[0] * len(levels) for _ in levels]
    for tip, answer in pairs:
        table[levels.index(tip.urgency)][levels.index(answer.urgency)] += 1
    return table


def words_in(text: str) -> int:
    """Count words, two Chinese characters as one."""
    return len(text.split()) + sum("\u3400" <= char <= "\u9fff" for char in text) // 2


def groups(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """The tips by writer, language and length."""
    found: dict[str, list[Pair]] = {}
    for pair in pairs:
        tip = pair[0]
        length = words_in(tip.text)
        size = next(name for name, low, high in LENGTHS if low <= length <= high)
        for name in (f"writer {tip.writer}", f"language {tip.lang}", f"words {size}"):
            found.setdefault(name, []).append(pair)
    return dict(sorted(found.items()))


def paging_interval(pairs: Sequence[Pair]) -> tuple[float, float]:
    """Return the 95 % interval of paging's average precision over tips drawn again with replacement, always alike."""
    chance = np.random.default_rng(5)
    truth = np.array([tip.urgency.pages for tip, _ in pairs], np.float64)
    scores = np.array([score_of(answer, "paging") for _, answer in pairs], np.float64)
    draws = (chance.integers(0, len(pairs), len(pairs)) for _ in range(DRAWS))
    low, high = np.percentile([average_precision(truth[draw], scores[draw]) for draw in draws], CERTAINTY)
    return float(low), float(high)


def precision_at(pairs: Sequence[Pair], recall: float) -> float:
    """Return the best paging precision that still reaches a recall."""
    truth = [tip.urgency.pages for tip, _ in pairs]
    points = curve(truth, [score_of(answer, "paging") for _, answer in pairs])
    return max((precision for reached, precision, _ in points if reached >= recall), default=0.0)


def assess(tips: Iterable[Labelled], classify: Callable[[str], Assessment]) -> list[Pair]:
    """Let a classifier answer every tip."""
    return [(tip, classify(tip.text)) for tip in tips]
