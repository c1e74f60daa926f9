"""What was erased, in a file outside the database: a restored copy is made to forget it again.

One line of JSON each, appended and never changed. Ids, the day and counts; no word of a tip.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from triage.models import Erasure

VERSION = 1
NAME = "tombstones.jsonl"


class BrokenStone(Exception):
    """A line of the file is not one of ours; says which."""


@dataclass(frozen=True, slots=True)
class Stone:
    """One erased tip."""

    id: UUID
    program: UUID
    tip: UUID
    case: UUID
    oversight: bool
    hour: datetime
    ended: str
    messages: int
    replies: int
    asked_by: UUID | None
    agreed_by: UUID | None
    last_copy_on: date


def path() -> Path:
    """Where the file lies."""
    return Path(settings.TOMBSTONES_DIR) / NAME


def line(erasure: Erasure) -> str:
    """Return a certificate as a line of the file."""
    stone = Stone(
        erasure.pk, erasure.program_id, erasure.tip, erasure.case, erasure.oversight, erasure.hour, erasure.ended,
        erasure.messages, erasure.replies, erasure.asked_by_id, erasure.agreed_by_id, erasure.last_copy_on,
    )  # fmt: skip
    return json.dumps({"v": VERSION, **asdict(stone)}, default=_plain, sort_keys=True)


def append(lines: Iterable[str]) -> None:
    """Append lines and wait until they are on disk."""
    where = path()
    # Whoever restores reads it by its group, where each process is a user of its own.
    where.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(where, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        # A line that a crash cut short must not swallow the next: each begins on a line of its own.
        os.write(handle, b"".join(b"\n" + each.encode() for each in lines) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def read(where: Path) -> list[Stone]:
    """Return the stones of a file, each tip once; none if there is no file. Raises BrokenStone."""
    if not where.exists():
        return []
    found = {}
    for number, each in enumerate(where.read_text().split("\n"), start=1):
        # Cut short by a crash: its row was not marked, so it stands again further down.
        if each.endswith("}"):
            stone = _stone(each, number)
            found[stone.tip] = stone
    return list(found.values())


def _stone(text: str, number: int) -> Stone:
    try:
        said = json.loads(text)
        if said.pop("v") != VERSION:
            raise BrokenStone(f"Line {number} is of a version this program does not know.")
        return Stone(**{each.name: _value(each.name, said[each.name]) for each in fields(Stone)})
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise BrokenStone(f"Line {number} of the file of tombstones cannot be read.") from fault


def _value(name: str, said: Any) -> Any:
    if said is None or name in ("oversight", "messages", "replies", "ended"):
        return said
    if name == "hour":
        return datetime.fromisoformat(said)
    return date.fromisoformat(said) if name == "last_copy_on" else UUID(said)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
