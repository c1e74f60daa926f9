"""Fold text to a plain form for matching, remembering where every character came from.

Compatibility forms, case, accents and invisible characters are folded away, so that a word split
by zero-width characters or written in mathematical letters is still the word. Nothing here can
fail: lone surrogates, NUL and any control character pass through or are dropped.
"""

import unicodedata
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_APOSTROPHES = dict.fromkeys("\u2018\u2019\u201b\u02bc\u0060\u00b4\uff07\u2032", "'")
_QUOTES = dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u300c\u300d\u300e\u300f", '"')
_ARABIC = {
    "\u0640": "",
    "\u06cc": "\u064a",
    "\u0649": "\u064a",
    "\u06a9": "\u0643",
    "\u06c1": "\u0647",
    "\u06be": "\u0647",
    "\u0629": "\u0647",
    "\u06d2": "\u064a",
    "\u06c3": "\u0647",
}
_SPECIAL = {**_APOSTROPHES, **_QUOTES, **_ARABIC, "\u0131": "i", "\u0142": "l", "\u00f8": "o"}


@dataclass(frozen=True, slots=True)
class Folded:
    """Folded text, and for each of its characters the index of its source in the original."""

    text: str
    origin: Sequence[int]


def _is_dropped_mark(char: str) -> bool:
    """Accents and Arabic vowel signs; the vowel signs of Indic scripts are letters and stay."""
    point = ord(char)
    return 0x300 <= point <= 0x36F or 0x610 <= point <= 0x61A or 0x64B <= point <= 0x65F or point == 0x670


@lru_cache(maxsize=8192)
def fold_char(char: str) -> str:
    """Return the folded form of one character: usually one, sometimes none or several."""
    if char in _SPECIAL:
        return _SPECIAL[char]
    category = unicodedata.category(char)
    if category == "Cf" or 0xFE00 <= ord(char) <= 0xFE0F or 0xE0100 <= ord(char) <= 0xE01EF:
        return ""  # zero-width, direction, tags, variation selectors
    if category in ("Cc", "Zs", "Zl", "Zp", "Cs"):
        return "\n" if char in "\n\r\u2028\u2029" else " "
    folded = unicodedata.normalize("NFKD", char).casefold()
    return "".join(_SPECIAL.get(part, part) for part in folded if not _is_dropped_mark(part))


def fold(text: str) -> Folded:
    """Fold `text`. Offsets count code points of the original."""
    if text.isascii():
        return Folded(text.lower().replace("`", "'"), range(len(text)))
    table = {ord(char): fold_char(char) for char in set(text)}
    folded = text.translate(table)
    if set(map(len, table.values())) == {1}:
        return Folded(folded, range(len(text)))
    origin = array("I")
    for index, char in enumerate(text):
        origin.extend([index] * len(table[ord(char)]))
    return Folded(folded, origin)


def fold_plain(text: str) -> str:
    """Fold a word of a rule file: the same way, without the offsets."""
    return fold(text).text if text.isascii() else "".join(map(fold_char, text))
