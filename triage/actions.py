"""What the coordinators' room does by itself: take new tips in hand, assess them, open their cases."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from intake.models import Due, EpochKey, SubmissionKey, Tip, Wrap, WrapPurpose
from tipline.kernel import failpoints
from triage import assess, rows
from triage.assess import CannotOpen, Finding
from triage.classify import Urgency
from triage.classify.taxonomy import WORST_FIRST
from triage.escalation import engine
from triage.models import Assessment, Case

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


@dataclass(frozen=True, slots=True)
class Claimed:
    """A waiting tip in this worker's hands, with what it takes to read it."""

    due_id: UUID
    owner: UUID
    generation: int
    tip: Tip
    wraps: list[Wrap]
    now: datetime


class Waiting(NamedTuple):
    """Tips in nobody's hands: of each lane its first, and those of the rows asked for that still wait."""

    newest: list[UUID]
    oldest: list[UUID]
    asked: list[UUID]


# A due row keeps no time of arrival; PostgreSQL knows how long ago its transaction was.
_WAITING = """
WITH free AS (
    SELECT id, danger, age(xmin) AS age FROM intake_due
    WHERE lease_until IS NULL OR lease_until < coalesce(%(now)s, clock_timestamp())
)
SELECT ARRAY(SELECT id FROM free ORDER BY danger DESC, age LIMIT %(limit)s),
       ARRAY(SELECT id FROM free ORDER BY danger DESC, age DESC LIMIT %(limit)s),
       ARRAY(SELECT id FROM free WHERE id = ANY(%(asked)s::uuid[]))
"""

_CLAIM = """
WITH free AS (
    SELECT id, coalesce(%(now)s, clock_timestamp()) AS now FROM intake_due
    WHERE id = %(due)s AND (lease_until IS NULL OR lease_until < coalesce(%(now)s, clock_timestamp()))
    FOR UPDATE SKIP LOCKED
), due AS (
    UPDATE intake_due
    SET lease_owner = %(owner)s, lease_until = free.now + make_interval(secs => %(lease)s), generation = generation + 1
    FROM free WHERE intake_due.id = free.id
    RETURNING tip_id, generation, free.now
)
SELECT due.generation, due.now, tip.id, tip.program_id, tip.follows_id, tip.sealed,
       ARRAY(SELECT key_id FROM intake_wrap WHERE tip_id = tip.id AND purpose = 'epoch' ORDER BY id),
       ARRAY(SELECT sealed FROM intake_wrap WHERE tip_id = tip.id AND purpose = 'epoch' ORDER BY id)
FROM due JOIN intake_tip tip ON tip.id = due.tip_id
"""

# A follow-up (`follows` is 1) raises its conversation's case, never lowers it, and puts it before people again.
_CASE = """
INSERT INTO triage_case AS known (id, program_id, tip_id, oversight, urgency, status, unread, version)
VALUES (%(id)s, %(program)s, %(root)s,
        EXISTS (SELECT 1 FROM intake_wrap WHERE tip_id = %(root)s AND purpose = 'oversight'),
        %(urgency)s, 'new', %(follows)s, 1)
ON CONFLICT (tip_id) DO UPDATE SET
    urgency = (%(levels)s::text[])[least(array_position(%(levels)s::text[], known.urgency::text),
                                         array_position(%(levels)s::text[], excluded.urgency::text))],
    unread = known.unread + excluded.unread,
    status = CASE WHEN excluded.unread > 0 AND known.status IN ('open', 'closed') THEN 'new' ELSE known.status END,
    taken_by_id = CASE WHEN excluded.unread = 0 OR known.status = 'taken' THEN known.taken_by_id END,
    version = known.version + 1
RETURNING known.id, known.oversight
"""


