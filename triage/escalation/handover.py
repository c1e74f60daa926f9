"""Handing work to Celery without depending on it.

A row is handed over once. If nobody has its lease after 300 ms, this process does it. If that
happens while no other row was picked up either, nobody seems to be there: for some seconds
everything is done here at once, and then one row asks whether somebody is back. A dead or hung
Redis costs the loop nothing: another thread waits for it, and never long.

A message costs Celery more than the work in it. So where rows come quickly this process does what
it can in one go, several at once, and Celery gets what is left: its part of what one process cannot
carry, many rows in a message.
"""

import contextlib
import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from triage.models import Notification

log = logging.getLogger("tipline.escalation")

PATIENCE = 0.3
"""Seconds a handed-over row may wait for somebody."""
MEMORY = 5.0
"""Seconds for which nobody is expected after nobody came."""
SIGN_OF_LIFE = 1.0
"""Seconds for which a row picked up elsewhere shows that somebody is there, if busy."""
MOST = 64
"""Rows handed over and not yet picked up: the rest waits here, where it can still be sorted."""
BATCH = 24
"""Rows in one message: what waits together costs Celery's share, a claim and a transaction once."""
BRISK = 8.0
"""Rows a second from which they come quickly."""
BROKER_SECONDS = 0.5
BROKER_REST = 2.0
EXPIRES = 60


@dataclass(slots=True)
class Others:
    """Whether anybody else seems to be working: what several lanes know together."""

    picked_up: float = float("-inf")
    alone_until: float = float("-inf")
    # Nobody came last time: the next row handed over is a question, and the others do not wait for its answer.
    doubted: bool = False


def hand_on(notes: Iterable[Notification], offer: Callable[[str, Sequence[UUID]], bool]) -> bool:
    """Hand fresh notifications to Celery; False if it took not all."""
    rows = [note.pk for note in notes]
    return all(offer("triage.tasks.deliver", rows[start : start + BATCH]) for start in range(0, len(rows), BATCH))


class _Pace:
    """How many rows a second came lately, older ones counting less and less."""

    def __init__(self) -> None:
        self._rows = 0.0
        self._since = float("-inf")

    def note(self, rows: int, now: float) -> float:
        """Take note of new rows; returns the pace with them."""
        if rows or self._rows:
            self._rows = self._rows * math.exp(self._since - now) + rows
            self._since = now
        return self._rows


class HandOver:
    """What was handed over, and whether anybody seems to be there. For one thread."""

    def __init__(
        self,
        publish: Callable[[Sequence[UUID]], bool],
        *,
        others: Others | None = None,
        most: int = MOST,
        batch: int = BATCH,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._publish = publish
        self._others = others or Others()
        self._most = most
        self._batch = batch
        self._pace = _Pace()
        self._monotonic = monotonic
        self._handed: dict[UUID, float] = {}

    @property
    def handed(self) -> Collection[UUID]:
        """The rows that were handed over and, when last looked, not picked up."""
        return self._handed.keys()

    @property
    def alone(self) -> bool:
        """Whether nobody else is expected to work at present."""
        return self._monotonic() < self._others.alone_until

    def sort(self, waiting: Iterable[UUID], here: Collection[UUID] = ()) -> list[UUID]:
        """Hand over what is new; return what this process must do itself, now.

        `waiting` are the rows in nobody's hands, the most pressing first, with all of `handed` that
        still wait; `here` are those of them that this process can do in one go.
        """
        now, rows = self._monotonic(), list(waiting)
        still = set(rows)
        for row in [row for row in self._handed if row not in still]:
            del self._handed[row]
            self._others.picked_up, self._others.doubted = now, False
        overdue = {row for row, since in self._handed.items() if now - since >= PATIENCE}
        if overdue and now - self._others.picked_up > SIGN_OF_LIFE:
            self._others.alone_until, self._others.doubted = now + MEMORY, True
        if self.alone:
            self._handed.clear()
            return rows
        fresh = [row for row in rows if row not in self._handed]
        quick = self._pace.note(len(fresh), now) >= BRISK
        own = set(here).intersection(fresh) if quick else set[UUID]()
        mine = overdue.union(own, self._hand_over([row for row in fresh if row not in own], now))
        for row in overdue:
            del self._handed[row]
        return [row for row in rows if row in mine]

    def pause(self, longest: float, *, more: bool) -> float:
        """Return how many seconds the loop may sleep: until a row handed over becomes ours, or there is room."""
        if more and len(self._handed) >= self._most:
            return 0.02
        if not self._handed:
            return longest
        first = min(self._handed.values()) + PATIENCE - self._monotonic()
        return min(longest, max(first, 0.005))

    def _hand_over(self, fresh: list[UUID], now: float) -> list[UUID]:
        """Hand over rows nobody was given yet, as many as there is room for; return those better done here."""
        doubted = self._others.doubted
        room = max(0, (1 if doubted else self._most) - len(self._handed))
        mine = fresh[room:] if doubted else []
        for start in range(0, min(room, len(fresh)), self._batch):
            rows = fresh[start : min(start + self._batch, room)]
            if self._publish(rows):
                self._handed.update(dict.fromkeys(rows, now))
            else:
                mine += rows
        return mine


class Publisher:
    """Puts ids into Celery's queues from a thread of its own, so that no broker can hold up a loop."""

    def __init__(self, *, size: int = 256) -> None:
        self._waiting: queue.Queue[tuple[str, Sequence[UUID]] | None] = queue.Queue(size)
        self._rests_until = float("-inf")
        self._thread: threading.Thread | None = None
        if settings.BROKER_URL:
            self._thread = threading.Thread(target=self._work, name="publisher", daemon=True)
            self._thread.start()

    def offer(self, task: str, rows: Sequence[UUID]) -> bool:
        """Hand ids to one run of a task; False, at once, if there is no broker that takes them."""
        if self._thread is None or time.monotonic() < self._rests_until:
            return False
        try:
            self._waiting.put_nowait((task, rows))
        except queue.Full:
            return False
        return True

    def close(self) -> None:
        """Stop; what was not published yet is in the database anyway."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        if self._thread is not None:
            self._thread.join(2 * BROKER_SECONDS)

    def _work(self) -> None:
        while True:
            try:
                if self._publish_all():
                    return
            except Exception as fault:  # whatever a broker and its client do, the loop goes on without them
                self._rests_until = time.monotonic() + BROKER_REST
                log.warning("broker.away %s", type(fault).__name__)
                if self._forget():
                    return

    def _publish_all(self) -> bool:
        from tipline.celery import app

        bounds = {
            "socket_timeout": BROKER_SECONDS,
            "socket_connect_timeout": BROKER_SECONDS,
            "retry_on_timeout": False,
            "max_retries": 0,
        }
        with app.connection_for_write(transport_options=bounds) as connection:
            producer = app.amqp.Producer(connection, auto_declare=False)
            while (item := self._waiting.get()) is not None:
                task, rows = item
                app.send_task(task, args=[str(row) for row in rows], producer=producer, retry=False, expires=EXPIRES)
        return True

    def _forget(self) -> bool:
        """Drop what waits: it was old before the broker answered. True if we were told to stop."""
        with contextlib.suppress(queue.Empty):
            while True:
                if self._waiting.get_nowait() is None:
                    return True
        return False
