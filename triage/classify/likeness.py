"""Say whether the words of a text look like any language the rules can read.

One small word in common says little: "i" is English and Croatian, "na" Portuguese, Tagalog and Swahili. A text that
shares only a few is held against the labelled tips: of each language it is remembered which groups of five letters
have stood in one, a bit each in a table found by a hash, never a word.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from triage.classify.folding import fold
from triage.classify.labelled import Labelled
from triage.classify.language import languages_of, words_of
from triage.classify.lexicon import Language, Lexicon
from triage.classify.tokens import Token, tokenise

BITS = 19
GROUP = 5
FEW_TELLING = 3
"""A text with more different small words of a language than these is in that language."""
FEWEST_WORDS = 4
LET_OFF = 0.5
"""A text of few groups looks like a language by chance more or less: this, by the root of their number, is added."""
FOLDS = 8

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Likeness:
    """Which groups of letters each language has: a row of bits a language, and the share that tells it."""

    languages: tuple[str, ...]
    seen: NDArray[np.uint8]
    limits: NDArray[np.float32]

    def is_foreign(self, tokens: Sequence[Token], read_as: Sequence[Language]) -> bool:
        """Whether a text was taken for these languages, the likeliest first, by few words and looks like none."""
        if read_as[0].code not in self.languages:
            return False  # written without spaces, or by rules nothing was learned for yet
        words = doubtful(tokens, read_as)
        return bool(words) and not (self.alike(words) >= self.limits).any()

    def alike(self, words: Sequence[str]) -> NDArray[np.float64]:
        """Return for every language how much of some words stood in its tips, from 0 to 1 and what is let off."""
        groups = _groups(words)
        known = self.seen[:, groups >> 3] >> (7 - (groups & 7)) & 1
        alike: NDArray[np.float64] = known.mean(axis=1) + LET_OFF / np.sqrt(len(groups))
        return alike


def doubtful(tokens: Sequence[Token], read_as: Sequence[Language]) -> list[str]:
    """Return the words, each once, of a text that is in none of these languages for certain; none if it is short."""
    words = dict.fromkeys(words_of(tokens))
    certain = any(len(words.keys() & language.telling) > FEW_TELLING for language in read_as)
    return [] if certain or len(words) < FEWEST_WORDS else list(words)


def _groups(words: Iterable[str]) -> Numbers:
    marked = [f"<{word}>" for word in words]
    return np.array(
        [
            crc32(word[start : start + GROUP].encode("utf-8", "replace")) >> (32 - BITS)
            for word in marked
            for start in range(max(1, len(word) - GROUP + 1))
        ],
        np.int64,
    )


def learn(tips: Sequence[Labelled], lexicon: Lexicon, unlike: float, alike: float) -> Likeness:
    """Learn from labelled tips; the limits from tips held against what the other files teach.

    Of the tips of a language that have few small words, the share `unlike` looks less like it than its limit. No limit
    is higher than `alike`: where a language is known best, slang would soon be foreign.
    """
    # Chinese is known by its script, and is written without the spaces that would make words of it.
    languages = tuple(code for code, language in lexicon.languages.items() if language.script != "han")
    texts = [tokenise(fold(tip.text)) for tip in tips]
    words: dict[tuple[str, int], set[str]] = defaultdict(set)
    fold_of = [crc32(tip.file.encode()) % FOLDS for tip in tips]
    for tip, tokens, part in zip(tips, texts, fold_of, strict=True):
        words[tip.lang, part].update(words_of(tokens))

    def table(left_out: int | None) -> Likeness:
        seen = np.zeros((len(languages), 1 << BITS), bool)
        for row, language in enumerate(languages):
            for part in range(FOLDS):
                if part != left_out:
                    seen[row, _groups(words[language, part])] = True
        return Likeness(languages, np.packbits(seen, axis=1), np.zeros(len(languages), np.float32))

    unseen: dict[str, list[float]] = {language: [] for language in languages}
    for left_out in range(FOLDS):
        others = table(left_out)
        for tip, tokens, part in zip(tips, texts, fold_of, strict=True):
            if part == left_out and tip.lang in unseen:
                read_as = languages_of(tokens, lexicon, None)
                asked = doubtful(tokens, read_as) if read_as else []
                if asked:
                    unseen[tip.lang].append(others.alike(asked)[languages.index(tip.lang)])
    limits = [min(alike, float(np.quantile(found, unlike))) if found else 0.0 for found in unseen.values()]
    return Likeness(languages, table(None).seen, np.array(limits, np.float32))
