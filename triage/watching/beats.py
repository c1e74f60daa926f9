"""Signs of life: which process did its work last when, and when else something happened that is watched."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from tipline.kernel.clock import database_now
from triage.models import Heartbeat

EVERY = 10.0
WATCH, CUSTODIAN = "watch", "custodian"
PROCESSES: Sequence[str] = (
    "escalator-triage",
    "escalator-page",
    "triage-worker",
    "page-worker",
    WATCH,
    CUSTODIAN,
)
"""Those that say by themselves that they live; the doors are asked for `/healthz`."""
EPOCH_KEY, BACKUP, CANARY = "epoch-key", "backup", "canary"
"""When the newest key of the hour was made, the last backup ended well, the last canary arrived."""


def beat(name: str, at: datetime) -> None:
    """Note that this happened, or was done, at that time of the database's clock."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, beat_at=at)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["beat_at"],
    )


class Pulse:
    """Beats when called, a few times a minute however often that is."""

    def __init__(self, name: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._monotonic = monotonic
        self._last = float("-inf")

    def __call__(self) -> None:
        if self._monotonic() - self._last >= EVERY:
            beat(self._name, database_now())
            self._last = self._monotonic()


def note_backup(at: datetime) -> None:
    """Say that a backup ended well: whatever makes backups calls this, as the owner."""
    beat(BACKUP, at)
