"""Another program: it reads what Tipline stores from docs/formats.md alone, and imports nothing of Tipline's."""

import hashlib
import hmac
import json
import zlib
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

HYBRID = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def field(blob: bytes, key: bytes, program: str, record: str, name: str) -> bytes:
    """Open a sealed field, version 1."""
    assert blob[0] == 1
    cipher = {1: AESGCM, 2: ChaCha20Poly1305}[blob[1]]
    bound = b"tipline-field\0" + blob[:2] + UUID(program).bytes + UUID(record).bytes + name.encode("ascii")
    padded = cipher(key).decrypt(blob[2:14], blob[14:], bound)
    length = int.from_bytes(padded[:4], "big")
    return padded[4 : 4 + length]


def wrap(blob: bytes, private: bytes, program: str, record: str, purpose: str, key_id: str) -> bytes:
    """Open a wrap, version 1."""
    assert blob[:2] == b"\x01\x01"
    key = MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(private[:64]), X25519PrivateKey.from_private_bytes(private[64:96])
    )
    info = f"tipline-wrap|1|1|{program}|{record}|{purpose}|{key_id}".encode("ascii")
    return HYBRID.decrypt(blob[2:], key, info=info)


def stretched(phrase: str, salt: bytes, cost: str, pepper: str) -> bytes:
    """A pass phrase or one-time code, made slow to guess."""
    passes, lanes, kibibytes = map(int, cost.split(","))
    kdf = Argon2id(
        salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=kibibytes, secret=pepper.encode("ascii")
    )
    return kdf.derive(phrase.encode())


def holder_tag(program_private: bytes, purpose: str, holder: str, public: bytes, key_id: str) -> bytes:
    """What vouches for a holder's public key."""
    key = HKDF(hashes.SHA256(), 32, UUID(key_id).bytes, b"tipline-holder").derive(program_private)
    return hmac.digest(key, f"{purpose}|{holder}|".encode("ascii") + public, "sha256")


def receipt_lookup(numbers: list[str], pepper: str) -> bytes:
    """What a conversation is found by."""
    return hmac.digest(pepper.encode("ascii"), b"lookup|" + _secret(numbers), "sha256")


def receipt_private(numbers: list[str], pepper: str) -> bytes:
    """The private key that opens the answers."""
    return HKDF(hashes.SHA256(), 96, pepper.encode("ascii"), b"tipline-seed|receipt").derive(_secret(numbers))


def board_sheet(blob: bytes, program_private: bytes, program: str, *, oversight: bool) -> dict[str, Any]:
    """Open a board sheet."""
    key = HKDF(hashes.SHA256(), 32, UUID(program).bytes, b"tipline-board-sheet").derive(program_private)
    name = "board-sheet-oversight" if oversight else "board-sheet"
    opened: dict[str, Any] = json.loads(zlib.decompress(field(blob, key, program, program, name)))
    return opened


def fingerprint(public: bytes) -> str:
    """What stands in the file of pins."""
    return hashlib.sha256(public).hexdigest()


def _secret(numbers: list[str]) -> bytes:
    return b"tipline-receipt-1|" + ",".join(str(int(number) - 1000) for number in numbers).encode("ascii")