def waiting(*, limit: int, asked: Iterable[UUID] = (), now: datetime | None = None) -> Waiting:
    """Return the tips in nobody's hands: those in danger first, then the newest, and then the oldest.

    Without `now` the database's clock counts, here and below.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"now": now, "limit": limit, "asked": list(asked)})
        return Waiting(*cursor.fetchone())


def assess_due(due_id: UUID, *, now: datetime | None = None) -> Assessed | None:
    """Assess one waiting tip; None if somebody else has it or has done it. Raises LeaseLost."""
    claimed = claim(due_id, now)
    if claimed is None:
        return None
    failpoints.reach("triage.claimed")
    finding = _find(claimed)
    if finding is None:
        held = Due.objects.filter(pk=due_id, generation=claimed.generation)
        held.update(lease_until=claimed.now + OTHER_HOST)
        return None
    return store(claimed, finding)


def claim(due_id: UUID, now: datetime | None = None) -> Claimed | None:
    """Take the lease of a waiting tip; None if it is gone or held."""
    owner = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"due": due_id, "owner": owner, "lease": LEASE.total_seconds(), "now": now})
        row = cursor.fetchone()
    if row is None:
        return None
    generation, moment, tip_id, program_id, follows_id, sealed, key_ids, wraps = row
    tip = Tip(pk=tip_id, program_id=program_id, follows_id=follows_id, sealed=sealed)
    found = [
        Wrap(program_id=program_id, tip=tip, purpose=WrapPurpose.EPOCH, key_id=key_id, sealed=wrap)
        for key_id, wrap in zip(key_ids, wraps, strict=True)
    ]
    return Claimed(due_id, owner, generation, tip, found, moment)


def store(claimed: Claimed, finding: Finding) -> Assessed:
    """Store an assessment, open or raise the case, begin the page, and forget how the tip was read.

    Raises LeaseLost if the lease is another's now: a late writer changes nothing.
    """
    tip = claimed.tip
    rows.wait_at_most()
    with transaction.atomic():
        held = Due.objects.filter(pk=claimed.due_id, lease_owner=claimed.owner, generation=claimed.generation)
        if not held.delete()[0]:
            raise LeaseLost
        Assessment(
            program_id=tip.program_id,
            tip=tip,
            urgency=finding.urgency,
            judged=finding.judged,
            sealed=finding.sealed,
            version=finding.version,
        ).save(force_insert=True)
        case = _case_for(tip, finding.urgency)
        if finding.pages:
            engine.start(case, tip, urgency=finding.urgency, now=claimed.now)
        Wrap.objects.filter(tip=tip, purpose=WrapPurpose.EPOCH).delete()
        failpoints.reach("triage.before_commit")
    return Assessed(finding.urgency, finding.pages)


def forget_submissions(now: datetime) -> int:
    """Drop the traces by which a repeated press was recognised, once their time is over."""
    dropped, _ = SubmissionKey.objects.filter(drop_after__lt=now).delete()
    return dropped


def forget_sessions(now: datetime) -> int:
    """Drop people's sessions at the console whose time is over: all that this process may see of them."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_session WHERE expire_date < %s", [now])
        dropped: int = cursor.rowcount
    return dropped


def _find(claimed: Claimed) -> Finding | None:
    """Read and judge a tip; None if another host should try first."""
    if claimed.generation > LOST_LEASES:
        # Whoever had it never came back. Nobody tries a fourth time: a person reads it.
        log.error("assess.leases_lost %s", claimed.due_id)
        return assess.unassessed()
    try:
        return assess.open_and_judge(claimed.tip, claimed.wraps)
    except CannotOpen:
        held_elsewhere = EpochKey.objects.filter(pk__in=[wrap.key_id for wrap in claimed.wraps])
        if held_elsewhere.exclude(host=settings.WORKER_HOST).exists():
            return None
        log.error("assess.cannot_open %s", claimed.due_id)
    except DatabaseError:
        raise
    except Exception as fault:
        log.error("assess.failed %s %s", claimed.due_id, type(fault).__name__)
    return assess.unassessed()


def _case_for(tip: Tip, urgency: Urgency) -> Case:
    """Open the tip's case, or raise that of its conversation; its row stays locked."""
    root_id = tip.follows_id or tip.pk
    with connection.cursor() as cursor:
        cursor.execute(
            _CASE,
            {
                "id": uuid4(),
                "program": tip.program_id,
                "root": root_id,
                "urgency": str(urgency),
                "follows": int(tip.follows_id is not None),
                "levels": [str(level) for level in WORST_FIRST],
            },
        )
        case_id, oversight = cursor.fetchone()
    return Case(pk=case_id, program_id=tip.program_id, tip_id=root_id, oversight=oversight)
