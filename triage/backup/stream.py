"""A backup as a stream: chunks of authenticated encryption, which cannot be cut, reordered or lengthened unseen.

Layout in docs/formats.md ("Backup file"); tests/blobs/backup-v1.json holds a file that must stay readable.
"""

import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"TIPLINE-BACKUP\x00"
VERSION = 1
SUITE_AES256_GCM = 1
KINDS = {"wraps": 1, "rest": 2}
SALT_SIZE = 32
CHUNK = 1 << 20
TAG = 16
_HEADER = len(MAGIC) + 3 + SALT_SIZE


class BackupBroken(Exception):
    """The file was changed, cut short, or made under another key or as another kind. Says what."""


def seal(plain: Iterable[bytes], into: BinaryIO, *, key: bytes, kind: str, salt: bytes | None = None) -> int:
    """Encrypt what comes into a file; returns the bytes that came. `key` is 32 bytes; `salt` only for test vectors."""
    header = MAGIC + bytes([VERSION, SUITE_AES256_GCM, KINDS[kind]]) + (salt or os.urandom(SALT_SIZE))
    cipher = _cipher(key, header)
    into.write(header)
    total, number, held = 0, 0, bytearray()
    for piece in plain:
        held += piece
        total += len(piece)
        # One chunk is held back: the last one is marked as such.
        while len(held) > CHUNK:
            _write(into, cipher, header, number, bytes(held[:CHUNK]), last=False)
            del held[:CHUNK]
            number += 1
    _write(into, cipher, header, number, bytes(held), last=True)
    return total


def unseal(source: BinaryIO, *, key: bytes, kind: str) -> Iterator[bytes]:
    """Give the chunks of a file, each only once it is known to be right. Raises BackupBroken."""
    header = source.read(_HEADER)
    if len(header) < _HEADER or not header.startswith(MAGIC):
        raise BackupBroken("This is no backup file of Tipline.")
    version, suite, found = header[len(MAGIC) : len(MAGIC) + 3]
    if (version, suite) != (VERSION, SUITE_AES256_GCM):
        raise BackupBroken(f"The backup file is of version {version}, suite {suite}: this program does not know it.")
    if found != KINDS[kind]:
        raise BackupBroken(f"This is not the file of kind {kind!r}.")
    cipher, number = _cipher(key, header), 0
    while True:
        size = int.from_bytes(_exactly(source, 4), "big")
        last, size = bool(size >> 31), size & 0x7FFFFFFF
        if not TAG <= size <= CHUNK + TAG:
            raise BackupBroken(f"Chunk {number} has an impossible size.")
        try:
            yield cipher.decrypt(_nonce(number, last), _exactly(source, size), header)
        except InvalidTag:
            raise BackupBroken(f"Chunk {number} does not open: changed, or another key.") from None
        number += 1
        if last:
            break
    if source.read(1):
        raise BackupBroken("Something stands after the end of the backup.")


def _cipher(key: bytes, header: bytes) -> AESGCM:
    if len(key) != 32:
        raise ValueError("A backup key is 32 bytes.")
    return AESGCM(HKDF(hashes.SHA256(), 32, header[-SALT_SIZE:], b"tipline-backup").derive(key))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _write(into: BinaryIO, cipher: AESGCM, header: bytes, number: int, plain: bytes, *, last: bool) -> None:
    sealed = cipher.encrypt(_nonce(number, last), plain, header)
    into.write((len(sealed) | last << 31).to_bytes(4, "big") + sealed)


def _exactly(source: BinaryIO, size: int) -> bytes:
    found = source.read(size)
    if len(found) != size:
        raise BackupBroken("The backup was cut short.")
    return found
