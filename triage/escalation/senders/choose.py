"""Several providers for one channel: the preferred first, the other when it fails.

A first version: an order that shifts away from a provider with recent faults, kept in this
process's memory. Losing it costs one slow attempt, never a page.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence

from triage.escalation.senders.base import Outcome, Outgoing, Result, Sender

HALF_LIFE = 60.0
"""Seconds after which an old fault counts half."""

# The outcome that says most about whether the message may be out there speaks for all attempts.
_TELLING = (Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.FAILED_FOR_NOW, Outcome.FAILED_FOR_GOOD)


class Providers:
    """A Sender made of senders. With one sender it behaves exactly like it.

    `timeout` bounds all attempts together: a hung first provider gets its even share of what is
    left, so that the second still has time inside the notification's lease.
    """

    def __init__(
        self, name: str, senders: Sequence[Sender], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        if not senders:
            raise ValueError("a channel needs at least one provider")
        self.name = name
        self._senders = tuple(senders)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._faults = {sender.name: (0.0, monotonic()) for sender in senders}

    def order(self) -> list[Sender]:
        """The providers, the one to try first first: as configured, but each recent fault costs a place."""
        places = {sender.name: place for place, sender in enumerate(self._senders)}
        return sorted(self._senders, key=lambda sender: places[sender.name] + 2 * self.faults(sender.name))

    def faults(self, name: str) -> float:
        """How many recent faults a provider stands at, old ones fading."""
        with self._lock:
            count, since = self._faults[name]
        return count * math.exp2(-(self._monotonic() - since) / HALF_LIFE)

    def attempts(self, message: Outgoing, *, timeout: float = 5.0) -> list[Result]:
        """Try provider after provider until one takes the message; every attempt's result in order.

        A bad address ends it at once: asking another provider would only go round a STOP.
        """
        end = self._monotonic() + timeout
        results: list[Result] = []
        senders = self.order()
        for position, sender in enumerate(senders):
            share = (end - self._monotonic()) / (len(senders) - position)
            if results and share < 0.05:
                break
            result = sender.send(message, timeout=max(share, 0.05))
            self._note(sender.name, result)
            results.append(result)
            if result.outcome is Outcome.ACCEPTED or result.address_is_bad:
                break
        return results

    def send(self, message: Outgoing, *, timeout: float = 5.0) -> Result:
        """See Sender: the most telling of all attempts, the latest of equals."""
        results = self.attempts(message, timeout=timeout)
        return min(reversed(results), key=lambda result: _TELLING.index(result.outcome))

    def _note(self, name: str, result: Result) -> None:
        if result.address_is_bad:
            return  # the person's number, not the provider's fault
        count = self.faults(name)
        fresh = count / 4 if result.outcome is Outcome.ACCEPTED else min(count + 1.0, 8.0)
        with self._lock:
            self._faults[name] = (fresh, self._monotonic())
