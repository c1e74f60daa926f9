"""Finding the tips of the last day that tell of the same event, for tips assessed together.

One statement asks for what may be alike; who is alike is decided here, where the workers' key is.
A row names no tip: which one it is of stands sealed in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
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
REMEMBERED = 1000
"""Signatures a process keeps open in memory, so that in a storm each is opened once and not for every tip."""
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


Opened = tuple[UUID, Urgency, Signature]
"""What stands sealed in a row: whose signature it is, the level of that tip, and the signature."""
Memory = dict[tuple[Key, UUID], Opened]


@dataclass(frozen=True, slots=True)
class _Known:
    """An earlier tip's signature, opened."""

    incident: UUID
    tip_id: UUID
    urgency: Urgency
    running: bool
    signature: Signature


# What a signature says never changes, whether its event's page still runs does.
_ALIKE = """
SELECT id, program_id, incident,
       EXISTS (SELECT 1 FROM triage_escalation page WHERE page.incident = kept.incident AND page.state <> 'ended')
FROM triage_incidentsignature kept
WHERE bands && %(bands)s::bigint[] AND forget_at > %(now)s LIMIT %(limit)s
"""

_SEALED = "SELECT id, bands, sealed FROM triage_incidentsignature WHERE id = ANY(%(ids)s::uuid[])"


def alone(assessment: Assessment, *, about_me: bool) -> bool:
    """Whether a tip pages by itself, whatever it is like: about somebody's own life, or judged by nobody."""
    return about_me or not assessment.judged or EVENTS.isdisjoint(assessment.categories)


def look(tips: Sequence[Asked], now: datetime) -> list[Found]:
    """Say of each tip, in order, which event it belongs to; writes nothing.

    One statement, whatever their number, and a second where others stored what this process has not opened yet.
    """
    # In memory only, like the keys of the hour: whoever takes the disk can try no guess on what is stored.
    secret = rotating.of_the_day(settings.RUN_DIR / "incidents", now)
    memory = _memory(secret)
    keys = [signature.key_of(secret, tip.program_id, oversight=tip.oversight) for tip in tips]
    signed = [signature.sign(tip.told, key) for tip, key in zip(tips, keys, strict=True)]
    known = _read({(tip.program_id, key) for tip, key in zip(tips, keys, strict=True)}, signed, memory, now)
    found = []
    for tip, key, mine in zip(tips, keys, signed, strict=True):
        one = _one(tip, mine, known[key], key, now) if mine else Found(uuid4())
        if mine and one.kept:
            # The next of the batch may be its like.
            known[key].append(_Known(one.incident, tip.tip_id, tip.urgency, tip.urgency.pages, mine))
            _remember(memory, key, one.kept.id, (tip.tip_id, tip.urgency, mine))
        found.append(one)
    return found


def _one(tip: Asked, mine: Signature, known: Sequence[_Known], key: Key, now: datetime) -> Found:
    near = [each for each in known if each.signature.bands & mine.bands]
    shares = signature.shares(mine, [each.signature for each in near])
    best = max(zip(shares, near, strict=True), key=lambda pair: pair[0], default=None)
    if best is None or best[0] < signature.ALIKE:
        return Found(uuid4(), kept=_keep(tip, mine, key, now))
    nearest = best[1]
    event = [each for each in near if each.incident == nearest.incident]
    likeness = signature.same_event(tip.told, mine, [each.signature for each in event], key)
    # What is worse than all of them is news, and wakes people by itself.
    news = not likeness.same or WORST_FIRST.index(tip.urgency) < min(WORST_FIRST.index(one.urgency) for one in event)
    return Found(
        nearest.incident,
        nearest.tip_id,
        likeness,
        joins=not news and not tip.alone and any(one.running for one in event),
        # What tells nothing new is known by what is kept already.
        kept=_keep(tip, mine, key, now) if news else None,
    )


def _read(
    sides: set[tuple[UUID, Key]], signed: Sequence[Signature | None], memory: Memory, now: datetime
) -> dict[Key, list[_Known]]:
    known: dict[Key, list[_Known]] = {key: [] for _, key in sides}
    bands = frozenset[int]().union(*(each.bands for each in signed if each))
    if not bands:
        return known
    alike = [
        (key, *row)
        for row in rows.run(_ALIKE, {"bands": list(bands), "now": now, "limit": MOST})
        for key in [key for program, key in sides if program == row[1]]
    ]
    new = {pk for key, pk, *_ in alike if (key, pk) not in memory}
    sealed = {pk: row for pk, *row in rows.run(_SEALED, {"ids": list(new)})} if new else {}
    for key, pk, program_id, incident, running in alike:
        opened = memory.get((key, pk)) or _opened(key, program_id, pk, *sealed.get(pk, ([], b"")))
        if opened:
            _remember(memory, key, pk, opened)
            known[key].append(_Known(incident, opened[0], opened[1], running, opened[2]))
    return known


def _opened(key: Key, program_id: UUID, pk: UUID, bands: Sequence[int], sealed: bytes) -> Opened | None:
    """Open a signature; None if it is of the other side of the oversight line, or older than the secret."""
    try:
        return _open(sealing.unseal(sealed, key=key.sealing, place=_place(program_id, pk)), bands)
    except (SealBroken, ValueError):
        return None


@lru_cache(maxsize=1)
def _memory(secret: bytes) -> Memory:
    """What was opened under the day's secret: forgotten with it, and read once a process."""
    return {}


def _remember(memory: Memory, key: Key, pk: UUID, opened: Opened) -> None:
    memory[key, pk] = opened
    while len(memory) > REMEMBERED:
        memory.pop(next(iter(memory)), None)


def _keep(tip: Asked, mine: Signature, key: Key, now: datetime) -> Kept:
    pk = uuid4()
    plain = tip.tip_id.bytes + bytes([WORST_FIRST.index(tip.urgency)]) + signature.to_bytes(mine)
    sealed = sealing.seal(plain, key=key.sealing, place=_place(tip.program_id, pk))
    return Kept(pk, sorted(mine.bands), sealed, times.hour(now) + LIVES)


def _open(plain: bytes, bands: Sequence[int]) -> Opened:
    return UUID(bytes=plain[:16]), WORST_FIRST[plain[16]], signature.from_bytes(plain[17:], bands)


def _place(program_id: UUID, pk: UUID) -> sealing.Place:
    return sealing.Place(program_id, pk, FIELD)
