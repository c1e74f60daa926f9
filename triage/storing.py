"""Storing what was found of tips: several together cost little more than one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction

from intake.models import Tip, Wrap
from tipline.kernel import failpoints
from triage import rows
from triage.assess import Finding
from triage.classify.taxonomy import WORST_FIRST
from triage.escalation import beginning
from triage.escalation.beginning import NewPage
from triage.models import Notification


@dataclass(frozen=True, slots=True)
class Claimed:
    """A waiting tip in this worker's hands, with what it takes to read it."""

    due_id: UUID
    owner: UUID
    generation: int
    tip: Tip
    wraps: list[Wrap]
    now: datetime


@dataclass(frozen=True, slots=True)
class Assessed:
    """What became of a tip: whether somebody is paged for it, and the notifications now due."""

    urgency: str
    pages: bool
    notes: list[Notification] = field(default_factory=list)


Found = tuple[Claimed, Finding]

# Who lost the lease meanwhile changes nothing: all else hangs on the rows that `held` could delete.
# A follow-up (`follows` is 1) raises its conversation's case, never lowers it, and puts it before people again.
_STORE = """
WITH found AS (
    SELECT * FROM unnest(%(dues)s::uuid[], %(owners)s::uuid[], %(generations)s::int[], %(roots)s::uuid[],
                         %(ids)s::uuid[], %(urgencies)s::text[], %(judged)s::bool[], %(sealed)s::bytea[],
                         %(versions)s::text[], %(cases)s::uuid[])
        AS found(due, owner, lease, root, id, urgency, judged, sealed, version, case_id)
), held AS (
    DELETE FROM intake_due due USING found
    WHERE due.id = found.due AND due.lease_owner = found.owner AND due.generation = found.lease
    RETURNING due.tip_id, due.program_id, found.*, (found.root <> due.tip_id)::int AS follows
), forgotten AS (
    DELETE FROM intake_wrap wrap USING held WHERE wrap.tip_id = held.tip_id AND wrap.purpose = 'epoch'
), assessed AS (
    INSERT INTO triage_assessment (id, program_id, tip_id, urgency, judged, sealed, version)
    SELECT id, program_id, tip_id, urgency, judged, sealed, version FROM held
), known AS (
    INSERT INTO triage_incidentsignature (id, program_id, incident, bands, sealed, forget_at)
    SELECT kept.id, program_id, incident, string_to_array(bands, ',')::bigint[], kept.sealed, forget_at
    FROM unnest(%(kept_dues)s::uuid[], %(kept_ids)s::uuid[], %(incidents)s::uuid[], %(bands)s::text[],
                %(kept)s::bytea[], %(forget_ats)s::timestamptz[]) AS kept(due, id, incident, bands, sealed, forget_at)
    JOIN held ON held.due = kept.due
), cases AS (
    INSERT INTO triage_case AS known (id, program_id, tip_id, oversight, urgency, status, unread, version)
    SELECT case_id, program_id, root,
           EXISTS (SELECT 1 FROM intake_wrap WHERE tip_id = root AND purpose = 'oversight'),
           urgency, 'new', follows, 1
    FROM held
    ON CONFLICT (tip_id) DO UPDATE SET
        urgency = (%(levels)s::text[])[least(array_position(%(levels)s::text[], known.urgency::text),
                                             array_position(%(levels)s::text[], excluded.urgency::text))],
        unread = known.unread + excluded.unread,
        status = CASE WHEN excluded.unread > 0 AND known.status IN ('open', 'closed') THEN 'new' ELSE known.status END,
        taken_by_id = CASE WHEN excluded.unread = 0 OR known.status = 'taken' THEN known.taken_by_id END,
        version = known.version + 1
    RETURNING known.id, known.tip_id, known.oversight
)
SELECT held.due, cases.id, cases.oversight FROM held JOIN cases ON cases.tip_id = held.root
"""


def store(found: Sequence[Found]) -> list[Assessed]:
    """Store assessments, open or raise their cases, begin the pages, and forget how the tips were read.

    A late writer changes nothing and is left out of what is returned. One that cannot be stored
    keeps nobody waiting: the others are stored without it, and its lease lapses.
    """
    # A new tip waits for nobody; a follow-up may have to wait for its case, which somebody is working on.
    fresh = [one for one in found if one[0].tip.follows_id is None]
    done: list[Assessed] = []
    if rows.one_by_one(lambda some: done.extend(_store(some)), [fresh]) == 0 and len(fresh) > 1:
        rows.one_by_one(lambda one: done.extend(_store([one])), fresh)
    rows.one_by_one(lambda one: done.extend(_store([one])), [one for one in found if one[0].tip.follows_id])
    return done


def _store(found: Sequence[Found]) -> list[Assessed]:
    if not found:
        return []
    rows.wait_at_most()
    with transaction.atomic():
        cases = {due: case for due, *case in rows.run(_STORE, _columns(found))}
        held = [one for one in found if one[0].due_id in cases]
        pages = [_page(one, *cases[one[0].due_id]) for one in held if one[1].pages]
        notes = beginning.begin(pages, now=found[0][0].now) if pages else {}
        failpoints.reach("triage.before_commit")
    return [Assessed(finding.urgency, finding.pages, notes.get(claimed.tip.pk, [])) for claimed, finding in held]


def _page(found: Found, case_id: UUID, oversight: bool) -> NewPage:
    tip = found[0].tip
    event = found[1].event
    incident, joins = (event.incident, event.joins) if event else (None, False)
    return NewPage(
        tip.program_id,
        case_id,
        tip.pk,
        found[1].urgency,
        oversight=oversight,
        incident=incident,
        joins=joins,
        self_harm=found[1].self_harm,
    )


def _columns(found: Sequence[Found]) -> dict[str, list[object]]:
    events = [(claimed.due_id, one.event) for claimed, one in found if one.event]
    kept = [(due, event.incident, event.kept) for due, event in events if event.kept]
    return {
        "kept_dues": [due for due, _, _ in kept],
        "incidents": [incident for _, incident, _ in kept],
        "kept_ids": [one.id for _, _, one in kept],
        "bands": [",".join(map(str, one.bands)) for _, _, one in kept],
        "kept": [one.sealed for _, _, one in kept],
        "forget_ats": [one.forget_at for _, _, one in kept],
        "dues": [claimed.due_id for claimed, _ in found],
        "owners": [claimed.owner for claimed, _ in found],
        "generations": [claimed.generation for claimed, _ in found],
        "roots": [claimed.tip.follows_id or claimed.tip.pk for claimed, _ in found],
        "ids": [uuid4() for _ in found],
        "urgencies": [str(finding.urgency) for _, finding in found],
        "judged": [finding.judged for _, finding in found],
        "sealed": [finding.sealed for _, finding in found],
        "versions": [finding.version for _, finding in found],
        "cases": [uuid4() for _ in found],
        "levels": [str(level) for level in WORST_FIRST],
    }
