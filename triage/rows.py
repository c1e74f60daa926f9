"""Working through rows: one that fails, or that somebody holds, does not keep the others waiting."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, connection

log = logging.getLogger("tipline.triage")
Row = TypeVar("Row")


def wait_at_most(milliseconds: int = 2000) -> None:
    """Bound every wait for a lock in the present transaction; beyond it OperationalError is raised."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{milliseconds}ms"])


def one_by_one(work: Callable[[Row], object], rows: Iterable[Row]) -> int:
    """Do something for each row and return for how many it worked.

    A lost connection is raised: then nothing can be done for any row.
    """
    done = 0
    for row in rows:
        try:
            work(row)
            done += 1
        except Exception as fault:
            if isinstance(fault, DatabaseError | InterfaceError) and not _usable():
                raise
            # The name only: a message may quote what the row holds.
            log.error("row.failed %s", type(fault).__name__)
    return done


def _usable() -> bool:
    try:
        return connection.connection is not None and connection.is_usable()
    except (DatabaseError, InterfaceError):
        return False
