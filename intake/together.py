"""New rows of several tables, stored with one statement: one round trip to PostgreSQL instead of one a table."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

from django.db import connection
from django.db.models import Model
from psycopg import Cursor

Shape = tuple[tuple[type[Model], int], ...]


def insert(rows: Sequence[Model]) -> None:
    """Insert unsaved rows, all or none. Raises IntegrityError as `save` would.

    Their order is free: foreign keys are checked when the transaction ends.
    """
    shape = tuple((model, len(list(same))) for model, same in groupby(rows, type))
    values = [
        field.get_db_prep_save(getattr(row, field.attname), connection)
        for row in rows
        for field in row._meta.local_concrete_fields
    ]
    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        # Values travel beside the statement, in binary, and PostgreSQL keeps its plan: Django's own
        # cursor would write them into the text, sealed blobs in hex, to be parsed anew each time.
        cursor.execute(_statement(shape), values, prepare=True)


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
