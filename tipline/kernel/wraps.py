"""Data keys sealed to a holder's public key: HPKE with a hybrid of ML-KEM-768 and X25519.

The hybrid KEM is still a draft of the IETF, not RFC 9180; the suite id in front of every wrap
lets a later one replace it. HPKE here takes no associated data, so `info` binds the wrap to its
program, tip, purpose and key.
"""

import hashlib
import os
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .sealing import SealBroken

VERSION = 1
SUITE_MLKEM768_X25519 = 1
SEED_SIZE = 64 + 32
MLKEM_PUBLIC_SIZE = 1184
PUBLIC_SIZE = MLKEM_PUBLIC_SIZE + 32

_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True)
class Holder:
    """For what, and under which key, something is wrapped. `record` is the tip, reply or program itself."""

    program: UUID
    record: UUID
    purpose: str
    key_id: UUID

    def info(self, version: int, suite: int) -> bytes:
        return f"tipline-wrap|{version}|{suite}|{self.program}|{self.record}|{self.purpose}|{self.key_id}".encode()


def new_seed() -> bytes:
    """Return a fresh private key: 96 random bytes (64 for ML-KEM-768, 32 for X25519)."""
    return os.urandom(SEED_SIZE)


def derive_seed(secret: bytes, *, salt: bytes, purpose: str) -> bytes:
    """Derive a private key from a secret of full entropy. Source: RFC 5869 (HKDF-SHA256)."""
    return HKDF(hashes.SHA256(), SEED_SIZE, salt, b"tipline-seed|" + purpose.encode()).derive(secret)


def _private(seed: bytes) -> MLKEM768X25519PrivateKey:
    if len(seed) != SEED_SIZE:
        raise ValueError(f"A private key is {SEED_SIZE} bytes.")
    return MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(seed[:64]), X25519PrivateKey.from_private_bytes(seed[64:])
    )


def public_key(seed: bytes) -> bytes:
    """Return the public half: 1,216 bytes (1,184 of ML-KEM-768, then 32 of X25519)."""
    mlkem = MLKEM768PrivateKey.from_seed_bytes(seed[:64]).public_key().public_bytes_raw()
    return mlkem + X25519PrivateKey.from_private_bytes(seed[64:]).public_key().public_bytes_raw()


def fingerprint(public: bytes) -> str:
    """Return the SHA-256 of a public key, in hex: what is pinned in a file and read over the phone."""
    return hashlib.sha256(bytes(public)).hexdigest()


@cache
def _public(public: bytes) -> MLKEM768X25519PublicKey:
    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(public[:MLKEM_PUBLIC_SIZE]),
        X25519PublicKey.from_public_bytes(public[MLKEM_PUBLIC_SIZE:]),
    )


def wrap(data: bytes, *, public: bytes, holder: Holder, keep_key: bool = False) -> bytes:
    """Seal a key to a public key. Returns version, suite, then the HPKE encapsulation and ciphertext.

    `keep_key` keeps the parsed public key for the next call: for a program's key, not for a receipt's.
    """
    info = holder.info(VERSION, SUITE_MLKEM768_X25519)
    parsed = (_public if keep_key else _public.__wrapped__)(bytes(public))
    return bytes([VERSION, SUITE_MLKEM768_X25519]) + _SUITE.encrypt(data, parsed, info=info)


_kept_private = cache(_private)


def unwrap(blob: bytes, *, seed: bytes, holder: Holder, keep_key: bool = False) -> bytes:
    """Return what `wrap` was given. Raises SealBroken if key, holder or any bit differs.

    `keep_key` keeps the parsed private key for the next call: only where the process has it for life anyway.
    """
    blob = bytes(blob)
    if len(blob) < 2 or blob[0] != VERSION or blob[1] != SUITE_MLKEM768_X25519:
        raise SealBroken
    try:
        private = (_kept_private if keep_key else _private)(seed)
        return _SUITE.decrypt(blob[2:], private, info=holder.info(blob[0], blob[1]))
    except (InvalidTag, ValueError):
        raise SealBroken from None
