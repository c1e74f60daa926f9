"""A broker that drops messages to make room: no worker starts on one."""

from celery import Celery
from kombu.exceptions import OperationalError

SAFE = "noeviction"


class BrokerEvicts(Exception):
    """Redis is set to drop what it holds when it is full. Says what to do."""


def refuse(app: Celery) -> None:
    """Raise BrokerEvicts if the broker may drop messages; a broker that is away, or will not say, may be used."""
    try:
        with app.connection_for_read() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
            policy = connection.default_channel.client.config_get("maxmemory-policy").get("maxmemory-policy", SAFE)
    except (OperationalError, OSError):
        return
    except Exception as fault:
        # A hosted Redis may forbid CONFIG: the operator's guide says what it must be set to.
        if type(fault).__module__.startswith("redis."):
            return
        raise
    if policy != SAFE:
        raise BrokerEvicts(f"Redis would drop pages when it is full: set maxmemory-policy to {SAFE}, not {policy}.")
