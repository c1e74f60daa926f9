"""Every timer is compared with the database's clock: hosts may disagree, rows may not."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """Return the database's present time (UTC, not the transaction's start)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    now: datetime = row[0]
    return now
