"""The two escalators: what one tick of each does."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import connection

from tipline.kernel.clock import database_now
from triage import actions, assess, epochs, mixing, owners, promising
from triage.escalation import carriers, deliver, drills, engine, replies, silence, wake
from triage.escalation.handover import HandOver, Others, Publisher
from triage.escalation.loop import POLL
from triage.escalation.sending import Sending
from triage.learning import sampling
from triage.rows import one_by_one
from triage.watching import reconcile

log = logging.getLogger("tipline.escalation")

HOUSEKEEPING = 60.0
LISTENING = 5.0
"""Seconds between two looks for pages without a receipt."""
ANSWERING = 0.2
"""Seconds between two looks at what phones and carriers said: most of it is word that a page arrived."""
WINDOW = 16
"""Tips of each lane looked at in one tick."""
LANE = 8
"""Tips of each lane with Celery at once, in one message or several: the rest waits where it can still be sorted."""
AT_ONCE = 8
"""Tips assessed here before newer ones are looked for."""
DRAIN = 8.0
"""Seconds of assessing before this ends, well inside the time a supervisor gives it."""


class TriageTick:
    """Find waiting tips, hand them to Celery or assess them here; keep the key of the hour."""

    def __init__(self, publisher: Publisher) -> None:
        assess.warm_up()
        others = Others()
        self._lanes = (
            HandOver(partial(publisher.offer, "triage.tasks.assess_newest"), others=others, most=LANE, batch=LANE),
            HandOver(partial(publisher.offer, "triage.tasks.assess"), others=others, most=LANE, batch=LANE),
        )
        self._ended = owners.Ended("intake_due")
        self._tidied = float("-inf")
        self._sample = sampling.Daily()
        self._mix = mixing.Nightly()

    def __call__(self) -> float:
        if time.monotonic() - self._tidied > HOUSEKEEPING:
            now = database_now()
            tidying: tuple[Callable[[datetime], object], ...] = (
                epochs.rotate,
                actions.forget_submissions,
                actions.forget_signatures,
                actions.forget_sessions,
                reconcile.repair,
                promising.keep,
                self._sample,
                self._mix,
            )
            one_by_one(lambda tidy: tidy(now), tidying)
            self._tidied = time.monotonic()
        one_by_one(lambda look: look(), [self._ended])
        newest, oldest = self._lanes
        found = actions.waiting(limit=WINDOW, asked=[*newest.handed, *oldest.handed])
        pauses, done = [], set[UUID]()
        for lane, first, other in ((newest, found.newest, oldest), (oldest, found.oldest, newest)):
            # What is handed over in one lane does not wait in the other.
            asked = [row for row in found.asked if row in lane.handed]
            rows = [row for row in dict.fromkeys([*first, *asked]) if row not in other.handed and row not in done]
            mine = lane.sort(rows, here=rows[:AT_ONCE])
            one_by_one(self.assess, [mine[:AT_ONCE]])
            done.update(mine[:AT_ONCE])
            more = len(first) == WINDOW
            pauses.append(0.0 if mine and (lane.alone or more) else lane.pause(POLL, more=more))
        return min(pauses)

    def drain(self, seconds: float = DRAIN) -> int:
        """Assess here whatever waits; returns how many were. A machine switched off takes its keys with it."""
        until, drained = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            waiting = actions.waiting(limit=AT_ONCE).oldest
            if not waiting:
                break
            drained += self.assess(waiting)
        return drained

    @staticmethod
    def assess(due_ids: Sequence[UUID]) -> int:
        """Assess tips here, and wake the pagers if one pages; returns how many were stored."""
        assessed = actions.assess_together(due_ids) if due_ids else []
        if any(one.pages for one in assessed):
            wake.wake(wake.PAGE)
        return len(assessed)


class PageTick:
    """Handle what phones answered, climb what is due, hand notifications to Celery or send them here."""

    def __init__(self, publisher: Publisher, *, send: carriers.Send = carriers.send) -> None:
        self._lane = HandOver(partial(publisher.offer, "triage.tasks.deliver"))
        self._sending = Sending(send)
        self._drills = drills.Hands(send)
        self._ended = owners.Ended("triage_notification")
        self._listened = self._answered = float("-inf")

    def __call__(self) -> float:
        now, events, steps, tests = _page_work()
        begun = time.monotonic()
        if tests:
            self._drills.begin()
        answering = events and begun - self._answered >= ANSWERING
        parts = [replies.handle_waiting if answering else None, engine.climb_due if steps else None]
        if answering:
            self._answered = begun
        if begun - self._listened > LISTENING:
            parts.append(silence.move_on)
            self._listened = begun
        one_by_one(lambda part: part(now), filter(None, parts))
        one_by_one(lambda look: look(), [self._ended])
        due = dict(deliver.waiting(limit=500))
        fitting = self._fitting(due)
        if mine := [row for row in self._lane.sort(due, here=fitting) if row in fitting]:
            self._sending.take(mine)
        pause = self._lane.pause(POLL, more=len(due) > len(self._lane.handed))
        return min(pause, ANSWERING) if events else pause

    def _fitting(self, due: Mapping[UUID, str]) -> set[UUID]:
        """Return those for which a hand is free, of each channel the longest due."""
        fitting, room = set[UUID](), self._sending.room()
        for row, channel in due.items():
            if room[channel] > 0:
                room[channel] -= 1
                fitting.add(row)
        return fitting

    def close(self) -> None:
        """Finish what is being sent."""
        self._drills.close()
        self._sending.close()


def _page_work() -> tuple[datetime, bool, bool, bool]:
    """Ask, in one go, what time it is and whether a phone has answered, a step is due, a test page waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT clock_timestamp(), EXISTS (SELECT 1 FROM triage_pagerevent"
            " WHERE lease_until IS NULL OR lease_until < clock_timestamp()),"
            " EXISTS (SELECT 1 FROM triage_escalation WHERE next_at <= clock_timestamp()),"
            " EXISTS (SELECT 1 FROM triage_drill WHERE state = 'waiting')"
        )
        now, events, steps, tests = cursor.fetchone()
    return now, events, steps, tests
