"""Writing the file of pins: which program keys the public door may seal to.

The door believes no row of the database, only this file. So a line is made from a key pair this
very process has just made, and never copied from a table.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings

import intake.keys
from tipline.kernel import wraps


def line(program_id: UUID, purpose: str, public: bytes) -> str:
    """Return "program purpose fingerprint"."""
    return f"{program_id} {purpose} {wraps.fingerprint(public)}"


def add(lines: Iterable[str]) -> None:
    """Pin more keys beside those pinned already. On disk when this returns."""
    _write(lambda old: [*old, *(each for each in lines if each not in old)])


def drop(lines: Iterable[str]) -> None:
    """Let keys no longer be sealed to."""
    gone = set(lines)
    _write(lambda old: [each for each in old if each not in gone])


def _write(change: Callable[[list[str]], list[str]]) -> None:
    path = settings.KEY_PINS
    with _alone():
        old = path.read_text(encoding="ascii").splitlines() if path.exists() else []
        draft = path.with_name(f".{path.name}.draft")
        with draft.open("w", encoding="ascii") as file:
            file.write("".join(f"{each}\n" for each in change([each for each in old if each.strip()])))
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o644)
        draft.replace(path)
    intake.keys.forget()


@contextmanager
def _alone() -> Iterator[None]:
    directory = os.open(settings.KEY_PINS.parent, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)
