"""Mixing the rows of a week, so that the order they were written in says nothing of when a tip came.

PostgreSQL numbers transactions, and stores rows one behind the other. Beside a row that carries an hour, such an order
would place a tip between two hours. Once a night the rows of every week in which something was written are written
anew, in one transaction and in no order: they then look as if all of the week had come at once.
"""

from datetime import date, datetime

from django.db import connection

AT = 8
"""Hour, UTC: night on both coasts of America."""
MOST = 20_000
"""Tips in one night; the rest follows in the next."""


class Nightly:
    """Mixes once a night; called every minute, it asks nothing in between."""

    def __init__(self) -> None:
        self._mixed: date | None = None

    def __call__(self, now: datetime) -> None:
        if now.hour == AT and self._mixed != now.date():
            mix()
            self._mixed = now.date()


def mix(most: int = MOST) -> int:
    """Write the rows of those weeks anew; returns of how many tips."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT triage_mix_rows(%s)", [most])
        mixed: int = cursor.fetchone()[0]
    return mixed
