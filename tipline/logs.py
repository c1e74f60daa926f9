"""What a log line may say, for every process: the name of an event, and values whose keys are listed here.

A line is one JSON object. Our own events stand in EVENTS with the keys of their values; a value that does
not look as its key should is withheld. Of what libraries log only the place in their code is told, for
their messages quote requests and rows. No line carries a time: the runner and its files add none either.
"""

import json
import logging
import re
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(r"[A-Z][A-Za-z0-9]{2,50}")
_CODE = re.compile(r"[a-z0-9]+([_-][a-z0-9]+){0,5}")
_COUNT = re.compile(r"\d{1,9}")
LONGEST = 40

_ALARMS = re.compile(
    r"((silent [a-z]+-[a-z]+|overdue (tip|escalation|notification)|page missing|database|clock)(, |$)){1,9}"
)
_STATES = re.compile(r"([a-z]+(_[a-z]+){0,3}(, |$)){1,9}")

_SETTINGS = re.compile(r"(PostgreSQL's [a-z_.]{3,40}(, |$)){1,9}")

KEYS: Mapping[str, re.Pattern[str]] = {
    "row": _ID,
    "key": _ID,
    "page": _ID,
    "notification": _ID,
    "contact": _ID,
    "program": _ID,
    "fault": _NAME,
    "loop": _CODE,
    "outcome": _CODE,
    "provider": _CODE,
    "detail": _CODE,
    "part": _CODE,
    "count": _COUNT,
    "alarms": _ALARMS,
    "states": _STATES,
    "settings": _SETTINGS,
}

EVENTS: Mapping[str, tuple[str, ...]] = {
    "assess.cannot_open": ("row",),
    "assess.failed": ("row", "fault"),
    "assess.leases_lost": ("row",),
    "assess.no_classifier": ("fault",),
    "assess.too_slow": ("row",),
    "broker.away": ("fault",),
    "canary.dead_man_away": (),
    "canary.lost": (),
    "canary.not_set_up": (),
    "contact.stopped": (),
    "contact.unreadable": ("contact",),
    "custodian.database_away": ("fault",),
    "custodian.database_away_at_end": (),
    "custodian.finished": ("row",),
    "custodian.not_pinned": ("key",),
    "custodian.old_key_gone": ("key",),
    "custodian.taken": ("key",),
    "drill.database_away": ("fault",),
    "duty.unreadable": ("program",),
    "epoch.destroyed": ("key",),
    "escalation.nobody_can_be_reached": ("page",),
    "escalation.snapshot_unreadable": ("page",),
    "incidents.failed": ("fault",),
    "loop.database_away": ("loop", "fault"),
    "notification.%s": ("outcome", "notification", "provider", "detail"),
    "notification.database_away": ("fault",),
    "notification.failed": ("notification", "fault"),
    "notification.late": ("notification",),
    "notification.no_receipt": ("notification",),
    "notification.not_stored": ("fault",),
    "pager_event.failed": ("row", "fault"),
    "pager_event.unreadable": ("row",),
    "queues.failed": ("fault",),
    "reassess.too_slow": ("row",),
    "reconcile.%s": ("part", "count"),
    "row.failed": ("fault",),
    "unlogged.database": ("settings",),
    "watch.alarm": ("alarms",),
    "watch.database_away": ("fault",),
    "watch.nobody_to_tell": (),
    "watch.priority_not_told": (),
    "watch.reading_not_told": (),
    "watch.staffing": ("states",),
    "watch.unread": (),
}

# Start-up says in plain words what is missing; no request has been seen by then.
READABLE = ("ImproperlyConfigured", "BrokerEvicts", "CommandError")


class AllowListed(logging.Formatter):
    """Writes a record as one line of JSON with nothing in it that is not listed above."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {"level": record.levelname.lower()}
        event = str(record.msg).split(" ", 1)[0]
        if record.name.split(".", 1)[0] == "tipline" and event in EVENTS:
            said["event"] = event.removesuffix(".%s")
            said |= _values(EVENTS[event], record.args)
        else:
            said |= {"logger": _if(re.compile(r"[A-Za-z0-9_.]{1,60}"), record.name), "where": _place(record)}
        if record.exc_info and record.exc_info[0] is not None:
            said["fault"] = record.exc_info[0].__name__
        return json.dumps(said)


def _values(keys: tuple[str, ...], args: Any) -> dict[str, object]:
    given = args if isinstance(args, tuple) else ()
    return {key: _if(KEYS[key], str(value)) for key, value in zip(keys, given, strict=False)}


def _if(pattern: re.Pattern[str], value: str) -> str:
    limit = LONGEST if pattern not in (_ALARMS, _STATES, _SETTINGS) else 8 * LONGEST
    return value if len(value) <= limit and pattern.fullmatch(value) else "withheld"


def _place(record: logging.LogRecord) -> str:
    return f"{Path(record.pathname).name}:{record.lineno}"


def hush() -> None:
    """Let a fault that nobody caught name its kind and place only: its message and frames may quote a tip."""
    sys.excepthook = _uncaught
    threading.excepthook = lambda fault: _uncaught(fault.exc_type, fault.exc_value, fault.exc_traceback)


def _uncaught(kind: type[BaseException], value: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    said = {"level": "critical", "event": "uncaught", "fault": kind.__name__}
    if trace is not None:
        said["where"] = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
    if kind.__name__ in READABLE:
        said["says"] = str(value)
    sys.stderr.write(json.dumps(said) + "\n")
