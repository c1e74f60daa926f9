"""The numbers that say how the house does: their names, and the rows that hold them.

`watch` counts and writes them; `/metrics` on the console door prints the rows and looks at nothing else.
Whoever collects them keeps every value for months, so none may place a tip in a narrower time than the
records of people do (the hour): what counts tips or pages is shown once an hour, as the most at one
time in the hour before, and only from five on. Docs: docs/threat-model.md, "What the metrics tell".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import F, Sum

from triage.models import Measure

FEW = 5
"""Fewer pages or tips than this are never told of."""
FEW_TRIES = 20
"""A page makes several tries."""

STEPS = (0, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
BUCKETS: Mapping[str, tuple[int, ...]] = {
    "tipline_page_accept_seconds": (1, 2, 5, 10, 30, 60, 300),
    "tipline_page_take_seconds": (30, 60, 120, 300, 600, 1800, 3600),
    "tipline_page_open_seconds": (60, 120, 300, 600, 1800, 3600, 7200),
}
BEYOND = "+Inf"


class Kind(StrEnum):
    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One number: what it says, and which labels it may carry. No label holds an id, a word or an address."""

    kind: Kind
    says: str
    labels: tuple[str, ...] = ()


ACCEPT, TAKE, OPEN = BUCKETS
TRIES = "tipline_attempts_total"
OVERDUE = "tipline_overdue_seconds"
UNOPENED = "tipline_page_unopened_seconds"
PAGES, WAITING = "tipline_pages_open_most", "tipline_tips_waiting_most"
BROKER_UP, BROKER_WAITING = "tipline_broker_up", "tipline_broker_waiting"
GATEWAY = "tipline_gateway_faults"
CANARY_SECONDS, CANARY_FAILED = "tipline_canary_seconds", "tipline_canary_failed"

METRICS: Mapping[str, Metric] = {
    ACCEPT: Metric(Kind.HISTOGRAM, "From the assessment of an urgent tip to the first message a carrier took."),
    TAKE: Metric(Kind.HISTOGRAM, "From the assessment of an urgent tip until somebody had taken its page."),
    OPEN: Metric(Kind.HISTOGRAM, "From the assessment of an urgent tip until a person had opened it."),
    TRIES: Metric(Kind.COUNTER, "Tries to reach a person, by channel and what came of them.", ("channel", "result")),
    OVERDUE: Metric(
        Kind.GAUGE, "How late the oldest row of a queue is, in steps; 0 below 30 seconds.", ("queue", "level")
    ),
    UNOPENED: Metric(
        Kind.GAUGE,
        "How long the oldest page has been open that nobody has opened, in steps, as of the last quarter hour;"
        " 0 below half an hour.",
    ),
    PAGES: Metric(Kind.GAUGE, "The most pages open at one time in the hour before; 0 below 5, then by fives."),
    WAITING: Metric(
        Kind.GAUGE, "The most tips nobody had at one time in the hour before; 0 below 5, then by fives.", ("level",)
    ),
    BROKER_UP: Metric(Kind.GAUGE, "Whether Redis answered: 1, or 0."),
    BROKER_WAITING: Metric(Kind.GAUGE, "Hints that wait in Redis, by fifties.", ("queue",)),
    GATEWAY: Metric(
        Kind.GAUGE, "Recent faults of a provider as a process that sends counts them.", ("process", "provider")
    ),
    CANARY_SECONDS: Metric(Kind.GAUGE, "From the commit of the last canary tip until a mail server took its page."),
    CANARY_FAILED: Metric(Kind.GAUGE, "Whether the last canary did not arrive: 1, or 0."),
}

AGES: Mapping[str, str] = {
    "tipline_heartbeat_age_seconds": "Since a process last said that it lives.",
    "tipline_epoch_key_age_seconds": "Since the newest key of the hour was made.",
    "tipline_backup_age_seconds": "Since the last backup ended well.",
    "tipline_canary_age_seconds": "Since a canary tip last arrived.",
}


def names() -> set[str]:
    """Every name that `/metrics` may print, as a collector sees it."""
    found = set(AGES)
    for name, metric in METRICS.items():
        found.add(f"{name}_bucket" if metric.kind == Kind.HISTOGRAM else name)
    return found


def step(seconds: float) -> int:
    """Return the highest step a time has reached."""
    return max(each for each in STEPS if each <= max(0.0, seconds))


def by(grain: int, count: int) -> int:
    """Round a count down: below one grain nothing is told."""
    return count - count % grain


def bucket(name: str, seconds: float) -> str:
    """Return the bound of the bucket a time falls in."""
    return next((str(bound) for bound in BUCKETS[name] if seconds <= bound), BEYOND)


def show(name: str, values: Mapping[str, int]) -> None:
    """Show these values, {labels: value}, from now on."""
    Measure.objects.bulk_create(
        [Measure(name=name, labels=labels, value=value) for labels, value in values.items()],
        update_conflicts=True,
        unique_fields=["name", "labels"],
        update_fields=["value"],
    )


def hold_many(name: str, counts: Mapping[str, int]) -> None:
    """Count so many more of each of these labels, without showing them yet."""
    for labels, count in counts.items():
        Measure.objects.get_or_create(name=name, labels=labels)
        Measure.objects.filter(name=name, labels=labels).update(held=F("held") + count)


def release(name: str, *, few: int) -> bool:
    """Show what was held of a number, if it is enough to place nobody."""
    rows = Measure.objects.filter(name=name)
    held = rows.aggregate(held=Sum("held"))["held"] or 0
    if held < few:
        return False
    rows.update(value=F("value") + F("held"), held=0)
    return True
