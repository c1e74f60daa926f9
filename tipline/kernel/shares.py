"""A secret in shares on paper: any k of n sheets give it back, fewer say nothing about it.

Source: SLIP-0039 (Shamir's secret sharing for mnemonic codes), in its simple case of one group, so
that other programs read our sheets too. Arithmetic is in GF(256), polynomial x^8+x^4+x^3+x+1.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

RADIX_BITS = 10
ID_BITS = 15
HEADER_WORDS = 4
CHECKSUM_WORDS = 3
DIGEST_SIZE = 4
DIGEST_AT, SECRET_AT = 254, 255
MOST_SHEETS = 16
ROUNDS = 4
ITERATIONS = 10_000
GENERATOR = (
    0xE0E040, 0x1C1C080, 0x3838100, 0x7070200, 0xE0E0009,
    0x1C0C2412, 0x38086C24, 0x3090FC48, 0x21B1F890, 0x3F3F120,
)  # fmt: skip


class BadShare(Exception):
    """One sheet was mistyped, or is none."""


class SharesDoNotFit(Exception):
    """Each sheet is right by itself; together they are too few, or of different kits."""


@dataclass(frozen=True, slots=True)
class Share:
    """One sheet, read."""

    identifier: int
    extendable: bool
    exponent: int
    index: int
    threshold: int
    value: bytes


def split(secret: bytes, *, threshold: int, sheets: int) -> list[str]:
    """Return one line of words per sheet; any `threshold` of them give the secret back.

    The secret has 16 to 64 bytes, an even number; ValueError otherwise.
    """
    if not 2 <= threshold <= sheets <= MOST_SHEETS or len(secret) % 2 or not 16 <= len(secret) <= 64:
        raise ValueError("At least 2 of at most 16 sheets, for 16 to 64 bytes.")
    identifier = secrets.randbits(ID_BITS)
    sealed = _encrypt(secret, b"", identifier, 0, extendable=True)
    points = {index: secrets.token_bytes(len(sealed)) for index in range(threshold - 2)}
    salt = secrets.token_bytes(len(sealed) - DIGEST_SIZE)
    base = {**points, DIGEST_AT: _digest(salt, sealed) + salt, SECRET_AT: sealed}
    values = [points.get(index) or _interpolate(base, index) for index in range(sheets)]
    return [_words(Share(identifier, True, 0, index, threshold, value)) for index, value in enumerate(values)]


def combine(sheets: Iterable[str], *, passphrase: bytes = b"") -> bytes:
    """Return the secret. Raises BadShare, SharesDoNotFit."""
    shares = {share.index: share for share in map(parse, sheets)}
    first = next(iter(shares.values()), None)
    if first is None or len(shares) < first.threshold:
        raise SharesDoNotFit
    kinds = {(s.identifier, s.extendable, s.exponent, s.threshold, len(s.value)) for s in shares.values()}
    if len(kinds) > 1 or len(shares) > first.threshold:
        raise SharesDoNotFit
    if first.threshold == 1:
        sealed = first.value
    else:
        points = {index: share.value for index, share in shares.items()}
        sealed, digest = _interpolate(points, SECRET_AT), _interpolate(points, DIGEST_AT)
        if not hmac.compare_digest(digest[:DIGEST_SIZE], _digest(digest[DIGEST_SIZE:], sealed)):
            raise SharesDoNotFit
    return _decrypt(sealed, passphrase, first.identifier, first.exponent, extendable=first.extendable)


def parse(typed: str) -> Share:
    """Read one sheet as it was typed; a word's first four letters are enough. Raises BadShare."""
    places = [_place(word) for word in typed.lower().split()]
    bits = (len(places) - HEADER_WORDS - CHECKSUM_WORDS) * RADIX_BITS
    padding = bits % 16
    if bits < 128 or padding > 8:
        raise BadShare
    number = 0
    for place in places[:-CHECKSUM_WORDS]:
        number = number << RADIX_BITS | place
    value, header = number & ((1 << bits) - 1), number >> bits
    extendable = bool(header >> 24 & 1)
    if _polymod([*_custom(extendable), *places]) != 1 or value >> (bits - padding):
        raise BadShare
    if header >> 8 & 0xFFF:  # group 0 of 1, one group needed: we make and read no others
        raise BadShare
    return Share(
        identifier=header >> 25,
        extendable=extendable,
        exponent=header >> 20 & 0xF,
        index=header >> 4 & 0xF,
        threshold=(header & 0xF) + 1,
        value=value.to_bytes((bits - padding) // 8, "big"),
    )


@cache
def word_list() -> tuple[str, ...]:
    """Return the 1,024 words of SLIP-0039; no two begin with the same four letters."""
    return tuple((Path(__file__).parent / "share_words.txt").read_text(encoding="ascii").split())


@cache
def _places() -> dict[str, int]:
    return {word[:4]: place for place, word in enumerate(word_list())}


def _place(word: str) -> int:
    place = _places().get(word[:4])
    if place is None or not word_list()[place].startswith(word):
        raise BadShare
    return place


def _words(share: Share) -> str:
    bits = -(-len(share.value) * 8 // RADIX_BITS) * RADIX_BITS
    header = share.identifier << 25 | share.extendable << 24 | share.exponent << 20
    header |= share.index << 4 | share.threshold - 1
    number = header << bits | int.from_bytes(share.value, "big")
    count = HEADER_WORDS + bits // RADIX_BITS
    places = [number >> RADIX_BITS * (count - 1 - at) & 1023 for at in range(count)]
    checked = _polymod([*_custom(share.extendable), *places, *[0] * CHECKSUM_WORDS]) ^ 1
    places += [checked >> RADIX_BITS * (CHECKSUM_WORDS - 1 - at) & 1023 for at in range(CHECKSUM_WORDS)]
    return " ".join(word_list()[place] for place in places)


def _custom(extendable: bool) -> bytes:
    return b"shamir_extendable" if extendable else b"shamir"


def _polymod(values: Sequence[int]) -> int:
    """The Reed-Solomon checksum RS1024: it finds any three wrong words."""
    checked = 1
    for value in values:
        top = checked >> 20
        checked = (checked & 0xFFFFF) << 10 ^ value
        for at, generator in enumerate(GENERATOR):
            checked ^= generator if top >> at & 1 else 0
    return checked


def _times(a: int, b: int) -> int:
    product = 0
    for _ in range(8):
        product ^= a if b & 1 else 0
        a = a << 1 ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def _inverse(a: int) -> int:
    result = 1
    for _ in range(254):  # a**254 = 1/a in GF(256)
        result = _times(result, a)
    return result


def _interpolate(points: dict[int, bytes], at: int) -> bytes:
    """Return the polynomial's value at a place, byte by byte (Lagrange)."""
    if at in points:
        return points[at]
    result = bytearray(len(next(iter(points.values()))))
    for place, value in points.items():
        above = below = 1
        for other in points.keys() - {place}:
            above, below = _times(above, at ^ other), _times(below, place ^ other)
        factor = _times(above, _inverse(below))
        for n, byte in enumerate(value):
            result[n] ^= _times(byte, factor)
    return bytes(result)


def _digest(salt: bytes, sealed: bytes) -> bytes:
    return hmac.digest(salt, sealed, "sha256")[:DIGEST_SIZE]


def _encrypt(secret: bytes, passphrase: bytes, identifier: int, exponent: int, *, extendable: bool) -> bytes:
    return _feistel(secret, passphrase, identifier, exponent, range(ROUNDS), extendable=extendable)


def _decrypt(sealed: bytes, passphrase: bytes, identifier: int, exponent: int, *, extendable: bool) -> bytes:
    return _feistel(sealed, passphrase, identifier, exponent, reversed(range(ROUNDS)), extendable=extendable)


def _feistel(
    data: bytes, passphrase: bytes, identifier: int, exponent: int, rounds: Iterable[int], *, extendable: bool
) -> bytes:
    half = len(data) // 2
    left, right = data[:half], data[half:]
    salt = b"" if extendable else b"shamir" + identifier.to_bytes(2, "big")
    for number in rounds:
        mixed = hashlib.pbkdf2_hmac(
            "sha256", bytes([number]) + passphrase, salt + right, (ITERATIONS << exponent) // ROUNDS, half
        )
        left, right = right, bytes(a ^ b for a, b in zip(left, mixed, strict=True))
    return right + left
