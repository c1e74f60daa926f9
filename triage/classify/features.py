"""Turn the tokens of a text into numbered features for the model: words, letter groups, order, rules found.

Every feature is a bucket of a fixed table, found by a hash: the model file holds no word list. The
same text gives the same buckets on every machine and in every version of Python.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from triage.classify.remembered import Remembered
from triage.classify.tokens import Token, disguises

BITS = 17
WORDS = 1 << BITS
LETTERS_FROM, ORDER_FROM, BUCKETS = WORDS, 2 * WORDS, 3 * WORDS
"""Words, letter groups and order have a third of the table each, so that none is taken for another kind."""
RULE_BUCKETS = 1 << 14
LETTER_GROUPS = (2, 3, 4, 5)
LONGEST_WORD = 40
_SPACE = 32
_PRIME = np.uint64(1_000_003)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(64 - BITS)
_BEGINS, _ENDS = np.uint64(WORDS + 1), np.uint64(WORDS + 2)  # no word has these numbers

Buckets = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Features:
    """The buckets of a text (with repeats), and for each the token it comes from."""

    words: Buckets
    word_places: Buckets
    letters: Buckets
    letter_places: Buckets
    order: Buckets
    """Pairs of neighbours in a sentence, and the words a text of several sentences begins and ends with."""

    def between(self, start: int, stop: int) -> "Features":
        """Return the features of tokens `start` up to `stop`; places go on counting from the first of all."""
        words = (self.word_places >= start) & (self.word_places < stop)
        letters = (self.letter_places >= start) & (self.letter_places < stop)
        return Features(
            self.words[words],
            self.word_places[words],
            self.letters[letters],
            self.letter_places[letters],
            np.empty(0, np.int64),
        )


def _bucket(kind: str, name: str) -> int:
    return crc32(f"{kind}:{name}".encode("utf-8", "replace")) >> (32 - BITS)


def _rule_bucket(name: str) -> int:
    return _bucket("rule", name) & (RULE_BUCKETS - 1)


def _spell(word: str) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    """Return a word and what it may be a disguise of, cut to a sane length, with spaces; their widths, and buckets."""
    found = [spelling[:LONGEST_WORD] for spelling in disguises(word)]
    if len(found) > 1:
        found = list(dict.fromkeys(found))
    return (
        " ".join([*found, ""]),
        tuple([len(spelling) + 1 for spelling in found]),
        tuple([_bucket("word", spelling) for spelling in found]),
    )


_spellings = Remembered(_spell)
_rule_buckets = Remembered(_rule_bucket)


def forget() -> None:
    """Forget the words looked up so far."""
    _spellings.clear()
    _rule_buckets.clear()


def rule_buckets(names: Iterable[str]) -> Buckets:
    """Return the buckets of rules, tags and situations found, each once, in order."""
    return np.array(sorted({_rule_buckets[name] for name in names}), np.int64)


def _letter_groups(text: str, place: Buckets) -> tuple[Buckets, Buckets]:
    """Return every group of letters within a word (a space may begin or end it), and its token."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    letter = codes != _SPACE
    buckets, owners = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    rolled = codes
    inside = letter[1:]  # whether the group that begins here has no space but at its ends
    for length in LETTER_GROUPS:
        if len(codes) < length:
            break
        rolled = rolled[:-1] * _PRIME + codes[length - 1 :]
        if length == 2:
            firsts = np.flatnonzero(letter[:-1] | letter[1:])
            owners.append(place.take(firsts + ~letter.take(firsts)))
        else:
            inside = inside[:-1] & letter[length - 2 : -1]
            firsts = np.flatnonzero(inside)
            owners.append(place.take(firsts + (length - 2)))
        mixed = (rolled.take(firsts) + np.uint64(length)) * _MIX
        buckets.append((mixed >> _SHIFT).astype(np.int64) + LETTERS_FROM)
    return np.concatenate(buckets), np.concatenate(owners)


def features(tokens: Sequence[Token]) -> Features:
    """Return the features of a run of tokens; places count from the first of them."""
    if not tokens:
        return Features(*[np.empty(0, np.int64)] * 5)
    pieces, widths, buckets = map(list, zip(*[_spellings[token[0]] for token in tokens], strict=True))
    counts = np.array(list(map(len, buckets)))
    owners = np.repeat(np.arange(len(tokens)), counts)
    words = np.fromiter(chain.from_iterable(buckets), np.int64, len(owners))
    width = np.fromiter(chain.from_iterable(widths), np.int64, len(owners))
    plain = np.cumsum(counts) - counts  # the word as it stands; what it may be a disguise of follows
    text = "".join([" ", *pieces])
    if not text.isascii():
        for place in _chinese(tokens):  # Chinese has no spaces: neighbours are read together
            pieces[place] = pieces[place][:-1]
            width[plain[place]] -= 1
        text = "".join([" ", *pieces])
    owner = np.repeat(np.concatenate(([0], owners)), np.concatenate(([1], width)))
    letters, letter_places = _letter_groups(text, owner)
    sentences = np.array([token[3] for token in tokens])
    return Features(words, owners, letters, letter_places, _order(words[plain].astype(np.uint64), sentences))


def _chinese(tokens: Sequence[Token]) -> list[int]:
    """Return the places of Chinese characters that another one follows."""
    chinese = ["\u3400" <= token[0] <= "\u9fff" for token in tokens]
    return [place for place in range(len(tokens) - 1) if chinese[place] and chinese[place + 1]]


def _order(words: NDArray[np.uint64], sentences: Buckets) -> Buckets:
    """Return what tells the order of words: neighbours, and which words begin and end a text."""
    if not len(words):
        return np.empty(0, np.int64)
    follows = sentences[1:] == sentences[:-1]
    codes = [(words[:-1] * _PRIME + words[1:])[follows]]
    if sentences[-1] > 0:
        codes += [words[sentences == 0] * _PRIME + _BEGINS, words[sentences == sentences[-1]] * _PRIME + _ENDS]
    return ((np.concatenate(codes) * _MIX) >> _SHIFT).astype(np.int64) + ORDER_FROM
