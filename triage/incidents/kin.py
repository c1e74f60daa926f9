"""Finding the tips of the last day that tell of the same event, for tips assessed together.

One statement asks for what may be alike; who is alike is decided here, where the workers' key is.
A row names no tip: which one it is of stands sealed in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings

from tipline.kernel import rotating, sealing, times
from tipline.kernel.sealing import SealBroken
from triage import rows
from triage.classify.assessment import Assessment
from triage.classify.taxonomy import WORST_FIRST, Category, Urgency
from triage.incidents import signature, telling
from triage.incidents.signature import Key, Likeness, Signature

LIVES = timedelta(hours=24)
MOST = 200
"""Signatures compared with the tips of one batch; beyond them an event is taken for a new one, which pages."""
FIELD = "signature"

EVENTS = frozenset(
    {
        Category.SCHOOL_THREAT,
        Category.THREAT_OF_VIOLENCE,
        Category.WEAPONS,
        Category.HOMICIDE,
        Category.ROBBERY,
        Category.ARSON,
        Category.GANG,
        Category.HATE_CRIME,
    }
)
"""What many people may see of one event. Of anything else two may write the same words about two lives."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A tip just read: what is compared of it. `alone`: it pages by itself, whatever it is like."""

    program_id: UUID
    tip_id: UUID
    oversight: bool
    told: telling.Told = field(repr=False)
    urgency: Urgency
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """The row to store of a tip, by which its like is known for a day."""

    id: UUID
    bands: list[int]
    sealed: bytes
    forget_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """Which event a tip belongs to, the tip it is like, and whether a page of that event tells people of it too."""

    incident: UUID
    like: UUID | None = None
    likeness: Likeness | None = None
    joins: bool = False
    kept: Kept | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Known:
    """An earlier tip's signature, opened."""

    incident: UUID
    tip_id: UUID
    urgency: Urgency
    running: bool
    signature: Signature


_ALIKE = """
SELECT id, program_id, incident, bands, sealed,
       EXISTS (SELECT 1 FROM triage_escalation page WHERE page.incident = kept.incident AND page.state <> 'ended')
FROM triage_incidentsignature kept
WHERE bands && %(bands)s::bigint[] AND forget_at > %(now)s LIMIT %(limit)s
"""


def alone(assessment: Assessment, *, about_me: bool) -> bool:
    """Whether a tip pages by itself, whatever it is like: about somebody's own life, or judged by nobody."""
    return about_me or not assessment.judged or EVENTS.isdisjoint(assessment.categories)


def look(tips: Sequence[Asked], now: datetime) -> list[Found]:
    """Say of each tip, in order, which event it belongs to. One statement, whatever their number; writes nothing."""
    # In memory only, like the keys of the hour: whoever takes the disk can try no guess on what is stored.
    secret = rotating.of_the_day(settings.RUN_DIR / "incidents", now)
    keys = [signature.key_of(secret, tip.program_id, oversight=tip.oversight) for tip in tips]
    signed = [signature.sign(tip.told, key) for tip, key in zip(tips, keys, strict=True)]
    known = _read({(tip.program_id, key) for tip, key in zip(tips, keys, strict=True)}, signed, now)
    found = []
    for tip, key, mine in zip(tips, keys, signed, strict=True):
        one = _one(tip, mine, known[key], key, now) if mine else Found(uuid4())
        if mine and one.kept:
            # The next of the batch may be its like.
            known[key].append(_Known(one.incident, tip.tip_id, tip.urgency, tip.urgency.pages, mine))
        found.append(one)
    return found


def _one(tip: Asked, mine: Signature, known: Sequence[_Known], key: Key, now: datetime) -> Found:
    events: dict[UUID, list[_Known]] = {}
    for each in known:
        if each.signature.bands & mine.bands:
            events.setdefault(each.incident, []).append(each)
    best: tuple[Likeness, list[_Known]] | None = None
    for event in events.values():
        likeness = signature.same_event(tip.told, mine, [each.signature for each in event], key)
        if likeness.share >= signature.ALIKE and (best is None or likeness.share > best[0].share):
            best = likeness, event
    if best is None:
        return Found(uuid4(), kept=_keep(tip, mine, key, now))
    likeness, event = best
    # What is worse than all of them is news, and wakes people by itself.
    news = not likeness.same or WORST_FIRST.index(tip.urgency) < min(WORST_FIRST.index(one.urgency) for one in event)
    return Found(
        event[0].incident,
        max(event, key=lambda one: signature.share(mine, one.signature)).tip_id,
        likeness,
        joins=not news and not tip.alone and any(one.running for one in event),
        # What tells nothing new is known by what is kept already.
        kept=_keep(tip, mine, key, now) if news else None,
    )


def _read(sides: set[tuple[UUID, Key]], signed: Sequence[Signature | None], now: datetime) -> dict[Key, list[_Known]]:
    known: dict[Key, list[_Known]] = {key: [] for _, key in sides}
    bands = frozenset[int]().union(*(each.bands for each in signed if each))
    if not bands:
        return known
    for pk, program_id, incident, theirs, sealed, running in rows.run(
        _ALIKE, {"bands": list(bands), "now": now, "limit": MOST}
    ):
        for key in [key for program, key in sides if program == program_id]:
            try:
                tip_id, urgency, kept = _open(
                    sealing.unseal(sealed, key=key.sealing, place=_place(program_id, pk)), theirs
                )
            except (SealBroken, ValueError):
                # That of the other side of the oversight line, or made before the secret was changed.
                continue
            known[key].append(_Known(incident, tip_id, urgency, running, kept))
    return known


def _keep(tip: Asked, mine: Signature, key: Key, now: datetime) -> Kept:
    pk = uuid4()
    plain = tip.tip_id.bytes + bytes([WORST_FIRST.index(tip.urgency)]) + signature.to_bytes(mine)
    sealed = sealing.seal(plain, key=key.sealing, place=_place(tip.program_id, pk))
    return Kept(pk, sorted(mine.bands), sealed, times.hour(now) + LIVES)


def _open(plain: bytes, bands: Sequence[int]) -> tuple[UUID, Urgency, Signature]:
    return UUID(bytes=plain[:16]), WORST_FIRST[plain[16]], signature.from_bytes(plain[17:], bands)


def _place(program_id: UUID, pk: UUID) -> sealing.Place:
    return sealing.Place(program_id, pk, FIELD)
