"""The tries to reach people, put on record once an hour: their hashes become an entry of the audit chain.

The roles may add tries and change none, but whoever owns the database may do anything. Once an hour is
over, a hash of each of its tries goes into the program's chain, where it cannot be changed without
breaking every later entry. A try that was changed or made up afterwards then matches none; one that is
missing is counted, for those of an erased tip are rightly gone.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Min

from intake.models import CANARY
from tipline.kernel import times
from triage.audit import chain
from triage.models import Attempt, AuditEntry, Measure

EVERY = 60.0
SETTLED = timedelta(minutes=5)
"""A try that ended in the last second of its hour is stored by then."""
HASH = 16
KEPT_UNTIL = "tries_kept_until"
"""Up to which hour (since 1970) the tries are on record; not among the metrics."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """An hour whose tries do not match its record: how many match none, and how many are missing."""

    hour: datetime
    strange: int
    missing: int


class Tries:
    """Looks once a minute."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._looked = float("-inf")

    def look(self, now: datetime) -> int:
        """Put the hours on record that are over; returns how many entries that made."""
        moment = self._monotonic()
        if moment - self._looked < EVERY:
            return 0
        self._looked = moment
        return keep(now)


@transaction.atomic
def keep(now: datetime) -> int:
    """Put every finished hour that has tries, and is not on record yet, into the chains of its programs."""
    until = times.hour(now - SETTLED)
    mark = _mark(until)
    found: dict[tuple[datetime, UUID], list[Attempt]] = {}
    real = Attempt.objects.exclude(program_id=CANARY)
    for attempt in real.filter(hour__gte=_time(mark.value), hour__lt=until).order_by("hour", "program_id"):
        found.setdefault((attempt.hour, attempt.program_id), []).append(attempt)
    for (hour, program), attempts in found.items():
        chain.record(program, chain.Event.TRIES_KEPT, now=now, proof=_proof(hour, attempts))
    Measure.objects.filter(pk=mark.pk).update(value=_number(until))
    return len(found)


def differing(program_id: UUID) -> list[Verdict]:
    """Compare the tries that stand with what is on record; returns the hours that differ, the oldest first.

    Says nothing about the chain itself: `chain.verify` does.
    """
    kept = AuditEntry.objects.filter(program_id=program_id, event=chain.Event.TRIES_KEPT).order_by("number")
    verdicts = []
    for entry in kept.iterator():
        proof = bytes(entry.sealed)
        hour, known = _time(int.from_bytes(proof[:4], "big")), _hashes(proof[4:])
        standing = {_hash(each) for each in Attempt.objects.filter(program_id=program_id, hour=hour)}
        if standing != known:
            verdicts.append(Verdict(hour, strange=len(standing - known), missing=len(known - standing)))
    return verdicts


def _mark(until: datetime) -> Measure:
    # The row is locked: two watchers do not put one hour on record twice.
    found = Measure.objects.select_for_update().filter(name=KEPT_UNTIL).first()
    if found is None:
        first = Attempt.objects.aggregate(first=Min("hour"))["first"]
        found = Measure.objects.create(name=KEPT_UNTIL, value=_number(min(first or until, until)))
    return found


def _proof(hour: datetime, attempts: Iterable[Attempt]) -> bytes:
    return _number(hour).to_bytes(4, "big") + b"".join(sorted(_hash(each) for each in attempts))


def _hash(attempt: Attempt) -> bytes:
    parts = (
        attempt.pk.hex,
        attempt.notification_id.hex,
        str(attempt.number),
        attempt.provider,
        str(attempt.result),
        str(_number(attempt.hour)),
    )
    return hashlib.sha256("|".join(("tipline-try-1", *parts)).encode()).digest()[:HASH]


def _hashes(proof: bytes) -> set[bytes]:
    return {proof[at : at + HASH] for at in range(0, len(proof), HASH)}


def _number(hour: datetime) -> int:
    return int(hour.timestamp()) // 3600


def _time(number: int) -> datetime:
    return datetime.fromtimestamp(number * 3600, UTC)
