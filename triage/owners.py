"""Who holds leases: a process that has ended is known to have ended, and its leases need not run out.

Every database session of a process that takes leases holds an advisory lock named after that process,
and each lease names it too. When the process ends, on whichever host, PostgreSQL lets go of the lock;
one that stands still, or is slow, keeps it. A lease whose owner shows no lock ends soon. An owner that was
only cut off may lose a lease so: then the generation fences off what comes late, as after any lease.
"""

import os
import secrets
import time
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.backends.signals import connection_created

from triage import rows

SPACE = 0x6C656173  # "leas": apart from whatever else takes advisory locks
EVERY = 0.5
"""Seconds between two looks for owners that have ended."""
LEFT = 1.0
"""Seconds an owner without a lock still has: enough to be connected again, and for most messages to be sent."""

TABLES = {"intake_due": "true", "triage_notification": "due_at IS NOT NULL"}
"""Table of work with leases -> which of its rows may have one."""

# Version 8 is RFC 9562's for numbers with a meaning of one's own: an owner of any other names no process.
_END = """
UPDATE {table} SET lease_until = clock_timestamp() + make_interval(secs => %(left)s) WHERE id IN (
    SELECT id FROM {table}
    WHERE {waits} AND lease_until > clock_timestamp() + make_interval(secs => %(left)s)
      AND substr(lease_owner::text, 15, 1) = '8'
      AND left(lease_owner::text, 8) NOT IN (
          SELECT lpad(to_hex(objid::bigint), 8, '0') FROM pg_locks
          WHERE locktype = 'advisory' AND classid = %(space)s AND objsubid = 2
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
    FOR NO KEY UPDATE SKIP LOCKED
) RETURNING id
"""


def new() -> UUID:
    """Return an owner for leases that this process takes now; no two are equal."""
    _show_from_now_on(os.getpid())
    rest = uuid4().hex
    return UUID(f"{_mark(os.getpid()):08x}{rest[8:12]}8{rest[13:]}")


class Ended:
    """Looks twice a second for leases of one table whose owner has ended. For one thread."""

    def __init__(self, table: str) -> None:
        self._statement = _END.format(table=table, waits=TABLES[table])
        self._looked = float("-inf")

    def __call__(self) -> int:
        """Have those leases end in a second; returns how many were found."""
        if time.monotonic() - self._looked < EVERY:
            return 0
        # After a restart of PostgreSQL nobody shows a lock: we do, before we judge others.
        _show_from_now_on(os.getpid())
        found = rows.run(self._statement, {"left": LEFT, "space": SPACE})
        self._looked = time.monotonic()
        return len(found)


@cache
def _mark(pid: int) -> int:
    return secrets.randbits(31)


@cache
def _show_from_now_on(pid: int) -> None:
    """Have this thread's connection and every one that is opened from now on show whose it is."""
    connection_created.connect(_show, dispatch_uid="triage.owners")
    if connection.connection is None:
        connection.connect()
    else:
        _show(connection)


def _show(connection: Any, **_: object) -> None:
    # Shared: all connections of a process show the same. Only tried: somebody else's lock must hold nobody
    # up, and is as good as ours.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock_shared(%s, %s)", [SPACE, _mark(os.getpid())])
