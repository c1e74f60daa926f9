"""What a tip tells, word by word: which words carry something, and whether they say where, when, who or with what."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from triage.classify.folding import Folded, fold, fold_plain
from triage.classify.language import languages_of
from triage.classify.lexicon import lexicon
from triage.classify.tokens import Token, tokenise

TEXT = "text"
MOST_WORDS = 3000
"""Words read of one answer: what is longer is compared by its beginning, and never pages together with another."""
LONGEST_WORD = 40
_EMOJI = re.compile(r"[\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2620]")


class Kind(StrEnum):
    """What a word says."""

    NUMBER = "number"
    TIME = "time"
    PLACE = "place"
    MEANS = "means"
    NAME = "name"
    WORD = "word"


_ANSWERS = {"people": Kind.NAME, "vehicle": Kind.MEANS, "place": Kind.PLACE, "time": Kind.TIME, "school": Kind.PLACE}


@dataclass(frozen=True, slots=True)
class Word:
    """One folded word of an answer, with its span in the answer as it was typed."""

    text: str
    kind: Kind
    answer: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a tip tells: every word of each answer in order, and those that carry something."""

    runs: tuple[tuple[str, ...], ...]
    words: tuple[Word, ...]
    whole: bool = True

    @property
    def length(self) -> int:
        """Words in all."""
        return sum(len(run) for run in self.runs)


def read(answers: Mapping[str, str]) -> Told:
    """Read the answers of a tip: its "text", and "people", "vehicle", "place", "time", "school" where given.

    No text makes this raise.
    """
    runs: list[tuple[str, ...]] = []
    words: list[Word] = []
    whole = True
    for answer in (TEXT, *_ANSWERS):
        text = answers.get(answer, "")
        if not text:
            continue
        folded = fold(text)
        tokens = tokenise(folded)
        whole = whole and len(tokens) <= MOST_WORDS
        del tokens[MOST_WORDS:]
        runs.append(tuple(token.text[:LONGEST_WORD] for token in tokens))
        words += _carrying(answer, text, folded, tokens)
    return Told(tuple(runs), tuple(words), whole)


def _carrying(answer: str, text: str, folded: Folded, tokens: list[Token]) -> Iterator[Word]:
    known = lexicon()
    spoken = languages_of(tokens, known, None)
    # "Not" changes everything, however common it is.
    common = frozenset[str]().union(*(language.common - language.negations for language in spoken))
    shouted = sum(map(str.isupper, text)) > sum(map(str.islower, text))
    sentence = -1
    for token in tokens:
        first, sentence = token.sentence != sentence, token.sentence
        if token.text in common:
            continue
        start, end = folded.origin[token.start], folded.origin[token.end - 1] + 1
        named = not first and not shouted and text[start].isupper()
        kind = _kind(token.text) or (Kind.NAME if named else _ANSWERS.get(answer, Kind.WORD))
        if kind is Kind.WORD and _EMOJI.fullmatch(token.text):
            continue
        yield Word(token.text[:LONGEST_WORD], kind, answer, start, end)


def _kind(word: str) -> Kind | None:
    return Kind.NUMBER if any(map(str.isdigit, word)) else _listed().get(word)


@cache
def _listed() -> Mapping[str, Kind]:
    raw = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
    return {
        word: Kind(kind) for kind, lists in raw.items() for some in lists.values() for word in fold_plain(some).split()
    }
