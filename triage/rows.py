"""Working through rows: one that fails, or that somebody holds, does not keep the others waiting."""

import logging
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, connection

from tipline import prepared

log = logging.getLogger("tipline.triage")
Row = TypeVar("Row")

# Asked once for each connection: the paths that use it are counted in milliseconds.
_bounded: "weakref.WeakSet[Any]" = weakref.WeakSet()


def wait_at_most(seconds: int = 2) -> None:
    """Bound every wait for a lock on this thread's connection; beyond it OperationalError is raised."""
    connection.ensure_connection()
    if connection.connection not in _bounded:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{seconds}s'")
        _bounded.add(connection.connection)


def run(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement that the hot paths use often, and return its rows (see tipline.prepared)."""
    return prepared.execute(statement.encode(), values)


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
