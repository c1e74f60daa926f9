"""Waking the loops: empty notices that may be lost, because the loops also look by themselves."""

from functools import partial

from django.db import transaction

from triage import rows

DUE = "tipline_due"
PAGE = "tipline_page"


_NOTIFY = "SELECT set_config('synchronous_commit', 'off', true), pg_notify(%(channel)s, '')"


def wake(channel: str) -> None:
    """Send the notice now. Outside a transaction: inside one, NOTIFY would put all commits in line.

    It may be lost, so it waits for no disk.
    """
    rows.run(_NOTIFY, {"channel": channel})


def wake_after_commit(channel: str) -> None:
    """Send the notice once the present transaction is through; a failure then is of no consequence."""
    transaction.on_commit(partial(wake, channel), robust=True)
