"""Fields sealed under a data key: authenticated encryption of padded text, bound to where it belongs.

A blob is: version (1 byte), suite (1 byte), nonce (12), ciphertext and tag. Its associated data
names the program, the record and the field, so that a blob moved elsewhere does not open.
docs/formats.md holds the layout; tests/kernel/vectors/ holds blobs that must stay readable.
"""

import os
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

VERSION = 1
SUITE_AES256_GCM = 1
SUITE_CHACHA20_POLY1305 = 2
# Every suite that was ever written stays readable; new blobs are made with CURRENT, old ones by the custodian.
_CIPHERS: dict[int, type[AESGCM] | type[ChaCha20Poly1305]] = {
    SUITE_AES256_GCM: AESGCM,
    SUITE_CHACHA20_POLY1305: ChaCha20Poly1305,
}
CURRENT = SUITE_AES256_GCM
KEY_SIZE = 32
NONCE_SIZE = 12
LENGTH_SIZE = 4

# What is stored shows only which of these classes a text falls in, in bytes.
SIZE_CLASSES = (512, 2048, 8192, 32768, 131072, 524288)
LARGEST = SIZE_CLASSES[-1] - LENGTH_SIZE


class SealBroken(Exception):
    """The blob was changed, moved, or made for another key or place."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed field belongs: part of what is authenticated, never stored with it."""

    program: UUID
    record: UUID
    field: str

    def associated_data(self, version: int, suite: int) -> bytes:
        return (
            b"tipline-field\x00"
            + bytes([version, suite])
            + self.program.bytes
            + self.record.bytes
            + self.field.encode()
        )


def new_data_key() -> bytes:
    """Return a fresh data key of 32 random bytes."""
    return AESGCM.generate_key(bit_length=256)


def size_class(length: int) -> int:
    """Return the smallest size class, in bytes, that holds `length` bytes and their length.

    Raises ValueError above LARGEST.
    """
    for size in SIZE_CLASSES:
        if length + LENGTH_SIZE <= size:
            return size
    raise ValueError(f"A sealed field holds at most {LARGEST} bytes.")


def pad(plaintext: bytes) -> bytes:
    """Return four bytes of length (big-endian), the text, and zeros up to its size class."""
    return (len(plaintext).to_bytes(LENGTH_SIZE, "big") + plaintext).ljust(size_class(len(plaintext)), b"\x00")


def unpad(padded: bytes) -> bytes:
    """Undo `pad`. Raises SealBroken where the padding was not made by it."""
    length = int.from_bytes(padded[:LENGTH_SIZE], "big")
    end = LENGTH_SIZE + length
    if len(padded) not in SIZE_CLASSES or end > len(padded) or padded[end:].strip(b"\x00"):
        raise SealBroken
    return padded[LENGTH_SIZE:end]


def suite_of(blob: bytes) -> int:
    """Return the suite a blob says it was sealed with."""
    return bytes(blob[1:2])[0]


def seal(plaintext: bytes, *, key: bytes, place: Place, suite: int = CURRENT) -> bytes:
    """Encrypt a field so that only `unseal`, given the same key and place, can read it.

    `key` is 32 bytes, else ValueError. The size of the result depends on the size class alone.
    Source: NIST SP 800-38D, 8.2.2 (random nonces) and 8.3 (at most 2**32 per key; ours seal a handful);
    RFC 8439 for suite 2.
    """
    if len(key) != KEY_SIZE:
        raise ValueError("A data key is 32 bytes.")
    nonce = os.urandom(NONCE_SIZE)
    sealed = _CIPHERS[suite](key).encrypt(nonce, pad(plaintext), place.associated_data(VERSION, suite))
    return bytes([VERSION, suite]) + nonce + sealed


def unseal(blob: bytes, *, key: bytes, place: Place) -> bytes:
    """Return what `seal` was given. Raises SealBroken if key, place or any bit differs."""
    blob = bytes(blob)
    if len(blob) < 2 + NONCE_SIZE or blob[0] != VERSION or blob[1] not in _CIPHERS:
        raise SealBroken
    nonce, sealed = blob[2 : 2 + NONCE_SIZE], blob[2 + NONCE_SIZE :]
    try:
        return unpad(_CIPHERS[blob[1]](key).decrypt(nonce, sealed, place.associated_data(blob[0], blob[1])))
    except (InvalidTag, ValueError):
        raise SealBroken from None
