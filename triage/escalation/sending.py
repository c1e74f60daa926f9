"""Sending what is due: each channel has hands of its own, and the outcomes are stored together.

Who claims waits for no carrier: a hung mail server must not keep SMS waiting, nor the next page.
"""

import logging
import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from tipline.kernel import failpoints
from triage import rows
from triage.escalation import deliver
from triage.escalation.carriers import SEND_SECONDS, Send
from triage.models import Channel

log = logging.getLogger("tipline.escalation")

HANDS = 24
"""Pages sent at once on each channel."""
GATHER = 0.02
"""Seconds an outcome waits to be stored together with its neighbours'."""
BEGIN_WITHIN = deliver.LEASE.total_seconds() - SEND_SECONDS
"""Seconds after claiming within which sending begins: what is begun later may outlast the lease."""
KEEP_TRYING = 8.0
"""Seconds for which outcomes are held while PostgreSQL is away. What is not written down is sent again."""


class Sending:
    """Claims, sends and stores; for any number of threads. Close it to finish what it has in hand."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._hands = {channel: ThreadPoolExecutor(HANDS, f"send-{channel}") for channel in Channel.values}
        self._lock = threading.Lock()
        self._busy = dict.fromkeys(Channel.values, 0)
        self._outcomes: queue.SimpleQueue[deliver.Sent | None] = queue.SimpleQueue()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._keeper.start()

    def room(self) -> dict[str, int]:
        """Return how many pages of each channel can be sent at once."""
        with self._lock:
            return {channel: max(0, HANDS - busy) for channel, busy in self._busy.items()}

    def take(self, notification_ids: Sequence[UUID]) -> int:
        """Claim those of these notifications that are due and in nobody's hands, and have them sent; returns how many.

        Raises Django's database errors.
        """
        begun = time.monotonic()
        claimed = deliver.claim(notification_ids)
        if claimed:
            failpoints.reach("page.claimed")
        with self._lock:
            for one in claimed:
                self._busy[one.note.channel] += 1
        for one in claimed:
            self._hands[one.note.channel].submit(self._carry, one, begun + BEGIN_WITHIN)
        return len(claimed)

    def close(self) -> None:
        """Finish what is being sent, and store it."""
        for hands in self._hands.values():
            hands.shutdown(wait=True)
        self._outcomes.put(None)
        self._keeper.join(KEEP_TRYING + 2)

    def _carry(self, claimed: deliver.Claimed, until: float) -> None:
        try:
            # Every hand was busy: the lease is left to lapse, and who finds the row sends it.
            if time.monotonic() < until and (sent := deliver.carry(claimed, self._send)):
                self._outcomes.put(sent)
        finally:
            with self._lock:
                self._busy[claimed.note.channel] -= 1

    def _keep(self) -> None:
        going = True
        while going:
            found = [self._outcomes.get()]
            time.sleep(GATHER if found[0] else 0)
            while not self._outcomes.empty():
                found.append(self._outcomes.get())
            going = None not in found
            if sent := [one for one in found if one is not None]:
                _store(sent)
        connection.close()


def _store(sent: list[deliver.Sent]) -> None:
    until = time.monotonic() + KEEP_TRYING
    while True:
        try:
            deliver.store(sent)
        except (OperationalError, InterfaceError) as fault:
            # PostgreSQL is being restarted.
            log.warning("notification.database_away %s", type(fault).__name__)
            connection.close()
            if time.monotonic() > until:
                return
            time.sleep(0.2)
        except Exception as fault:
            log.error("notification.not_stored %s", type(fault).__name__)
            if len(sent) > 1:
                rows.one_by_one(lambda one: deliver.store([one]), sent)
            return
        else:
            return
