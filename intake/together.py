"""New rows of several tables, stored with one statement: one round trip to PostgreSQL instead of one a table."""

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from itertools import groupby
from operator import attrgetter

from django.db import OperationalError, connection
from django.db.models import Model
from psycopg import Cursor

Shape = tuple[tuple[type[Model], int], ...]


def insert(rows: Sequence[Model]) -> None:
    """Insert unsaved rows, all or none. Raises IntegrityError as `save` would.

    Outside a transaction they are stored for good when this returns: one statement needs no BEGIN
    and no COMMIT of its own. Their order is free: foreign keys are checked when the transaction ends.
    """
    shape = tuple((model, len(list(same))) for model, same in groupby(rows, type))
    values = [value for row in rows for value in _values_of(type(row))(row)]
    statement = _statement(shape)
    # Asking first whether a kept connection still lives costs a round trip; finding it dead costs a second try.
    kept = connection.connection is not None and not connection.in_atomic_block
    try:
        _execute(statement, values)
    except OperationalError:
        if not kept or connection.is_usable():
            raise
        connection.close()
        _execute(statement, values)


def _execute(statement: bytes, values: list[object]) -> None:
    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        # Values travel beside the statement, in binary, and PostgreSQL keeps its plan: Django's own
        # cursor would write them into the text, sealed blobs in hex, to be parsed anew each time.
        cursor.execute(statement, values, prepare=True)
    connection.health_check_done = True  # type: ignore[attr-defined]  # Django's own, not in its stubs


@cache
def _values_of(model: type[Model]) -> Callable[[Model], tuple[object, ...]]:
    # As they are: PostgreSQL's driver knows ids, bytes, texts, numbers and times without Django's help.
    return attrgetter(*(field.attname for field in model._meta.local_concrete_fields))


@lru_cache(maxsize=64)
def _statement(shape: Shape) -> bytes:
    quote = connection.ops.quote_name
    parts = []
    for model, count in shape:
        columns = [quote(str(field.column)) for field in model._meta.local_concrete_fields]
        row = f"({', '.join(['%s'] * len(columns))})"
        head = f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(columns)})"
        parts.append(f"{head} VALUES {', '.join([row] * count)}")
    *others, last = parts
    if others:
        last = "WITH " + ", ".join(f"part{n} AS ({part})" for n, part in enumerate(others)) + " " + last
    return last.encode()
