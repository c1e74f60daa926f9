"""How a program's private key comes to a custodian: sealed, from an unlocked session, to a key in its memory.

A thief who can write to the database could put a key of his own beside the custodian's. So an
announcement carries a MAC under a secret that the console and the custodian share and that is in no
database, and the custodian takes only what opens the very program key that it was said to be.
"""

import hmac
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from intake.models import ProgramKey
from tipline.kernel import wraps
from tipline.kernel.sealing import SealBroken
from triage.custody import work
from triage.models import Custodian, HandOver, Job, JobKind, KeyLink
from triage.vault.keys import Unlocked

GONE = timedelta(seconds=30)
"""A custodian that has not been seen for so long is not there."""
PURPOSE = "hand-over"


def tag(custodian_id: UUID, public: bytes) -> bytes:
    """Return the MAC that a custodian's announcement carries."""
    return hmac.digest(settings.CUSTODIAN_MAC.encode(), f"custodian|{custodian_id}|".encode() + public, "sha256")


def present(now: datetime) -> list[Custodian]:
    """Return the custodians that run now and are ours."""
    found = Custodian.objects.filter(seen_at__gt=now - GONE)
    return [each for each in found if hmac.compare_digest(bytes(each.tag), tag(each.pk, bytes(each.public_key)))]


def needed() -> QuerySet[Job]:
    """The work that is not finished."""
    return Job.objects.filter(finished=False)


def feed(unlocked: Unlocked, *, now: datetime) -> int:
    """Begin what a rotation left to do, and hand over the keys that unfinished work waits for, where this person
    holds them. Returns how many were handed over; costs two queries when there is nothing to do.
    """
    begin(unlocked)
    waiting = [job.program_key for job in needed().select_related("program_key")]
    given = 0
    for custodian in present(now) if waiting else ():
        has = set(HandOver.objects.filter(custodian=custodian).values_list("program_key_id", flat=True))
        for key in {key.pk: key for key in waiting}.values():
            seed = unlocked.seed_of(key.pk) if key.pk not in has else None
            if seed is not None:
                HandOver.objects.bulk_create([_sealed(custodian, key, seed)], ignore_conflicts=True)
                given += 1
    return given


def begin(unlocked: Unlocked) -> None:
    """See that a retired key this person can open has its job, unless nothing is sealed to it any more."""
    retired = unlocked.retired_ids()
    for link in KeyLink.objects.filter(older__in=retired).select_related("older") if retired else ():
        start(JobKind.REWRAP, link.older)


def start(kind: JobKind, key: ProgramKey) -> None:
    """Begin a piece of work, or begin it again if something has come since it was finished."""
    left = work.wanted(kind, key).count()
    if not left:
        return
    job, made = Job.objects.get_or_create(
        kind=kind, program_key=key, defaults={"program_id": key.program_id, "total": left}
    )
    if not made and job.finished and job.broken < left:
        Job.objects.filter(pk=job.pk, finished=True).update(finished=False, total=left, done=0, broken=0, raised=0)


def take(custodian: Custodian, seed: bytes) -> dict[UUID, bytes]:
    """Open what was handed to this custodian, and empty the rows. Returns private halves by program key."""
    taken = {}
    for each in HandOver.objects.filter(custodian=custodian).exclude(sealed=b"").select_related("program_key"):
        try:
            found = wraps.unwrap(bytes(each.sealed), seed=seed, holder=_holder(custodian, each.program_key))
        except SealBroken:
            found = b""
        HandOver.objects.filter(pk=each.pk).update(sealed=b"")
        if len(found) == wraps.SEED_SIZE and wraps.public_key(found) == bytes(each.program_key.public_key):
            taken[each.program_key_id] = found
    return taken


def _sealed(custodian: Custodian, key: ProgramKey, seed: bytes) -> HandOver:
    sealed = wraps.wrap(seed, public=bytes(custodian.public_key), holder=_holder(custodian, key))
    return HandOver(custodian=custodian, program_key=key, sealed=sealed)


def _holder(custodian: Custodian, key: ProgramKey) -> wraps.Holder:
    return wraps.Holder(key.program_id, custodian.pk, PURPOSE, key.pk)
