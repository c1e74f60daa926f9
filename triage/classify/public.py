"""Measure on public labelled texts that nobody here wrote: figures only. Their labels say only what is known.

A record is `{"text": ..., "labels": {"self_harm": 0 or 1, ...}}`; a label that is missing is unknown.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from triage.classify.assessment import Assessment
from triage.classify.evaluate import Figures, Share, figures, score_of
from triage.classify.labelled import LabelError

QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "self_harm": ("self_harm",),
    "violence_threat": ("threat_of_violence", "school_threat"),
    "school_threat": ("school_threat",),
    "drugs": ("drugs",),
    "bullying": ("bullying",),
}
"""What the labels of public sets ask, and the categories that answer it."""
HARMLESS = ("background", "near_miss")


@dataclass(frozen=True, slots=True)
class Record:
    """A text and what is known of it."""

    text: str
    labels: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one file."""

    texts: int
    woken: Share
    harmless_woken: Share
    questions: Mapping[str, Figures]


def read(path: Path, most: int) -> list[Record]:
    """Read every n-th text, so that at most `most` are read and all parts of the file. Raises LabelError."""
    records = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                raw = json.loads(line)
                records.append(Record(str(raw["text"]), dict(raw["labels"])))
            except (ValueError, KeyError, TypeError):
                raise LabelError(f"{path.name}, line {number}: not a labelled text") from None
    step = -(-len(records) // most) if most else 1
    return records[:: max(1, step)]


def measure(records: Sequence[Record], classify: Callable[[str], Assessment]) -> Measured:
    """Let a classifier answer all texts and count what is known."""
    answers = [classify(record.text) for record in records]
    questions = {}
    for label, categories in QUESTIONS.items():
        known = [
            (record.labels[label] == 1, answer)
            for record, answer in zip(records, answers, strict=True)
            if record.labels.get(label) in (0, 1)
        ]
        if known:
            questions[label] = figures(
                [true for true, _ in known],
                [any(category in answer.categories for category in categories) for _, answer in known],
                [max(score_of(answer, category) for category in categories) for _, answer in known],
            )
    harmless = [
        answer.urgency.pages
        for record, answer in zip(records, answers, strict=True)
        if any(record.labels.get(mark) == 1 for mark in HARMLESS)
    ]
    woken = Share(sum(answer.urgency.pages for answer in answers), len(answers))
    return Measured(len(records), woken, Share(sum(harmless), len(harmless)), questions)


def report(found: Iterable[tuple[str, Measured]]) -> str:
    """Return the figures as plain text, one line for each question of each file."""
    lines = []
    for name, one in found:
        lines.append(f"{name}: {one.texts} texts, {one.woken} would wake somebody")
        if one.harmless_woken.whole:
            lines.append(f"  harmless ones that would: {one.harmless_woken}")
        for label, figure in one.questions.items():
            if figure.true:
                lines.append(
                    f"  {label:16} {figure.true:5} true, precision {figure.precision}, recall {figure.recall}, "
                    f"F1 {figure.f1:.2f}, average precision {figure.average_precision:.2f}"
                )
            else:
                wrong = Share(figure.said, one.texts)
                lines.append(f"  {label:16} none true, said of {wrong}")
    return "\n".join(lines)
