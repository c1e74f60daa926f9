"""How much waits in Redis, for the metrics. The rows are the truth; a long queue says that workers are missing."""

import logging
import threading

from celery import Celery, current_app
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from kombu.exceptions import OperationalError

from triage.watching import gateways, measures

log = logging.getLogger("tipline.watch")

EVERY = 30.0
GRAIN = 50
"""Hints are told of by fifties: a single one would say that a tip has just come."""
NAMES = ("triage_new", "triage", "page")


def lengths(app: Celery) -> dict[str, int] | None:
    """Return how many hints wait in each queue; None if Redis does not answer within some seconds."""
    try:
        with app.connection_for_read() as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
            redis = broker.default_channel.client
            return {name: int(redis.llen(name)) for name in NAMES}
    except (OperationalError, OSError):
        return None
    except Exception as fault:
        if type(fault).__module__.startswith("redis."):
            return None
        raise


def measure(app: Celery) -> None:
    """Look once and show it."""
    found = lengths(app)
    measures.show(measures.BROKER_UP, {"": int(found is not None)})
    if found is not None:
        measures.show(measures.BROKER_WAITING, {name: measures.by(GRAIN, count) for name, count in found.items()})


def keep_measuring(stop: threading.Event) -> None:
    """Look twice a minute until told to stop, on a thread of its own: a Redis that hangs keeps nobody else waiting."""
    if not settings.BROKER_URL:
        return
    threading.Thread(target=_measure_until, args=(stop,), name="queues", daemon=True).start()


def _measure_until(stop: threading.Event) -> None:
    while not stop.wait(EVERY):
        try:
            measure(current_app)
            gateways.show("escalator-page")
        except (DatabaseError, InterfaceError):
            connection.close()
        except Exception as fault:
            log.error("queues.failed %s", type(fault).__name__)
