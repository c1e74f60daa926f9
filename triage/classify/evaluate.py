"""Measure the classifier on labelled tips: `python -m triage.classify.evaluate FILE.jsonl ...`.

Each line is an object with "text", "categories" and "urgency". Prints figures only, never a tip;
`--ids` adds the ids of paged near misses and of missed pages.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from triage.classify import Assessment, Category, Urgency, classify


@dataclass(frozen=True, slots=True)
class Labelled:
    """A tip with the answer hoped for."""

    name: str
    text: str
    lang: str
    categories: frozenset[str]
    urgency: Urgency

    @property
    def near_miss(self) -> bool:
        """Not a tip, or a matter of life that is over: what must wake nobody."""
        grave = {Category.NOT_A_TIP, Category.SELF_HARM, Category.SCHOOL_THREAT, Category.THREAT_OF_VIOLENCE}
        return self.urgency is Urgency.ROUTINE and bool(self.categories & grave)


Pair = tuple[Labelled, Assessment]


def read(paths: Iterable[Path]) -> list[Labelled]:
    """Read labelled tips from JSON-lines files."""
    tips = []
    for path in paths:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                raw = json.loads(line)
                tips.append(
                    Labelled(
                        name=raw.get("id", "?"),
                        text=raw["text"],
                        lang=raw.get("lang", ""),
                        categories=frozenset(raw["categories"]),
                        urgency=Urgency(raw["urgency"]),
                    )
                )
    return tips


def precision_recall(right: int, said: int, true: int) -> tuple[float, float, float]:
    """Return precision, recall and F1; 0 where there is nothing to divide by."""
    precision = right / said if said else 0.0
    recall = right / true if true else 0.0
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both else 0.0


def _paging(pairs: Sequence[Pair]) -> tuple[float, float, float]:
    true = sum(tip.urgency.pages for tip, _ in pairs)
    said = sum(answer.urgency.pages for _, answer in pairs)
    right = sum(tip.urgency.pages and answer.urgency.pages for tip, answer in pairs)
    return precision_recall(right, said, true)


def report(pairs: Sequence[Pair]) -> str:
    """Return all figures as plain text."""
    lines = [f"{len(pairs)} tips", "", f"{'category':20} {'true':>5} {'said':>5} {'prec':>6} {'recall':>6} {'F1':>6}"]
    scores = []
    for category in Category:
        true = sum(category in tip.categories for tip, _ in pairs)
        said = sum(category in answer.categories for _, answer in pairs)
        right = sum(category in tip.categories and category in answer.categories for tip, answer in pairs)
        precision, recall, f1 = precision_recall(right, said, true)
        if true:
            scores.append(f1)
        lines.append(f"{category:20} {true:5} {said:5} {precision:6.2f} {recall:6.2f} {f1:6.2f}")
    lines.append(f"macro F1 {sum(scores) / max(1, len(scores)):.3f}")
    precision, recall, _ = _paging(pairs)
    near = [(tip, answer) for tip, answer in pairs if tip.near_miss]
    paged = sum(answer.urgency.pages for _, answer in near)
    lines += ["", f"paging recall {recall:.3f}, precision {precision:.3f}"]
    lines.append(f"near misses paged {paged} of {len(near)} ({paged / max(1, len(near)):.3f})")
    lines.append(f"not judged {sum(not answer.judged for _, answer in pairs)}")
    lines += ["", "levels (rows: true, columns: said)", f"{'':10}" + "".join(f"{level:>10}" for level in Urgency)]
    confusion = Counter((tip.urgency, answer.urgency) for tip, answer in pairs)
    for level in Urgency:
        lines.append(f"{level:10}" + "".join(f"{confusion[level, said]:10}" for said in Urgency))
    lines += ["", "paging by language: tips, recall, precision"]
    for lang in sorted({tip.lang for tip, _ in pairs}):
        part = [pair for pair in pairs if pair[0].lang == lang]
        precision, recall, _ = _paging(part)
        lines.append(f"{lang:5} {len(part):5} {recall:6.2f} {precision:6.2f}")
    return "\n".join(lines)


def errors(pairs: Sequence[Pair]) -> str:
    """Return the ids of what was missed and of near misses that would wake somebody."""
    missed = [tip.name for tip, answer in pairs if tip.urgency.pages and not answer.urgency.pages]
    woken = [tip.name for tip, answer in pairs if tip.near_miss and answer.urgency.pages]
    return f"\nmissed pages: {' '.join(missed)}\nnear misses paged: {' '.join(woken)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m triage.classify.evaluate", description="Measure the classifier.")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--ids", action="store_true", help="also print the ids of missed and needless pages")
    options = parser.parse_args(arguments)
    pairs = [(tip, classify(tip.text)) for tip in read(options.files)]
    sys.stdout.write(report(pairs) + "\n")
    if options.ids:
        sys.stdout.write(errors(pairs) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
