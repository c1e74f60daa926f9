"""Erasing what is due, and keeping outside the database that it was erased.

One function of the database does it: no process may delete a tip (migration "erasing"). `watch` calls it
every few minutes. Everything of the conversation goes: wraps, ciphertext, replies, receipt, assessments,
the case with its pages, notes and corrections; the record keeps what people did, its texts unreadable.
"""

import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from intake.models import Tip
from triage.audit.chain import Event, record
from triage.keeping import tombstones
from triage.models import Erasure

EVERY = 300.0
"""Seconds between two rounds."""
AT_ONCE = 50


@transaction.atomic
def erase_due(now: datetime, most: int = AT_ONCE) -> list[Erasure]:
    """Erase what is due, at most so many, and put it on record; returns the certificates."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT triage_erase_due(%s)", [most])
        made = [row[0] for row in cursor.fetchall()]
    found = list(Erasure.objects.filter(pk__in=made).order_by("pk"))
    for each in found:
        record(each.program_id, Event.ERASED, tip=Tip(pk=each.tip, program_id=each.program_id), now=now)
    return found


def mirror() -> int:
    """Write to the file outside the database what does not stand there yet; returns how many.

    Twice is harmless, never is not: the row is marked after the file is on disk.
    """
    waiting = list(Erasure.objects.filter(mirrored=False).order_by("pk"))
    if waiting:
        tombstones.append([tombstones.line(each) for each in waiting])
        Erasure.objects.filter(pk__in=[each.pk for each in waiting]).update(mirrored=True)
    return len(waiting)


def erase_again(stones: list[tombstones.Stone]) -> int:
    """After a restore, as the owner: erase what the copy still has; returns how many tips that were."""
    again = 0
    for stone in stones:
        with transaction.atomic(), connection.cursor() as cursor:
            if Tip.objects.filter(pk=stone.tip).exclude(status="erased").exists():
                cursor.execute("SELECT triage_empty_tip(%s)", [stone.tip])
                again += 1
            _certificate(stone)
    return again


def _certificate(stone: tombstones.Stone) -> None:
    """Put the certificate back that the copy does not have, as it was."""
    if Erasure.objects.filter(tip=stone.tip).exists() or not Tip.objects.filter(pk=stone.tip).exists():
        return
    people = [_known(each) for each in (stone.asked_by, stone.agreed_by)]
    Erasure.objects.create(
        pk=stone.id,
        program_id=stone.program,
        tip=stone.tip,
        case=stone.case,
        oversight=stone.oversight,
        hour=stone.hour,
        ended=stone.ended,
        messages=stone.messages,
        replies=stone.replies,
        asked_by_id=people[0],
        agreed_by_id=people[1],
        last_copy_on=stone.last_copy_on,
        mirrored=True,
    )


def _known(user_id: UUID | None) -> UUID | None:
    from triage.models import User

    return user_id if user_id and User.objects.filter(pk=user_id).exists() else None


class Erasing:
    """The part of `watch` that does it, now and then."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._next = float("-inf")

    def look(self, now: datetime) -> None:
        """Erase and mirror, when it is time."""
        moment = self._monotonic()
        if moment < self._next:
            return
        done = erase_due(now)
        mirror()
        # A full round is followed by another at once.
        self._next = moment if len(done) == AT_ONCE else moment + EVERY
