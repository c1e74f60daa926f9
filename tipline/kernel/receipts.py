"""The receipt: seven words, or seven four-digit numbers, for one secret of 90 bits.

The list is the EFF's long word list (7,776 words, CC BY 3.0 US). A number is the word's place in
it plus 1000, so that every number has four digits. Nothing here is stored by us but a keyed hash.
"""

import hashlib
import hmac
import os
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

from . import wraps

COUNT = 7
FIRST_NUMBER = 1000
LIST_SIZE = 7776


@cache
def word_list() -> tuple[str, ...]:
    """Return the 7,776 words in order."""
    return tuple((Path(__file__).parent / "words.txt").read_text(encoding="ascii").split())


@cache
def _places() -> dict[str, int]:
    """Each word's place, also without its hyphen, unless that is another word: "yo-yo" and "yoyo" both stand in it."""
    places = {word: place for place, word in enumerate(word_list())}
    for word in [word for word in places if "-" in word]:
        places.setdefault(word.replace("-", ""), places[word])
    return places


@dataclass(frozen=True, slots=True)
class Phrase:
    """A receipt's secret: seven places in the word list."""

    places: tuple[int, ...]

    @classmethod
    def from_bytes(cls, secret: bytes) -> Self:
        """Map 32 uniform bytes to a phrase; the bias is below 2**-160."""
        if len(secret) < 32:
            raise ValueError("A phrase is made from at least 32 bytes.")
        value, places = int.from_bytes(secret, "big"), []
        for _ in range(COUNT):
            value, place = divmod(value, LIST_SIZE)
            places.append(place)
        return cls(tuple(places))

    @classmethod
    def random(cls) -> Self:
        """Return a phrase that leads to nothing, but for a chance of one in 2**90."""
        return cls.from_bytes(os.urandom(32))

    @classmethod
    def parse(cls, typed: str) -> Self | None:
        """Read words or numbers as people type them, in any script's digits; None if it is neither."""
        folded = "".join(_digit(char) for char in unicodedata.normalize("NFKC", typed[:2000]).casefold())
        # Four words of the list have a hyphen; people leave it out, or put one everywhere.
        tokens = re.findall(r"[a-z]+(?:-[a-z]+)?|[0-9]{4}", re.sub(r"[’'‐‑–—]", "-", folded))
        places = [place for token in tokens for place in _read(token)]
        return cls(tuple(places)) if len(places) == COUNT and -1 not in places else None

    @property
    def words(self) -> list[str]:
        return [word_list()[place] for place in self.places]

    @property
    def numbers(self) -> list[str]:
        return [str(place + FIRST_NUMBER) for place in self.places]

    def secret(self) -> bytes:
        return b"tipline-receipt-1|" + b",".join(str(place).encode() for place in self.places)

    def lookup(self, *, pepper: bytes) -> bytes:
        """Return the 32 bytes under which the conversation is found; useless without the pepper."""
        return hmac.new(pepper, b"lookup|" + self.secret(), hashlib.sha256).digest()

    def seed(self, *, pepper: bytes) -> bytes:
        """Return the private key that opens the answers."""
        return wraps.derive_seed(self.secret(), salt=pepper, purpose="receipt")


def _digit(char: str) -> str:
    value = unicodedata.digit(char, None)
    return char if value is None else str(value)


def _read(token: str) -> list[int]:
    if token.isdigit():
        place = int(token) - FIRST_NUMBER
        return [place if 0 <= place < LIST_SIZE else -1]
    for written in (token, token.replace("-", "")):
        if written in _places():
            return [_places()[written]]
    return [_places().get(part, -1) for part in token.split("-")]
