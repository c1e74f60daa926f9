"""What the coordinators' room does by itself: take new tips in hand, assess them, open their cases."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import F

from intake.models import Due, EpochKey, SubmissionKey, Tip, Wrap, WrapPurpose
from tipline import tidying
from tipline.kernel import failpoints
from triage import assess, limits, owners, rows
from triage.assess import CannotOpen, Finding, Read
from triage.incidents import kin
from triage.incidents.kin import Found
from triage.models import IncidentSignature
from triage.storing import Assessed, Claimed, store

log = logging.getLogger("tipline.triage")

__all__ = [
    "Assessed",
    "Claimed",
    "Waiting",
    "assess_due",
    "assess_together",
    "claim",
    "forget_signatures",
    "forget_submissions",
    "store",
    "waiting",
]

LEASE = timedelta(seconds=10)
OTHER_HOST = timedelta(seconds=2)
"""How long another host gets to read a tip that this one cannot."""
LOST_LEASES = 3
QUICK = 0.25
"""Seconds of work one of several tips may take, a hundred times what one needs: a slower one waits, not they."""
LONGEST = 4.0
"""Seconds of work a tip by itself may take, well inside its lease; beyond them a person reads it."""


class Waiting(NamedTuple):
    """Tips in nobody's hands: of each lane its first, and those of the rows asked for that still wait."""

    newest: list[UUID]
    oldest: list[UUID]
    asked: list[UUID]


# A due row keeps no time of arrival; PostgreSQL knows how long ago its transaction was.
_WAITING = """
WITH free AS (
    SELECT id, danger, age(xmin) AS age FROM intake_due
    WHERE lease_until IS NULL OR lease_until < coalesce(%(now)s::timestamptz, clock_timestamp())
)
SELECT ARRAY(SELECT id FROM free ORDER BY danger DESC, age LIMIT %(limit)s),
       ARRAY(SELECT id FROM free ORDER BY danger DESC, age DESC LIMIT %(limit)s),
       ARRAY(SELECT id FROM free WHERE id = ANY(%(asked)s::uuid[]))
"""

# A claim waits for no disk: lost with a crash of the database, it is as if it had lapsed.
_CLAIM = """
WITH free AS (
    SELECT id, coalesce(%(now)s::timestamptz, clock_timestamp()) AS now
    FROM intake_due, (SELECT set_config('synchronous_commit', 'off', true)) AS quickly
    WHERE id = ANY(%(dues)s::uuid[])
      AND (lease_until IS NULL OR lease_until < coalesce(%(now)s::timestamptz, clock_timestamp()))
    FOR UPDATE OF intake_due SKIP LOCKED
), due AS (
    UPDATE intake_due
    SET lease_owner = %(owner)s, lease_until = free.now + make_interval(secs => %(lease)s), generation = generation + 1
    FROM free WHERE intake_due.id = free.id
    RETURNING intake_due.id, tip_id, generation, free.now
)
SELECT due.id, due.generation, due.now, tip.id, tip.program_id, tip.follows_id, tip.sealed,
       ARRAY(SELECT key_id FROM intake_wrap WHERE tip_id = tip.id AND purpose = 'epoch' ORDER BY id),
       ARRAY(SELECT sealed FROM intake_wrap WHERE tip_id = tip.id AND purpose = 'epoch' ORDER BY id)
FROM due JOIN intake_tip tip ON tip.id = due.tip_id
"""


def waiting(*, limit: int, asked: Iterable[UUID] = (), now: datetime | None = None) -> Waiting:
    """Return the tips in nobody's hands: those in danger first, then the newest, and then the oldest.

    Without `now` the database's clock counts, here and below.
    """
    return Waiting(*rows.run(_WAITING, {"now": now, "limit": limit, "asked": list(asked)})[0])


def assess_due(due_id: UUID, *, now: datetime | None = None) -> Assessed | None:
    """Assess one waiting tip; None if somebody else has it or has done it."""
    return next(iter(assess_together([due_id], now=now)), None)


def assess_together(due_ids: Sequence[UUID], *, now: datetime | None = None) -> list[Assessed]:
    """Assess waiting tips, those that nobody else has; returns what became of those stored.

    They are claimed and stored together but fail each by itself. One that takes long to read is put
    back until the others are stored.
    """
    claimed = claim(due_ids, now)
    if not claimed:
        return []
    try:
        return _assess(claimed, now)
    finally:
        tidying.soon()


