"""The two escalators: what one tick of each does."""

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection

from tipline.kernel.clock import database_now
from triage import actions, assess, epochs
from triage.escalation import carriers, deliver, engine, replies, silence, wake
from triage.escalation.handover import BATCH, HandOver, Others, Publisher
from triage.escalation.loop import POLL
from triage.models import Channel
from triage.rows import one_by_one

log = logging.getLogger("tipline.escalation")

HOUSEKEEPING = 60.0
LISTENING = 5.0
"""Seconds between two looks for pages without a receipt."""
WINDOW = 16
"""Tips of each lane looked at in one tick."""
LANE = 8
"""Tips of each lane with Celery at once, in one message or several: the rest waits where it can still be sorted."""
AT_ONCE = 8
"""Tips assessed here before newer ones are looked for."""
DRAIN = 8.0
"""Seconds of assessing before this ends, well inside the time a supervisor gives it."""
HANDS = 6
"""Batches sent at once for each channel: a hung mail server must not keep SMS waiting."""


class TriageTick:
    """Find waiting tips, hand them to Celery or assess them here; keep the key of the hour."""

    def __init__(self, publisher: Publisher) -> None:
        assess.warm_up()
        others = Others()
        self._lanes = (
            HandOver(partial(publisher.offer, "triage.tasks.assess_newest"), others=others, most=LANE, batch=LANE),
            HandOver(partial(publisher.offer, "triage.tasks.assess"), others=others, most=LANE, batch=LANE),
        )
        self._tidied = float("-inf")

    def __call__(self) -> float:
        if time.monotonic() - self._tidied > HOUSEKEEPING:
            now = database_now()
            tidying = (
                epochs.rotate,
                actions.forget_submissions,
                actions.forget_signatures,
                actions.forget_sessions,
            )
            one_by_one(lambda tidy: tidy(now), tidying)
            self._tidied = time.monotonic()
        newest, oldest = self._lanes
        found = actions.waiting(limit=WINDOW, asked=[*newest.handed, *oldest.handed])
        pauses, done = [], set[UUID]()
        for lane, first, other in ((newest, found.newest, oldest), (oldest, found.oldest, newest)):
            # What is handed over in one lane does not wait in the other.
            rows = dict.fromkeys([*first, *(row for row in found.asked if row in lane.handed)])
            mine = lane.sort(row for row in rows if row not in other.handed and row not in done)
            one_by_one(self.assess, [mine[:AT_ONCE]])
            done.update(mine[:AT_ONCE])
            pauses.append(0.0 if mine and lane.alone else lane.pause(POLL, more=len(first) == WINDOW))
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
        # A message holds pages of one channel: a hung mail server must not keep SMS waiting.
        offer, others = partial(publisher.offer, "triage.tasks.deliver"), Others()
        self._lanes = {channel: HandOver(offer, others=others) for channel in Channel.values}
        self._send = send
        self._hands = {channel: ThreadPoolExecutor(HANDS, f"batch-{channel}") for channel in Channel.values}
        self._senders = ThreadPoolExecutor(HANDS * BATCH * len(self._hands), "send")
        self._lock = threading.Lock()
        self._in_hand: set[UUID] = set()
        self._listened = float("-inf")

    def __call__(self) -> float:
        now, events, steps = _page_work()
        parts = [replies.handle_waiting if events else None, engine.climb_due if steps else None]
        if time.monotonic() - self._listened > LISTENING:
            parts.append(silence.move_on)
            self._listened = time.monotonic()
        one_by_one(lambda part: part(now), filter(None, parts))
        with self._lock:
            in_hand = set(self._in_hand)
        due: dict[str, list[UUID]] = {channel: [] for channel in self._lanes}
        for row, channel in deliver.waiting(limit=500):
            if row not in in_hand:
                due[channel].append(row)
        pauses = []
        for channel, lane in self._lanes.items():
            mine = lane.sort(due[channel])
            for start in range(0, len(mine), BATCH):
                batch = mine[start : start + BATCH]
                with self._lock:
                    self._in_hand.update(batch)
                self._hands[channel].submit(self._deliver, batch)
            pauses.append(lane.pause(POLL, more=len(due[channel]) > len(lane.handed)))
        return min(pauses)

    def close(self) -> None:
        """Finish what is being sent."""
        for hands in self._hands.values():
            hands.shutdown(wait=True, cancel_futures=True)
        self._senders.shutdown()

    def _deliver(self, batch: Sequence[UUID]) -> None:
        try:
            deliver.carry(self._claim(batch), send=self._send, hands=self._senders)
        except (DatabaseError, InterfaceError) as fault:
            log.warning("notification.database_away %s", type(fault).__name__)
            connection.close()
        except Exception as fault:
            log.error("notification.failed %s", type(fault).__name__)

    def _claim(self, batch: Sequence[UUID]) -> list[deliver.Claimed]:
        try:
            return deliver.claim(batch)
        finally:
            # From here on the leases say who has them.
            with self._lock:
                self._in_hand.difference_update(batch)


def _page_work() -> tuple[datetime, bool, bool]:
    """Ask, in one go, what time it is and whether a phone has answered or a step is due."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT clock_timestamp(), EXISTS (SELECT 1 FROM triage_pagerevent"
            " WHERE lease_until IS NULL OR lease_until < clock_timestamp()),"
            " EXISTS (SELECT 1 FROM triage_escalation WHERE next_at <= clock_timestamp())"
        )
        now, events, steps = cursor.fetchone()
    return now, events, steps
