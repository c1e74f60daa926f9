"""The stream of a backup: nothing can be cut, moved, changed or added unseen."""

import io
import json
from pathlib import Path

import pytest

from triage.backup import stream
from triage.backup.stream import BackupBroken

KEY = bytes(range(32))
VECTOR = Path("tests/blobs/backup-v1.json")


def sealed(plain: bytes, kind="rest") -> bytes:
    into = io.BytesIO()
    stream.seal([plain], into, key=KEY, kind=kind)
    return into.getvalue()


def opened(blob: bytes, key=KEY, kind="rest") -> bytes:
    return b"".join(stream.unseal(io.BytesIO(blob), key=key, kind=kind))


@pytest.fixture
def small(monkeypatch):
    """Chunks of ten bytes: a few of them are quickly looked at."""
    monkeypatch.setattr(stream, "CHUNK", 10)


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 20, 25])
def test_what_was_sealed_opens(small, size):
    assert opened(sealed(bytes(size))) == bytes(size)


def test_a_file_of_several_real_chunks_opens():
    plain = bytes(range(256)) * 9000

    assert opened(sealed(plain)) == plain


def _chunks(blob: bytes) -> list[bytes]:
    at, found = stream._HEADER, []
    while at < len(blob):
        size = int.from_bytes(blob[at : at + 4], "big") & 0x7FFFFFFF
        found.append(blob[at : at + 4 + size])
        at += 4 + size
    return found


def _without_last(head, chunks):
    return head + b"".join(chunks[:-1])


def _swapped(head, chunks):
    return head + chunks[1] + chunks[0] + chunks[2]


def _last_early(head, chunks):
    first = bytes([chunks[0][0] | 0x80]) + chunks[0][1:]
    return head + first


def _more(head, chunks):
    return head + b"".join(chunks) + b"x"


def _twice(head, chunks):
    return head + chunks[0] + b"".join(chunks)


def _other_salt(head, chunks):
    return head[:-1] + bytes([head[-1] ^ 1]) + b"".join(chunks)


def _huge(head, chunks):
    return head + b"\x7f\xff\xff\xff" + b"".join(chunks)


@pytest.mark.parametrize("change", [_without_last, _swapped, _last_early, _more, _twice, _other_salt, _huge])
def test_a_changed_file_is_refused(small, change):
    blob = sealed(bytes(25))
    head, chunks = blob[: stream._HEADER], _chunks(blob)
    assert len(chunks) == 3

    with pytest.raises(BackupBroken):
        opened(change(head, chunks))


def test_no_byte_can_be_changed(small):
    blob = sealed(b"fifteen bytes..")
    for at in range(len(blob)):
        with pytest.raises(BackupBroken):
            opened(blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :])


def test_another_key_or_the_other_file_is_refused():
    with pytest.raises(BackupBroken):
        opened(sealed(b"x"), key=bytes(32))
    with pytest.raises(BackupBroken, match="kind"):
        opened(sealed(b"x"), kind="wraps")


@pytest.mark.parametrize("blob", [b"", b"TIPLINE-BACKUP\x00", b"PGDMP" + bytes(100)])
def test_what_is_no_backup_is_said_to_be_none(blob):
    with pytest.raises(BackupBroken, match="no backup file"):
        opened(blob)


def test_the_file_of_version_one_stays_readable():
    vector = json.loads(VECTOR.read_text())

    file, key, plain = (bytes.fromhex(vector[name]) for name in ("file", "key", "plain"))
    assert opened(file, key=key, kind=vector["kind"]) == plain
