"""What the classifier answers."""

from collections.abc import Mapping
from dataclasses import dataclass

from triage.classify.taxonomy import Urgency


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a span of the original text in code points, the rule, and one plain sentence.

    A reason about the whole tip has the empty span 0 to 0.
    """

    start: int
    end: int
    rule: str
    explanation: str
    category: str | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answer for one text. It orders work and wakes people; it never hides anything.

    `scores` are between 0 and 1, one for each category and for "paging", "imminent", "priority".
    `judged` is False when no rule could read the text; the level is then policy, not judgement.
    """

    urgency: Urgency
    categories: tuple[str, ...]
    scores: Mapping[str, float]
    language: str | None
    reasons: tuple[Reason, ...]
    version: str
    judged: bool