def _assess(claimed: Sequence[Claimed], now: datetime | None) -> list[Assessed]:
    failpoints.reach("triage.claimed")
    read: list[tuple[Claimed, Read | Finding]] = []
    slow: list[Claimed] = []
    elsewhere: list[Claimed] = []
    for one in claimed:
        try:
            with limits.at_most(QUICK if len(claimed) > 1 else LONGEST):
                finding: Read | Finding | None = _find(one)
        except limits.TooSlow:
            if len(claimed) > 1:
                slow.append(one)
                continue
            log.error("assess.too_slow %s", one.due_id)
            finding = assess.unassessed()
        if finding is None:
            elsewhere.append(one)
        else:
            read.append((one, finding))
    done = store(_compared(read, claimed[0].now))
    _let_go(elsewhere, for_others=OTHER_HOST)
    _let_go(slow)
    # One of them now, by itself; the rest is found again.
    return done + (assess_together([slow[0].due_id], now=now) if slow else [])


def claim(due_ids: Sequence[UUID], now: datetime | None = None) -> list[Claimed]:
    """Take the leases of waiting tips; those that are gone or held are left out."""
    owner = owners.new()
    held = rows.run(_CLAIM, {"dues": list(due_ids), "owner": owner, "lease": LEASE.total_seconds(), "now": now})
    claimed = []
    for due_id, generation, moment, tip_id, program_id, follows_id, sealed, key_ids, wraps in held:
        tip = Tip(pk=tip_id, program_id=program_id, follows_id=follows_id, sealed=sealed)
        found = [
            Wrap(program_id=program_id, tip=tip, purpose=WrapPurpose.EPOCH, key_id=key_id, sealed=wrap)
            for key_id, wrap in zip(key_ids, wraps, strict=True)
        ]
        claimed.append(Claimed(due_id, owner, generation, tip, found, moment))
    return claimed


def forget_submissions(now: datetime) -> int:
    """Drop the traces by which a repeated press was recognised, once their time is over."""
    dropped, _ = SubmissionKey.objects.filter(drop_after__lt=now).delete()
    return dropped


def forget_sessions(now: datetime) -> int:
    """Drop what the console's people left open and whose time is over: all that this process may see of it."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM triage_identityrequest WHERE until < %s", [now])
        cursor.execute("DELETE FROM django_session WHERE expire_date < %s", [now])
        dropped: int = cursor.rowcount
    return dropped


def forget_signatures(now: datetime) -> int:
    """Drop by what tips were known again, once their day is over."""
    dropped, _ = IncidentSignature.objects.filter(forget_at__lte=now).delete()
    return dropped


def _compared(read: Sequence[tuple[Claimed, Read | Finding]], now: datetime) -> list[tuple[Claimed, Finding]]:
    """Seal what was found of each tip, with the event it belongs to.

    Where comparing fails, each is an event of its own and pages by itself. Follow-ups always are: a
    sender who writes again has something to say.
    """
    compared = [one for _, one in read if isinstance(one, Read) and one.tip.follows_id is None]
    events: dict[UUID, Found] = {}
    try:
        with limits.at_most(QUICK):
            asked = [one.asked for one in compared]
        if asked:
            events = dict(zip((one.tip_id for one in asked), kin.look(asked, now), strict=True))
    except SoftTimeLimitExceeded:
        raise
    except (limits.TooSlow, Exception) as fault:
        log.error("incidents.failed %s", type(fault).__name__)
    return [
        (claimed, assess.finding(one, events.get(one.tip.pk)) if isinstance(one, Read) else one)
        for claimed, one in read
    ]


def _find(claimed: Claimed) -> Read | Finding | None:
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
    except (DatabaseError, SoftTimeLimitExceeded):
        # No trouble of this tip's: its lease lapses, and it is tried again.
        raise
    except Exception as fault:
        log.error("assess.failed %s %s", claimed.due_id, type(fault).__name__)
    return assess.unassessed()


def _let_go(claimed: Sequence[Claimed], *, for_others: timedelta | None = None) -> None:
    """Give tips back: at once and as if never taken, or after others have had the time to take them."""
    if not claimed:
        return
    held = Due.objects.filter(pk__in=[one.due_id for one in claimed], lease_owner=claimed[0].owner)
    if for_others:
        held.update(lease_until=claimed[0].now + for_others)
    else:
        held.update(lease_owner=None, lease_until=None, generation=F("generation") - 1)
