"""Secrets that live for minutes or a day, in memory only, shared by the processes of one host.

Each slot, of five minutes or of a day, has its own file; whoever needs it first makes it. Files older
than the previous slot are removed, and with them every chance to derive the same thing again.
"""

import contextlib
import os
import secrets
from datetime import datetime
from functools import lru_cache
from pathlib import Path

SLOT_SECONDS = 300
DAY_SECONDS = 86_400


def current_and_previous(directory: Path, now: datetime) -> tuple[bytes, bytes | None]:
    """Return this slot's 32 bytes and the previous slot's, if that one was ever made."""
    slot = int(now.timestamp()) // SLOT_SECONDS
    return _made(directory, slot), _present(directory, slot - 1)


def of_the_day(directory: Path, now: datetime) -> bytes:
    """Return this day's 32 bytes (UTC). Those of the day before go with the next day's first use."""
    return _made(directory, int(now.timestamp()) // DAY_SECONDS)


@lru_cache(maxsize=4)
def _made(directory: Path, slot: int) -> bytes:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in directory.glob("slot-*"):
        with contextlib.suppress(ValueError, FileNotFoundError):
            if int(old.name.removeprefix("slot-")) < slot - 1:
                old.unlink()
    path = directory / f"slot-{slot}"
    draft = directory / f".draft-{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(32))
    # link() fails where another process was first; then its secret is the one.
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return path.read_bytes()


def _present(directory: Path, slot: int) -> bytes | None:
    try:
        return (directory / f"slot-{slot}").read_bytes()
    except FileNotFoundError:
        return None
