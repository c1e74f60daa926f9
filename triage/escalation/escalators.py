"""The two escalators: what one tick of each does."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from tipline.kernel.clock import database_now
from triage import actions, epochs
from triage.escalation import carriers, deliver, engine, replies, wake
from triage.escalation.handover import HandOver, Publisher
from triage.escalation.loop import POLL
from triage.models import Channel
from triage.rows import one_by_one

log = logging.getLogger("tipline.escalation")

TRIAGE, PAGE = "escalator-triage", "escalator-page"
HOUSEKEEPING = 60.0
WINDOW = 16
"""Tips of each lane looked at in one tick."""
AT_ONCE = 8
"""Tips assessed here before newer ones are looked for."""
HANDS = 6
"""Sendings at once for each channel: a hung mail server must not keep SMS waiting."""


class TriageTick:
    """Find waiting tips, hand them to Celery or assess them here; keep the key of the hour."""

    def __init__(self, publisher: Publisher) -> None:
        self._lanes = {
            True: HandOver(partial(publisher.offer, "triage.tasks.assess_newest"), most=8),
            False: HandOver(partial(publisher.offer, "triage.tasks.assess"), most=8),
        }
        self._tidied = float("-inf")

    def __call__(self) -> float:
        now = database_now()
        if time.monotonic() - self._tidied > HOUSEKEEPING:
            one_by_one(lambda tidy: tidy(now), [epochs.rotate, actions.forget_submissions])
            self._tidied = time.monotonic()
        pauses, seen = [POLL], set[UUID]()
        for newest, lane in self._lanes.items():
            rows = [row for row in actions.waiting(now, newest=newest, limit=WINDOW) if row not in seen]
            rows += actions.still_waiting(now, [row for row in lane.handed if row not in rows])
            other = self._lanes[not newest]
            mine = lane.sort(row for row in rows if row not in other.handed)
            seen.update(rows)
            one_by_one(self.assess, mine[:AT_ONCE])
            pauses.append(0.0 if mine and lane.alone else lane.pause(POLL, more=len(rows) > len(lane.handed)))
        return min(pauses)

    @staticmethod
    def assess(due_id: UUID) -> None:
        """Assess one tip here, and wake the pagers if it pages."""
        try:
            assessed = actions.assess_due(due_id, clock=database_now)
        except actions.LeaseLost:
            return
        if assessed is not None and assessed.pages:
            wake.wake(wake.PAGE)


class PageTick:
    """Handle what phones answered, climb what is due, hand notifications to Celery or send them here."""

    def __init__(self, publisher: Publisher, *, send: carriers.Send = carriers.send) -> None:
        self._lane = HandOver(partial(publisher.offer, "triage.tasks.deliver"))
        self._send = send
        self._hands = {channel: ThreadPoolExecutor(HANDS, f"send-{channel}") for channel in Channel.values}
        self._lock = threading.Lock()
        self._in_hand: set[UUID] = set()

    def __call__(self) -> float:
        now = database_now()
        one_by_one(lambda part: part(now), [replies.handle_waiting, engine.climb_due])
        with self._lock:
            in_hand = set(self._in_hand)
        due = {row: channel for row, channel in deliver.waiting(now, limit=500) if row not in in_hand}
        for row in self._lane.sort(due):
            with self._lock:
                self._in_hand.add(row)
            self._hands[due[row]].submit(self._deliver, row)
        return self._lane.pause(POLL, more=len(due) > len(self._lane.handed))

    def close(self) -> None:
        """Finish what is being sent."""
        for hands in self._hands.values():
            hands.shutdown(wait=True, cancel_futures=True)

    def _deliver(self, row: UUID) -> None:
        try:
            close_old_connections()
            deliver.deliver(row, send=self._send, clock=database_now)
        except (DatabaseError, InterfaceError) as fault:
            log.warning("notification.database_away %s", type(fault).__name__)
            connection.close()
        except Exception as fault:
            log.error("notification.failed %s %s", row, type(fault).__name__)
        finally:
            with self._lock:
                self._in_hand.discard(row)
