"""What the coordinators' room does by itself: take new tips in hand, assess them, open their cases."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from intake.models import Due, EpochKey, SubmissionKey, Tip, Wrap, WrapPurpose
from tipline.kernel import failpoints
from triage import assess, rows
from triage.assess import CannotOpen, Finding
from triage.classify import Urgency, worse
from triage.escalation import engine
from triage.models import Assessment, Case, CaseStatus

log = logging.getLogger("tipline.triage")

LEASE = timedelta(seconds=10)
OTHER_HOST = timedelta(seconds=2)
"""How long another host gets to read a tip that this one cannot."""
LOST_LEASES = 3


class LeaseLost(Exception):
    """Another worker has taken the tip meanwhile; what this one found is not stored."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """What became of a tip: whether somebody is paged for it."""

    urgency: str
    pages: bool


def waiting(now: datetime, *, newest: bool, limit: int) -> list[UUID]:
    """Return the tips that wait in nobody's hands: those in danger first, then the newest, or the oldest."""
    # A due row keeps no time of arrival; PostgreSQL knows how long ago its transaction was.
    age = RawSQL("age(intake_due.xmin)", ())
    free = _free(now).annotate(age=age).order_by("-danger", "age" if newest else "-age")
    return list(free.values_list("pk", flat=True)[:limit])


def still_waiting(now: datetime, rows: Iterable[UUID]) -> list[UUID]:
    """Return those of the rows that are in nobody's hands."""
    wanted = list(rows)
    return list(_free(now).filter(pk__in=wanted).values_list("pk", flat=True)) if wanted else []


def assess_due(due_id: UUID, *, clock: Callable[[], datetime]) -> Assessed | None:
    """Assess one waiting tip; None if somebody else has it or has done it."""
    due = claim(due_id, clock())
    if due is None:
        return None
    failpoints.reach("triage.claimed")
    finding = _find(due)
    if finding is None:
        Due.objects.filter(pk=due.pk, generation=due.generation).update(lease_until=clock() + OTHER_HOST)
        return None
    return store(due, finding, now=clock())


def claim(due_id: UUID, now: datetime) -> Due | None:
    """Take the lease of a waiting tip; None if it is gone or held."""
    with transaction.atomic():
        due = _free(now).select_for_update(skip_locked=True).filter(pk=due_id).first()
        if due is None:
            return None
        due.lease_owner, due.lease_until = uuid4(), now + LEASE
        due.generation += 1
        due.save(update_fields=["lease_owner", "lease_until", "generation"])
        return due


@transaction.atomic
def store(due: Due, finding: Finding, *, now: datetime) -> Assessed:
    """Store an assessment, open or raise the case, begin the page, and forget how the tip was read.

    Raises LeaseLost if the lease is another's now: a late writer changes nothing.
    """
    rows.wait_at_most()
    held = Due.objects.filter(pk=due.pk, lease_owner=due.lease_owner, generation=due.generation)
    if not held.select_for_update().exists():
        raise LeaseLost
    tip = Tip.objects.only("program_id", "follows_id").get(pk=due.tip_id)
    Assessment.objects.create(
        program_id=tip.program_id,
        tip=tip,
        urgency=finding.urgency,
        judged=finding.judged,
        sealed=finding.sealed,
        version=finding.version,
    )
    case = _case_for(tip, finding.urgency)
    if finding.pages:
        engine.start(case, tip, urgency=finding.urgency, now=now)
    Wrap.objects.filter(tip=tip, purpose=WrapPurpose.EPOCH).delete()
    held.delete()
    failpoints.reach("triage.before_commit")
    return Assessed(finding.urgency, finding.pages)


def forget_submissions(now: datetime) -> int:
    """Drop the traces by which a repeated press was recognised, once their time is over."""
    dropped, _ = SubmissionKey.objects.filter(drop_after__lt=now).delete()
    return dropped


def _free(now: datetime) -> QuerySet[Due]:
    return Due.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now))


def _find(due: Due) -> Finding | None:
    """Read and judge a tip; None if another host should try first."""
    if due.generation > LOST_LEASES:
        # Whoever had it never came back. Nobody tries a fourth time: a person reads it.
        log.error("assess.leases_lost %s", due.pk)
        return assess.unassessed()
    tip = Tip.objects.only("program_id", "sealed").get(pk=due.tip_id)
    found = list(Wrap.objects.filter(tip=tip, purpose=WrapPurpose.EPOCH))
    try:
        return assess.open_and_judge(tip, found)
    except CannotOpen:
        elsewhere = EpochKey.objects.filter(pk__in=[wrap.key_id for wrap in found]).exclude(host=settings.WORKER_HOST)
        if elsewhere.exists():
            return None
        log.error("assess.cannot_open %s", due.pk)
    except DatabaseError:
        raise
    except Exception as fault:
        log.error("assess.failed %s %s", due.pk, type(fault).__name__)
    return assess.unassessed()


def _case_for(tip: Tip, urgency: Urgency) -> Case:
    """Open the tip's case; a follow-up raises its conversation's case and puts it before people again."""
    root_id = tip.follows_id or tip.pk
    Case.objects.bulk_create(
        [Case(program_id=tip.program_id, tip_id=root_id, oversight=_is_oversight(root_id), urgency=urgency, version=0)],
        ignore_conflicts=True,
    )
    case = Case.objects.select_for_update(no_key=True).get(tip_id=root_id)
    case.urgency = worse(Urgency(case.urgency), urgency)
    if tip.follows_id:
        case.unread += 1
        if case.status in (CaseStatus.OPEN, CaseStatus.CLOSED):
            case.status, case.taken_by = CaseStatus.NEW, None
    case.version += 1
    case.save(update_fields=["urgency", "unread", "status", "taken_by", "version"])
    return case


def _is_oversight(root_id: UUID) -> bool:
    return Wrap.objects.filter(tip_id=root_id, purpose=WrapPurpose.OVERSIGHT).exists()
