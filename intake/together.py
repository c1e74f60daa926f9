"""New rows of several tables, stored with one statement: one round trip to PostgreSQL instead of one a table."""

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from itertools import groupby
from operator import attrgetter

from django.db import connection
from django.db.models import Model

from tipline import prepared

Shape = tuple[tuple[type[Model], int], ...]


def insert(rows: Sequence[Model]) -> None:
    """Insert unsaved rows, all or none. Raises IntegrityError as `save` would.

    Outside a transaction they are stored for good when this returns: one statement needs no BEGIN
    and no COMMIT of its own. Their order is free: foreign keys are checked when the transaction ends.
    """
    shape = tuple((model, len(list(same))) for model, same in groupby(rows, type))
    values = [value for row in rows for value in _values_of(type(row))(row)]
    prepared.execute(_statement(shape), values)


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
