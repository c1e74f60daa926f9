"""Turn the tokens of a text into numbered features for the model: words, letter groups, order, rules found.

Every feature is a bucket of a fixed table, found by a hash: the model file holds no word list. The
same text gives the same buckets on every machine and in every version of Python.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

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


@lru_cache(maxsize=8192)
def _bucket(kind: str, name: str) -> int:
    return crc32(f"{kind}:{name}".encode("utf-8", "replace")) >> (32 - BITS)


@lru_cache(maxsize=8192)
def _spellings(word: str) -> tuple[tuple[str, int, int], ...]:
    """Return a word and what it may be a disguise of, cut to a sane length: with a space, its width, its bucket."""
    found = dict.fromkeys(spelling[:LONGEST_WORD] for spelling in disguises(word))
    return tuple((f"{spelling} ", len(spelling) + 1, _bucket("word", spelling)) for spelling in found)


def forget() -> None:
    """Forget the words looked up so far."""
    _bucket.cache_clear()
    _spellings.cache_clear()


def rule_buckets(names: Iterable[str]) -> Buckets:
    """Return the buckets of rules, tags and situations found, each once, in order."""
    return np.unique(np.fromiter((_bucket("rule", name) & (RULE_BUCKETS - 1) for name in names), np.int64))


def _is_cjk(text: str) -> bool:
    return "\u3400" <= text <= "\u9fff"


def _letter_groups(text: str, place: Buckets) -> tuple[Buckets, Buckets]:
    """Return every group of letters within a word (a space may begin or end it), and its token."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    inside = np.concatenate(([0], np.cumsum(codes == _SPACE)))  # spaces before each position
    buckets, owners = [], []
    rolled = codes.copy()
    for length in range(2, max(LETTER_GROUPS) + 1):
        if len(codes) < length:
            break
        rolled = rolled[: len(codes) - length + 1] * _PRIME + codes[length - 1 :]
        if length not in LETTER_GROUPS:
            continue
        last = np.arange(length - 1, len(codes))
        # No space strictly inside the group.
        good = inside[last] - inside[last - length + 2] == 0
        if length == 2:
            good = (codes[:-1] != _SPACE) | (codes[1:] != _SPACE)
        mixed = (rolled + np.uint64(length)) * _MIX
        buckets.append((mixed >> _SHIFT)[good].astype(np.int64) + LETTERS_FROM)
        owner = np.where(codes[last - 1] == _SPACE, place[last], place[last - 1])
        owners.append(owner[good])
    if not buckets:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return np.concatenate(buckets), np.concatenate(owners)


def features(tokens: Sequence[Token]) -> Features:
    """Return the features of a run of tokens; places count from the first of them."""
    words: list[int] = []
    owners: list[int] = []
    pieces: list[str] = [" "]
    widths: list[int] = [1]
    last = False
    plain: list[int] = []
    for place, (text, _, _, _) in enumerate(tokens):
        cjk = text >= "\u3400" and _is_cjk(text)
        plain.append(len(words))  # the word as it stands; what it may be a disguise of follows
        for piece, width, bucket in _spellings(text):
            words.append(bucket)
            owners.append(place)
            if cjk and last:  # Chinese has no spaces: neighbours are read together
                pieces[-1] = pieces[-1][:-1]
                widths[-1] -= 1
            pieces.append(piece)
            widths.append(width)
        last = cjk
    letters, letter_places = _letter_groups("".join(pieces), np.repeat(np.array([0, *owners], np.int64), widths))
    found = np.array(words, np.int64)
    order = _order(found[plain].astype(np.uint64), np.array([token[3] for token in tokens], np.int64))
    return Features(found, np.array(owners, np.int64), letters, letter_places, order)


def _order(words: NDArray[np.uint64], sentences: Buckets) -> Buckets:
    """Return what tells the order of words: neighbours, and which words begin and end a text."""
    if not len(words):
        return np.empty(0, np.int64)
    follows = sentences[1:] == sentences[:-1]
    codes = [(words[:-1] * _PRIME + words[1:])[follows]]
    if sentences[-1] > 0:
        codes += [words[sentences == 0] * _PRIME + _BEGINS, words[sentences == sentences[-1]] * _PRIME + _ENDS]
    return ((np.concatenate(codes) * _MIX) >> _SHIFT).astype(np.int64) + ORDER_FROM
