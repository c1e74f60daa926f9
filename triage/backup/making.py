"""Making a backup: the keys of tips in one file, all the rest in another, of one moment and read back at once.

The file of keys is deleted after 35 days. Then nothing that was erased can be read any more, however long the
other file is kept.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from triage.backup import postgres, stream
from triage.keeping.rules import WRAPS_KEPT

SUFFIX = ".tipline"
STATE = "last-verified.json"
_STAMP = "%Y%m%dT%H%M%SZ"


class NotVerified(Exception):
    """What was written does not hold what was in the database. Says which table."""


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was written and read back."""

    at: datetime
    wraps: Path
    rest: Path
    rows: int


def key_of(path: Path, *, make: bool = False) -> bytes:
    """Read the backup key, 64 hex digits in a file; ValueError if it is none. `make` writes one if there is no file."""
    if make and not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(os.urandom(32).hex() + "\n")
    key = bytes.fromhex(path.read_text().strip())
    if len(key) != 32:
        raise ValueError("A backup key is 64 hex digits.")
    return key


def make(directory: Path, key: bytes, now: datetime) -> Made:
    """Write both files, read them back, count their rows, and say that it was done. Raises NotVerified."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    stamp = now.astimezone(UTC).strftime(_STAMP)
    # A connection of its own: the snapshot lives as long as its transaction.
    own = connections.create_connection("default")
    try:
        own.ensure_connection()
        with own.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SELECT pg_export_snapshot()")
            snapshot = cursor.fetchone()[0]
            files = {kind: directory / f"{kind}-{stamp}{SUFFIX}" for kind in stream.KINDS}
            for kind, path in files.items():
                _write(path, postgres.dump(snapshot, wraps=kind == "wraps"), key, kind)
            rows = _compare(cursor, {kind: verified(path, key, kind) for kind, path in files.items()})
            cursor.execute("ROLLBACK")
    finally:
        own.close()
    made = Made(now, files["wraps"], files["rest"], rows)
    _note(directory, made)
    return made


def verified(path: Path, key: bytes, kind: str) -> dict[str, int]:
    """Read a file back and return how many rows of which table it holds. Raises BackupBroken, PostgresFailed."""
    counts: dict[str, int] = {}
    table = ""
    with path.open("rb") as file:
        for line in _lines(postgres.as_text(stream.unseal(file, key=key, kind=kind))):
            if table:
                if line == b"\\.":
                    table = ""
                else:
                    counts[table] += 1
            elif line.startswith(b"COPY public."):
                table = line.split(b" ")[1].removeprefix(b"public.").decode().strip('"')
                counts.setdefault(table, 0)
    return counts


def prune(directory: Path, now: datetime) -> list[Path]:
    """Delete the files of keys whose 35 days are over; returns them."""
    gone = []
    for path in sorted(directory.glob(f"wraps-*{SUFFIX}")):
        made = _made_at(path)
        # By the day: a certificate names a day, and the file of that day's morning must be gone by then.
        if made is not None and now.date() - made.date() >= WRAPS_KEPT:
            path.unlink()
            gone.append(path)
    return gone


def last_verified_backup() -> datetime | None:
    """When the last backup that was read back was made; None if there is none, or its files are gone."""
    directory = Path(settings.BACKUP_DIR)
    try:
        said = json.loads((directory / STATE).read_text())
        at = datetime.fromisoformat(said["at"])
        whole = all((directory / name).exists() for name in said["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return at if whole else None


def newest(directory: Path) -> tuple[Path, Path] | None:
    """The newest pair of files, keys and rest; None if there is none."""
    for path in sorted(directory.glob(f"wraps-*{SUFFIX}"), reverse=True):
        rest = path.with_name(path.name.replace("wraps-", "rest-", 1))
        if rest.exists():
            return path, rest
    return None


def _compare(cursor: CursorWrapper, counts: dict[str, dict[str, int]]) -> int:
    """Compare what the files hold with the tables of the same moment; returns all rows. Raises NotVerified."""
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    wanted = {table for (table,) in cursor.fetchall()} - set(postgres.LEFT_OUT)
    found = counts["rest"] | counts["wraps"]
    for table in sorted(wanted ^ set(found)):
        raise NotVerified(table)
    for table, rows in found.items():
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("public", table)))
        if cursor.fetchone() != (rows,):
            raise NotVerified(table)
    return sum(found.values())


def _write(path: Path, plain: Iterator[bytes], key: bytes, kind: str) -> Path:
    making = path.with_suffix(".part")
    handle = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        stream.seal(plain, file, key=key, kind=kind)
        file.flush()
        os.fsync(file.fileno())
    making.rename(path)
    return path


def _note(directory: Path, made: Made) -> None:
    said = {"v": 1, "at": made.at.isoformat(), "rows": made.rows, "files": [made.wraps.name, made.rest.name]}
    making = directory / f"{STATE}.part"
    making.write_text(json.dumps(said) + "\n")
    making.rename(directory / STATE)


def _made_at(path: Path) -> datetime | None:
    try:
        return datetime.strptime(path.name.removesuffix(SUFFIX).split("-", 1)[1], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for piece in pieces:
        *whole, held = (held + piece).split(b"\n")
        yield from whole
    if held:
        yield held
