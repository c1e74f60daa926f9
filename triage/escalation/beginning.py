"""Beginning pages: for tips assessed together, in the transaction that stores what was found of them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from triage import rows
from triage.escalation import engine, ladders, numbers
from triage.models import Contact, Escalation, Notification, Recusal


@dataclass(frozen=True, slots=True)
class NewPage:
    """What is to be paged about: a tip or follow-up, and its case."""

    program_id: UUID
    case_id: UUID
    tip_id: UUID
    urgency: str
    oversight: bool = False
    incident: UUID | None = None
    joins: bool = False
    self_harm: bool = False  # climbs the ladder's own steps for that, where it has any


_REACHABLE = """
SELECT contact.id, contact.user_id, contact.channel
FROM triage_contact contact JOIN triage_user person ON person.id = contact.user_id
WHERE contact.program_id = %(program)s AND contact.active AND person.is_active
"""

_INSERT = """
WITH page AS (
    INSERT INTO triage_escalation (id, program_id, case_id, tip_id, urgency, page_number, state, snapshot, step, loop,
                                   opened_at, next_at, times_taken, incident, joins)
    SELECT id, program, case_id, tip, urgency, number, 'open', snapshot, step, loop, %(now)s, next_at, 0,
           incident, joins
    FROM unnest(%(pages)s::uuid[], %(programs)s::uuid[], %(cases)s::uuid[], %(tips)s::uuid[], %(urgencies)s::text[],
                %(numbers)s::int[], %(snapshots)s::jsonb[], %(steps)s::int[], %(loops)s::int[],
                %(next_ats)s::timestamptz[], %(incidents)s::uuid[], %(joins)s::bool[])
        AS page(id, program, case_id, tip, urgency, number, snapshot, step, loop, next_at, incident, joins)
)
INSERT INTO triage_notification (id, program_id, escalation_id, user_id, contact_id, channel, kind, step, loop, state,
                                 due_at, attempts, provider, provider_reference, code_used, code_misses, generation)
SELECT id, program, page, person, contact, channel, 'page', step, loop, 'pending', %(now)s, 0, '', '', false, 0, 0
FROM unnest(%(note_ids)s::uuid[], %(note_programs)s::uuid[], %(note_pages)s::uuid[], %(people)s::uuid[],
            %(contacts)s::uuid[], %(channels)s::text[], %(note_steps)s::int[], %(note_loops)s::int[])
    AS note(id, program, page, person, contact, channel, step, loop)
"""


def begin(pages: Sequence[NewPage], *, now: datetime) -> dict[UUID, list[Notification]]:
    """Begin a page for each and write its first notifications, due now; returns those by tip.

    Called inside the transaction that stores the assessments; the caller sees to it that they are sent.
    """
    snapshots: dict[tuple[UUID, str, bool, bool], ladders.Snapshot] = {}
    reachable: dict[UUID, list[Contact]] = {}
    begun: list[tuple[Escalation, engine.Reached]] = []
    aside = _aside(page.case_id for page in pages)
    for page in pages:
        which = (page.program_id, page.urgency, page.oversight, page.self_harm)
        if which not in snapshots:
            snapshots[which] = ladders.snapshot(
                page.program_id, page.urgency, oversight=page.oversight, self_harm=page.self_harm, now=now
            )
        if page.program_id not in reachable:
            reachable[page.program_id] = _reachable(page.program_id)
        escalation = Escalation(
            program_id=page.program_id,
            case_id=page.case_id,
            tip_id=page.tip_id,
            urgency=page.urgency,
            snapshot=ladders.without(snapshots[which], aside.get(page.case_id, ())),
            incident=page.incident,
            joins=page.joins,
            opened_at=now,
            next_at=now,
        )
        if page.joins:
            # Its first step is due now like any other's: the climb tells of it together with its like.
            begun.append((escalation, engine.Reached([], 0, 0)))
            continue
        begun.append((escalation, engine.advance(escalation, now, _Among(reachable[page.program_id]))))
    _number([escalation for escalation, _ in begun])
    notes = {
        escalation.tip_id: engine.notes(escalation.pk, escalation.program_id, reached, now)
        for escalation, reached in begun
    }
    written = [note for some in notes.values() for note in some]
    rows.run(_INSERT, {"now": now} | _page_columns([page for page, _ in begun]) | _note_columns(written))
    return notes


def _aside(cases: Iterable[UUID]) -> dict[UUID, set[UUID]]:
    """Who stepped aside from these cases: a follow-up does not page them either."""
    found: dict[UUID, set[UUID]] = {}
    for case_id, user_id in Recusal.objects.filter(case__in=set(cases)).values_list("case_id", "user_id"):
        found.setdefault(case_id, set()).add(user_id)
    return found


class _Among:
    """Finds the contacts of people among those read once for all pages of a program."""

    def __init__(self, contacts: Sequence[Contact]) -> None:
        self._contacts = contacts

    def __call__(self, people: Iterable[str], channels: Iterable[str]) -> list[Contact]:
        wanted, ways = set(people), {channel for channel in channels if channel in engine.SENDABLE}
        return [one for one in self._contacts if str(one.user_id) in wanted and one.channel in ways]


def _reachable(program_id: UUID) -> list[Contact]:
    found = rows.run(_REACHABLE, {"program": program_id})
    return [Contact(pk=pk, program_id=program_id, user_id=user, channel=channel) for pk, user, channel in found]


def _number(pages: Sequence[Escalation]) -> None:
    by_program: dict[UUID, list[Escalation]] = {}
    for page in pages:
        by_program.setdefault(page.program_id, []).append(page)
    # In one order, so that two who begin pages of the same programs never wait for each other in a circle.
    for program_id in sorted(by_program):
        same = by_program[program_id]
        for page, number in zip(same, numbers.next_numbers(program_id, len(same)), strict=True):
            page.page_number = number


def _page_columns(pages: Sequence[Escalation]) -> dict[str, list[Any]]:
    return {
        "pages": [page.pk for page in pages],
        "programs": [page.program_id for page in pages],
        "cases": [page.case_id for page in pages],
        "tips": [page.tip_id for page in pages],
        "urgencies": [str(page.urgency) for page in pages],
        "numbers": [page.page_number for page in pages],
        "snapshots": [json.dumps(page.snapshot) for page in pages],
        "steps": [page.step for page in pages],
        "loops": [page.loop for page in pages],
        "next_ats": [page.next_at for page in pages],
        "incidents": [page.incident for page in pages],
        "joins": [page.joins for page in pages],
    }


def _note_columns(notes: Sequence[Notification]) -> dict[str, list[Any]]:
    return {
        "note_ids": [note.pk for note in notes],
        "note_programs": [note.program_id for note in notes],
        "note_pages": [note.escalation_id for note in notes],
        "people": [note.user_id for note in notes],
        "contacts": [note.contact_id for note in notes],
        "channels": [str(note.channel) for note in notes],
        "note_steps": [note.step for note in notes],
        "note_loops": [note.loop for note in notes],
    }
