"""The custodian's life: announce a key, wait for what an unlocked session hands over, work, forget.

Nothing that opens a tip is ever written down. Killed, it comes back with another key and waits for
the next unlock; how far the work is stands in the database.
"""

import logging
import time
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from tipline import tidying
from tipline.kernel import wraps
from tipline.kernel.clock import database_now
from triage import rows
from triage.models import Custodian, HandOver, Job, KeyLink
from triage.vault import rotation

from . import handing
from .work import NewKeyNotTrusted, Work

log = logging.getLogger("tipline.custodian")

BEAT = 5.0  # seconds
IDLE = 1.0
TIDY = 60.0
LONGEST_WAIT = timedelta(hours=12)
"""A key whose work cannot go on is forgotten after this, as a session would forget it."""


class Keeper:
    """One custodian process. `tick` does at most one batch and says how long to wait before the next."""

    def __init__(self) -> None:
        self._seed = wraps.new_seed()
        self._row = Custodian(pk=uuid4(), public_key=wraps.public_key(self._seed))
        self._row.tag = handing.tag(self._row.pk, bytes(self._row.public_key))
        self._held: dict[UUID, tuple[bytes, datetime]] = {}
        self._work: dict[UUID, Work] = {}
        self._beaten = self._tidied = float("-inf")

    def tick(self) -> float:
        """Returns seconds to wait: as long as the batch took, so that this work never has more than half a core."""
        rows.wait_at_most()
        self._beat()
        self._take()
        started = time.monotonic()
        worked = self._one_batch()
        if worked:
            tidying.soon()
        self._tidy()
        return min(IDLE, time.monotonic() - started) if worked else IDLE

    def end(self) -> None:
        """Take the announcement back: what is handed to a process that has gone is lost."""
        Custodian.objects.filter(pk=self._row.pk).delete()

    def _beat(self) -> None:
        if time.monotonic() - self._beaten < BEAT:
            return
        self._row.seen_at = now = database_now()
        if not Custodian.objects.filter(pk=self._row.pk).update(seen_at=now):
            self._row.save(force_insert=True)
        Custodian.objects.filter(seen_at__lt=now - handing.GONE).delete()
        self._beaten = time.monotonic()

    def _take(self) -> None:
        taken = handing.take(self._row, self._seed)
        now = database_now() if taken else None
        for key_id, seed in taken.items():
            if now is not None:
                self._held[key_id] = (seed, now)
                log.info("custodian.taken %s", key_id)

    def _one_batch(self) -> bool:
        """Do one batch of one job, each job in its turn."""
        waiting = {job.pk: job for job in handing.needed().filter(program_key__in=self._held).order_by("pk")}
        for gone in self._work.keys() - waiting.keys():
            del self._work[gone]
        for pk in sorted(waiting.keys() - self._work.keys()):
            self._work[pk] = Work(waiting[pk], self._held[waiting[pk].program_key_id][0])
        for pk, work in list(self._work.items()):
            try:
                more = work.batch()
            except NewKeyNotTrusted:
                log.error("custodian.not_pinned %s", pk)
                continue
            # To the end of the line.
            self._work[pk] = self._work.pop(pk)
            if not more:
                self._finished(pk)
            return True
        return False

    def _finished(self, job_id: UUID) -> None:
        work = self._work.pop(job_id)
        log.info("custodian.finished %s", job_id)
        if not handing.needed().filter(program_key=work.job.program_key_id).exists():
            self._forget(work.job.program_key_id)

    def _forget(self, key_id: UUID) -> None:
        """Forget a key, and let it be handed over anew when there is something to do again."""
        self._held.pop(key_id, None)
        HandOver.objects.filter(custodian=self._row, program_key=key_id).delete()

    def _tidy(self) -> None:
        if time.monotonic() - self._tidied < TIDY:
            return
        self._tidied, now = time.monotonic(), database_now()
        for key_id in [key_id for key_id, (_, since) in self._held.items() if now - since > LONGEST_WAIT]:
            self._forget(key_id)
        done = Job.objects.filter(finished=True, broken=0).values("program_key")
        for link in KeyLink.objects.filter(older__in=done).select_related("older").order_by("since", "pk"):
            if rotation.forget(link.older, today=now.date()):
                log.info("custodian.old_key_gone %s", link.older_id)
