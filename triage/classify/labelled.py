"""Labelled tips: read from JSON lines, and grouped by who wrote them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from triage.classify.lexicon import TARGETS
from triage.classify.taxonomy import Category, Urgency

TIPS = Path(__file__).parent / "data" / "tips"
HELD = Path(__file__).parent / "data" / "held"
"""Tips no training ever learns from: what a new model is held against before it may replace the old one."""


class LabelError(ValueError):
    """A line of a file of tips cannot be used; the message names file and line, never the text."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A tip with the answer hoped for, and the file it comes from."""

    name: str
    text: str
    lang: str
    categories: frozenset[str]
    urgency: Urgency
    file: str

    @property
    def near_miss(self) -> bool:
        """Not a tip, or a matter of life that is over: what must wake nobody."""
        grave = {Category.NOT_A_TIP, Category.SELF_HARM, Category.SCHOOL_THREAT, Category.THREAT_OF_VIOLENCE}
        return self.urgency is Urgency.ROUTINE and bool(self.categories & grave)

    @property
    def writer(self) -> str:
        """Who wrote it: files are named a01, b07, w1-en-03."""
        return self.file.split("-")[0] if "-" in self.file else self.file.rstrip("0123456789")

    def answers(self) -> list[bool]:
        """Return the true answer for every target, in their order."""
        levels = {
            "paging": self.urgency.pages,
            "imminent": self.urgency is Urgency.IMMINENT,
            "priority": self.urgency is Urgency.PRIORITY,
        }
        return [levels.get(target, target in self.categories) for target in TARGETS]


def read(paths: Iterable[Path]) -> list[Labelled]:
    """Read labelled tips; a text that stands twice counts once. Raises LabelError."""
    tips: dict[str, Labelled] = {}
    for path in paths:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    raw = json.loads(line)
                    tip = Labelled(
                        name=str(raw.get("id", f"{path.stem}:{number}")),
                        text=raw["text"],
                        lang=raw.get("lang", ""),
                        categories=frozenset(str(Category(code)) for code in raw["categories"]),
                        urgency=Urgency(raw["urgency"]),
                        file=path.stem,
                    )
                except (ValueError, KeyError, TypeError, AttributeError):
                    raise LabelError(f"{path.name}, line {number}: not a labelled tip") from None
                tips.setdefault(tip.text, tip)
    return list(tips.values())


def own_tips() -> list[Labelled]:
    """Return the tips written for this project, in a fixed order."""
    return read(sorted(TIPS.glob("*.jsonl")))


def held_tips() -> list[Labelled]:
    """Return the fixed evaluation set, in a fixed order."""
    return read(sorted(HELD.glob("*.jsonl")))
