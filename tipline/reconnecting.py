"""A worker outlives its broker.

When Redis is gone kombu takes a channel's address away, and then still wants to put back what was not
acknowledged; threads acknowledge meanwhile what they have finished. Both look for the address, and the
AttributeError ended the worker (seen with kombu 5.7.0). A lost connection is what everybody expects there.
"""

from typing import Any

from kombu.transport import redis


class Channel(redis.Channel):
    """A channel that says it is closed when nothing leads to the broker any more."""

    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection is None or self.connection.client is None:
            raise ConnectionError("closed")
        return super()._connparams(asynchronous)  # type: ignore[no-untyped-call]


def mend() -> None:
    """Have every connection to Redis use such channels."""
    redis.Transport.Channel = Channel
