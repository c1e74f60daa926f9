"""Tips of one event side by side: what each of them says that the others do not.

Pure: the texts are open in an unlocked session, and nothing of what is found here is stored. Only
words that carry something are compared, as the workers compare them (triage.incidents.telling).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby, pairwise

from triage.incidents import telling
from triage.incidents.signature import forms
from triage.incidents.telling import Kind, Word

MOST = 600
"""Words compared of one tip: what comes after them is shown without marks, and said to be so."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of an answer as it was typed. `kind` is set where no other tip says it."""

    text: str
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One tip beside the others: its answers cut into stretches, in the order they were given."""

    answers: tuple[tuple[Stretch, ...], ...]
    whole: bool

    @property
    def only(self) -> list[Stretch]:
        """What only this one says, each once."""
        return list(dict.fromkeys(each for answer in self.answers for each in answer if each.kind))


@dataclass(frozen=True, slots=True)
class _Said:
    """The carrying words of one tip, with the number of the answer each stands in."""

    words: tuple[tuple[int, Word], ...]
    whole: bool

    @property
    def texts(self) -> list[str]:
        return [word.text for _, word in self.words]

    @property
    def pairs(self) -> set[tuple[str, str]]:
        """Neighbouring words."""
        texts = ["", *self.texts, ""]
        return set(pairwise(texts))


def compare(tips: Sequence[Sequence[str]]) -> list[Compared]:
    """Compare the answers of tips. A word is marked where the tip differs from its nearest, and no other says it."""
    said = [_read(answers) for answers in tips]
    return [
        _cut(answers, said[at], _new(said[at], [other for place, other in enumerate(said) if place != at]))
        for at, answers in enumerate(tips)
    ]


def _read(answers: Sequence[str]) -> _Said:
    found = [(number, word) for number, text in enumerate(answers) for word in telling.read({telling.TEXT: text}).words]
    return _Said(tuple(found[:MOST]), len(found) <= MOST)


def _new(mine: _Said, others: Sequence[_Said]) -> set[int]:
    """Return which words of a tip none of the others has; nothing where there are no others."""
    if not others:
        return set()
    texts = mine.texts
    nearest = max(others, key=lambda other: len(set(texts) & set(other.texts)))
    steps = SequenceMatcher(None, nearest.texts, texts).get_opcodes()
    changed = [place for what, _, _, start, end in steps if what != "equal" for place in range(start, end)]
    known = {form for other in others for _, word in other.words for form in forms(word)}
    pairs = set[tuple[str, str]]().union(*(other.pairs for other in others))
    around = ["", *texts, ""]

    def says_more(place: int) -> bool:
        word = mine.words[place][1]
        if known.isdisjoint(forms(word)):
            return True
        # "North" of something else is another place, though others say "north" as well.
        beside = (around[place], word.text), (word.text, around[place + 2])
        return word.kind is not Kind.WORD and pairs.isdisjoint(beside)

    return {place for place in changed if says_more(place)}


def _cut(answers: Sequence[str], said: _Said, new: set[int]) -> Compared:
    spans: dict[int, list[Word]] = {}
    for place in sorted(new):
        number, word = said.words[place]
        spans.setdefault(number, []).append(word)
    cut = tuple(tuple(_stretches(text, spans.get(number, []))) for number, text in enumerate(answers))
    return Compared(cut, said.whole)


def _only_a_mark(between: str) -> bool:
    """Whether nothing but a space or a mark parts two words, as in "9:40"."""
    return len(between) <= 2 and not any(map(str.isalnum, between)) and "\n" not in between


def _stretches(text: str, marked: Sequence[Word]) -> list[Stretch]:
    """Cut a text around its marked words; neighbours of one kind are one stretch."""
    kinds: list[Kind | None] = [None] * len(text)
    last: Word | None = None
    for word in marked:
        kinds[word.start : word.end] = [word.kind] * (word.end - word.start)
        if last and last.kind is word.kind and _only_a_mark(text[last.end : word.start]):
            kinds[last.end : word.start] = [word.kind] * (word.start - last.end)
        last = word
    stretches, at = [], 0
    for kind, some in groupby(kinds):
        end = at + len(list(some))
        stretches.append(Stretch(text[at:end], kind))
        at = end
    return stretches
