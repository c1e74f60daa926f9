"""Statements that PostgreSQL parses and plans once for each connection, for the paths counted in milliseconds.

Django's own cursor writes the values into the text, which is then parsed and planned anew each
time: for the longer statements of this house that costs more than their work.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import OperationalError, connection
from psycopg import Cursor

Values = Mapping[str, Any] | Sequence[Any]


def execute(statement: bytes, values: Values) -> list[tuple[Any, ...]]:
    """Run a statement on this thread's connection, its values beside it, and return its rows.

    Asking first whether a kept connection still lives costs a round trip; finding it dead costs a
    second try. Outside a transaction the statement must therefore bear to be run twice.
    Raises Django's database errors.
    """
    kept = connection.connection is not None and not connection.in_atomic_block
    try:
        return _execute(statement, values)
    except OperationalError:
        if not kept or connection.is_usable():
            raise
        connection.close()
        return _execute(statement, values)


def _execute(statement: bytes, values: Values) -> list[tuple[Any, ...]]:
    connection.ensure_connection()
    raw = connection.connection
    with connection.wrap_database_errors, Cursor(raw) as cursor:
        # Django turns preparing off. It stays off for everything else: while it is on, the driver
        # remembers the text of every statement, and Django's hold the values.
        raw.prepare_threshold = 0
        try:
            cursor.execute(statement, values, prepare=True)
        finally:
            raw.prepare_threshold = None
        found = cursor.fetchall() if cursor.description else []
    connection.health_check_done = True  # type: ignore[attr-defined]  # Django's own, not in its stubs
    return found
