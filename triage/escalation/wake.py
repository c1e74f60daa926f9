"""Waking the loops: empty notices that may be lost, because the loops also look by themselves."""

from functools import partial

from django.db import connection, transaction

DUE = "tipline_due"
PAGE = "tipline_page"


def wake(channel: str) -> None:
    """Send the notice now. Outside a transaction: inside one, NOTIFY would put all commits in line."""
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {channel}")


def wake_after_commit(channel: str) -> None:
    """Send the notice once the present transaction is through; a failure then is of no consequence."""
    transaction.on_commit(partial(wake, channel), robust=True)
