"""What `watch` counts for the metrics: it looks at open work every few seconds and at the tries once an hour.

What it remembers between two looks is in memory: a page that ends while `watch` is away is not counted.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection

from intake.models import CANARY, EpochKey
from tipline.kernel import times
from triage import epochs
from triage.models import Case, CaseStatus, EscalationState, Measure, Urgency
from triage.watching import beats, measures
from triage.watching.measures import ACCEPT, OPEN, OVERDUE, PAGES, TAKE, TRIES, UNOPENED, WAITING

EVERY = 3.0
LATE = timedelta(seconds=30)
LONG = timedelta(minutes=30)
COUNTED_UNTIL = "counted_until"
"""Not shown: up to which hour (since 1970) the tries were counted."""

_OPEN = """
SELECT page.id, page.state, page.opened_at,
       (SELECT min(accepted_at) FROM triage_notification
        WHERE escalation_id = page.id AND kind = 'page' AND accepted_at IS NOT NULL)
FROM triage_escalation page WHERE page.state <> 'ended' AND page.program_id <> %(canary)s
"""

_OVERDUE = """
SELECT 'pages', urgency, min(next_at) FROM triage_escalation WHERE next_at < %(late)s GROUP BY urgency
UNION ALL
SELECT channel, '', min(due_at) FROM triage_notification
WHERE due_at < %(late)s AND (lease_until IS NULL OR lease_until < %(now)s) GROUP BY channel
"""

_TRIES = """
SELECT note.channel || '|' || try.result, count(*)
FROM triage_attempt try JOIN triage_notification note ON note.id = try.notification_id
WHERE try.hour >= %(since)s AND try.hour < %(until)s AND try.program_id <> %(canary)s GROUP BY 1
"""

QUEUES = {
    "tips|": 0,
    **{f"pages|{level}": 0 for level in (Urgency.IMMINENT, Urgency.URGENT)},
    **{f"{channel}|": 0 for channel in ("voice", "sms", "email")},
}


@dataclass(slots=True)
class _Seen:
    opened_at: datetime
    accepted: bool
    taken: bool


class Counting:
    """Looks every three seconds; `oldest_tip` says for how many seconds the oldest tip waits to be assessed."""

    def __init__(self, *, oldest_tip: Callable[[], float], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._oldest_tip = oldest_tip
        self._monotonic = monotonic
        self._looked = float("-inf")
        self._pulse = beats.Pulse(beats.WATCH, monotonic=monotonic)
        self._seen: dict[UUID, _Seen] | None = None
        self._overdue: dict[str, int] = {}
        self._most: Counter[str] = Counter()
        self._hour: datetime | None = None
        self._quarter: datetime | None = None

    def look(self, now: datetime) -> None:
        """Count what is open now; show what may be shown."""
        moment = self._monotonic()
        if moment - self._looked < EVERY:
            return
        self._looked = moment
        self._pulse()
        found = self._pages(now)
        self._lateness(now)
        self._peaks(len(found))
        if self._quarter != times.quarter_hour(now):
            self._quarter = times.quarter_hour(now)
            self._show_unopened(now, found)
            self._note_epoch_key()
        if self._hour != times.hour(now):
            # After a restart the hour before was seen in part, or not at all: nothing is shown of it.
            self._show_hour(now, whole=self._hour is not None)
            self._hour = times.hour(now)

    def _pages(self, now: datetime) -> dict[UUID, _Seen]:
        with connection.cursor() as cursor:
            cursor.execute(_OPEN, {"canary": CANARY})
            rows = cursor.fetchall()
        before, found = self._seen, {}
        passed: dict[str, Counter[str]] = {ACCEPT: Counter(), TAKE: Counter(), OPEN: Counter()}

        def note(name: str, since: timedelta) -> None:
            passed[name][measures.bucket(name, since.total_seconds())] += 1

        for page, state, opened_at, accepted_at in rows:
            taken = state == EscalationState.TAKEN
            # What was under way when this process started was counted by the one before it.
            seen = (before or {}).get(page) or _Seen(
                opened_at, accepted=before is None and accepted_at is not None, taken=before is None and taken
            )
            if accepted_at is not None and not seen.accepted:
                seen.accepted = True
                note(ACCEPT, accepted_at - opened_at)
            if taken and not seen.taken:
                seen.taken = True
                note(TAKE, now - opened_at)
            found[page] = seen
        for page, seen in (before or {}).items():
            if page not in found:
                note(OPEN, now - seen.opened_at)
        for name, counts in passed.items():
            # Together: in a storm one at a time would cost a disk write for every page.
            measures.hold_many(name, counts)
        self._seen = found
        return found

    def _lateness(self, now: datetime) -> None:
        found = dict(QUEUES)
        with connection.cursor() as cursor:
            cursor.execute(_OVERDUE, {"late": now - LATE, "now": now})
            for queue, level, oldest in cursor.fetchall():
                found[f"{queue}|{level}"] = measures.step((now - oldest).total_seconds())
        found["tips|"] = measures.step(self._oldest_tip())
        if found != self._overdue:
            measures.show(OVERDUE, found)
            self._overdue = found

    def _peaks(self, pages: int) -> None:
        waiting = Case.objects.filter(status=CaseStatus.NEW).exclude(program_id=CANARY)
        counts = Counter(waiting.values_list("urgency", flat=True))
        for name, count in ({"": pages} | {level.value: counts[level] for level in Urgency}).items():
            self._most[name] = max(self._most[name], count)

    def _show_unopened(self, now: datetime, found: dict[UUID, _Seen]) -> None:
        oldest = max((now - seen.opened_at for seen in found.values()), default=timedelta())
        measures.show(UNOPENED, {"": measures.step(oldest.total_seconds()) if oldest >= LONG else 0})

    def _note_epoch_key(self) -> None:
        newest = EpochKey.objects.order_by("-usable_until").values_list("usable_until", flat=True).first()
        if newest is not None:
            beats.beat(beats.EPOCH_KEY, newest - epochs.EVERY - epochs.OVERLAP)

    def _show_hour(self, now: datetime, *, whole: bool) -> None:
        if whole:
            most = {name: measures.by(measures.FEW, count) for name, count in self._most.items()}
            measures.show(PAGES, {"": most.pop("", 0)})
            measures.show(WAITING, most)
        self._most.clear()
        self._tries(now)
        for name in (ACCEPT, TAKE, OPEN):
            measures.release(name, few=measures.FEW)
        measures.release(TRIES, few=measures.FEW_TRIES)

    def _tries(self, now: datetime) -> None:
        until = int(times.hour(now).timestamp()) // 3600
        mark, _ = Measure.objects.get_or_create(name=COUNTED_UNTIL, defaults={"value": until})
        if mark.value >= until:
            return
        hours = {
            name: datetime.fromtimestamp(hour * 3600, UTC) for name, hour in (("since", mark.value), ("until", until))
        }
        with connection.cursor() as cursor:
            cursor.execute(_TRIES, {"canary": CANARY, **hours})
            measures.hold_many(TRIES, dict(cursor.fetchall()))
        Measure.objects.filter(pk=mark.pk).update(value=until)
