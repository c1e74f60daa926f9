"""Signatures: enough of a tip to know its like for a day, and nothing to whoever lacks the key.

Neighbouring words are hashed under a secret of the triage workers, one for each program and side of
the oversight line; of these hashes 96 minima are kept (MinHash: Broder 1997), which agree as often
as two texts share their pairs of words. Beside them stands the keyed hash of every word that
carries something, so that a new place, time, name or means is noticed. Only `bands`, hashes of
groups of minima, are looked up in clear: equal ones say that two tips are alike and nothing else.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from triage.incidents.telling import Kind, Told, Word

BANDS, ROWS = 24, 4
MINIMA = BANDS * ROWS
ALIKE = 0.5
"""Share of the pairs of words that two tips of one event have in common, at least."""
FEWEST_WORDS, FEWEST_CARRYING = 5, 3
"""Fewer words, or fewer that carry something, are too common to tell of one event: "he has a gun"."""
MOST_CARRYING = 300
TYPING_ERRORS_FROM = 5
"""Letters of a word from which one wrong letter, beyond the first, still makes it the same word."""
HASH_SIZE = 4


@dataclass(frozen=True, slots=True)
class Key:
    """The keys of one program and side, derived from the workers' secret."""

    hashing: bytes
    sealing: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    """What is kept of a tip to know its like. `known` is None where it has too many words to know them all."""

    bands: frozenset[int]
    minima: NDArray[np.uint32]
    known: frozenset[bytes] | None


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike a tip is to earlier ones, and its words that none of them has."""

    share: float
    differs: tuple[Word, ...]
    comparable: bool = True

    @property
    def same(self) -> bool:
        """Whether it tells of the same event and nothing new."""
        return self.comparable and self.share >= ALIKE and not self.differs


@lru_cache(maxsize=256)
def key_of(secret: bytes, program: UUID, *, oversight: bool) -> Key:
    """Derive the keys of one side of a program from the day's secret."""
    side = b"oversight" if oversight else b"content"

    def derived(what: bytes) -> bytes:
        return hmac.new(secret, b"incident|" + what + b"|" + program.bytes + side, hashlib.sha256).digest()

    return Key(derived(b"hash"), derived(b"seal"))


def sign(told: Told, key: Key) -> Signature | None:
    """Return the signature of what a tip tells; None where it is too short to be told from others."""
    carrying = {word.text for word in told.words}
    if told.length < FEWEST_WORDS or len(carrying) < FEWEST_CARRYING:
        return None
    pairs = {f"{first} {second}" for run in told.runs for first, second in pairwise(run)}
    if not pairs:
        return None
    hashes = np.array([_number(pair, key) for pair in pairs], dtype=np.uint64)
    multipliers, addends = _permutations()
    minima = ((multipliers[:, None] * hashes + addends[:, None]) >> np.uint64(32)).min(axis=1).astype(np.uint32)
    known = None
    if told.whole and len(carrying) <= MOST_CARRYING:
        known = frozenset(_hash(form, key) for word in told.words for form in forms(word))
    return Signature(frozenset(_bands(minima, key)), minima, known)


def share(one: Signature, other: Signature) -> float:
    """Estimate the share of their pairs of words that two tips have in common."""
    return shares(one, [other])[0]


def shares(mine: Signature, others: Sequence[Signature]) -> list[float]:
    """Estimate the same of one tip and each of the others; in one go, for in a storm there are many."""
    if not others:
        return []
    minima = np.concatenate([other.minima for other in others]).reshape(len(others), MINIMA)
    agreeing: list[float] = np.mean(minima == mine.minima, axis=1).tolist()
    return agreeing


def same_event(told: Told, mine: Signature, others: Sequence[Signature], key: Key) -> Likeness:
    """Compare what a tip tells with the earlier tips of one event: how alike the nearest is, and what is new."""
    nearest = max(shares(mine, others))
    known = frozenset[bytes]().union(*(other.known for other in others if other.known is not None))
    comparable = mine.known is not None and bool(known)
    new = {word.text: word for word in reversed(told.words) if _is_new(word, known, key)}
    return Likeness(nearest, tuple(sorted(new.values(), key=lambda word: (word.answer, word.start))), comparable)


def _is_new(word: Word, known: frozenset[bytes], key: Key) -> bool:
    return not any(_hash(form, key) in known for form in forms(word))


def forms(word: Word) -> Iterator[str]:
    """Yield a word and what one wrong letter makes of it, if it is long and no name, number, place, time or means."""
    yield f"={word.text}"
    text = word.text
    if word.kind is Kind.WORD and len(text) >= TYPING_ERRORS_FROM and text.isalpha():
        # Two words one letter apart have one of these in common, in every script.
        yield f"~{text}"
        for place in range(1, len(text)):
            yield f"~{text[:place]}{text[place + 1 :]}"


def _hash(form: str, key: Key) -> bytes:
    return hashlib.blake2b(form.encode("utf-8", "replace"), key=key.hashing, digest_size=HASH_SIZE).digest()


def _number(pair: str, key: Key) -> int:
    found = hashlib.blake2b(pair.encode("utf-8", "replace"), key=key.hashing, digest_size=8, person=b"pair").digest()
    return int.from_bytes(found, "little")


def _bands(minima: NDArray[np.uint32], key: Key) -> Iterable[int]:
    for band in range(BANDS):
        part = minima[band * ROWS : (band + 1) * ROWS].astype("<u4").tobytes()
        found = hashlib.blake2b(bytes([band]) + part, key=key.hashing, digest_size=8, person=b"band").digest()
        yield int.from_bytes(found, "little", signed=True)


@lru_cache(maxsize=1)
def _permutations() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The 96 permutations, the same on every machine; they are no secret."""
    stream = hashlib.shake_128(b"tipline-minhash-1").digest(MINIMA * 16)
    numbers = np.frombuffer(stream, dtype="<u8").astype(np.uint64)
    return numbers[:MINIMA] | np.uint64(1), numbers[MINIMA:]


def to_bytes(signature: Signature) -> bytes:
    """Return minima and words as they are sealed; the bands stand beside them."""
    known = signature.known
    words = b"" if known is None else b"".join(sorted(known))
    return bytes([known is not None]) + signature.minima.astype("<u4").tobytes() + words


def from_bytes(data: bytes, bands: Iterable[int]) -> Signature:
    """Undo `to_bytes`. ValueError if it is none of ours."""
    minima, words = data[1 : 1 + 4 * MINIMA], data[1 + 4 * MINIMA :]
    if len(minima) != 4 * MINIMA or len(words) % HASH_SIZE:
        raise ValueError("not a signature")
    known = frozenset(words[at : at + HASH_SIZE] for at in range(0, len(words), HASH_SIZE)) if data[0] else None
    return Signature(frozenset(bands), np.frombuffer(minima, dtype="<u4").astype(np.uint32), known)
