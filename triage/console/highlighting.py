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
    in_text: bool


Span = tuple[int, int, int]  # start, end, number
SITUATION = "together."
LEARNED = "model.words"


def marked(text: str, reasons: Sequence[Reason]) -> tuple[list[Piece], list[Footnote]]:
    """Cut a text at the edges of its reasons and number those, in the order of the text.

    Offsets are code points; one that lies outside the text is brought to its edge. The same
    sentence about several places is one reason with one number. What a situation has put together
    ("a weapon is to come to a school at a known time") is not said again piece by piece.
    """
    whole = [(each.start, each.end) for each in reasons if each.rule.startswith(SITUATION)]
    told = [each for each in reasons if not any(_part_of(each, start, end) for start, end in whole)]
    placed = [(_within(each.start, text), _within(each.end, text), each) for each in told]
    # Those about the whole tip have no place in it, and come last.
    placed.sort(key=lambda found: (found[0] >= found[1], found[0], found[1], found[2].explanation))
    numbers: dict[str, int] = {}
    for _, _, each in placed:
        numbers.setdefault(each.explanation, len(numbers) + 1)
    spans = {(start, end, numbers[each.explanation]) for start, end, each in placed if start < end}
    in_text = {number for _, _, number in spans}
    notes = [Footnote(number, explanation, number in in_text) for explanation, number in numbers.items()]
    edges = sorted({0, len(text)} | {edge for start, end, _ in spans for edge in (start, end)})
    first = {number: min(start for start, _, n in spans if n == number) for number in in_text}
    pieces = [_piece(text, left, right, spans, first) for left, right in pairwise(edges)]
    return pieces, notes


def _part_of(each: Reason, start: int, end: int) -> bool:
    """Whether a reason's place lies within another and is smaller; the model's own always stand."""
    return each.rule != LEARNED and start <= each.start < each.end <= end and each.end - each.start < end - start


def _within(offset: int, text: str) -> int:
    return min(max(offset, 0), len(text))


def _piece(text: str, left: int, right: int, spans: set[Span], first: dict[int, int]) -> Piece:
    covering = [(start, end, number) for start, end, number in spans if start <= left and right <= end]
    return Piece(
        text[left:right],
        marked=bool(covering),
        # The footnote leads back to the first place of its reason only.
        starts=tuple(sorted({n for start, _, n in covering if start == left == first[n]})),
        ends=tuple(sorted({n for _, end, n in covering if end == right})),
    )
