"""The words of a tip with the reasons marked in them.

Reasons may overlap or lie inside one another, so the text is cut at every edge and each piece
knows which reasons cover it. The template escapes every piece; nothing here makes markup.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from triage.console.opening import Reason


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text; `ends` are the numbers of the reasons that end with it."""

    text: str
    marked: bool
    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Footnote:
    """One reason with its number; `in_text` says whether there is a place to go back to."""

    number: int
    explanation: str
    category: str | None
    in_text: bool


def marked(text: str, reasons: Sequence[Reason]) -> tuple[list[Piece], list[Footnote]]:
    """Cut a text at the edges of its reasons and number those, in the order of the text.

    Offsets are code points; one that lies outside the text is brought to its edge.
    """
    spans = sorted(
        {
            (min(max(each.start, 0), len(text)), min(max(each.end, 0), len(text)), each.explanation, each.category)
            for each in reasons
        },
        key=lambda span: (span[0] >= span[1], span[0], span[1], span[2]),
    )
    notes = [
        Footnote(number, explanation, category, in_text=start < end)
        for number, (start, end, explanation, category) in enumerate(spans, start=1)
    ]
    edges = sorted({0, len(text)} | {edge for start, end, *_ in spans if start < end for edge in (start, end)})
    pieces = [_piece(text, left, right, spans) for left, right in pairwise(edges)]
    return pieces, notes


def _piece(text: str, left: int, right: int, spans: list[tuple[int, int, str, str | None]]) -> Piece:
    covering = [
        (number, start, end)
        for number, (start, end, *_) in enumerate(spans, start=1)
        if start <= left and right <= end and start < end
    ]
    return Piece(
        text[left:right],
        marked=bool(covering),
        starts=tuple(number for number, start, _ in covering if start == left),
        ends=tuple(number for number, _, end in covering if end == right),
    )
