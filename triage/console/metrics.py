"""`/metrics`: how the house does, for a Prometheus that shows the token. Rows of numbers, nothing else."""

import hmac
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from tipline.kernel.clock import database_now
from triage.console.requests import ANYONE, open_to
from triage.models import Heartbeat, Measure
from triage.watching import beats
from triage.watching.measures import AGES, BEYOND, BUCKETS, METRICS, Kind

_AGES_OF = dict(zip(list(AGES)[1:], (beats.EPOCH_KEY, beats.BACKUP, beats.CANARY), strict=True))


@open_to(ANYONE)
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Print the numbers to who has the token; everybody else learns nothing."""
    given = request.headers.get("Authorization", "").encode("utf-8", "replace")
    if not hmac.compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"}, content_type="text/plain")
    registry = CollectorRegistry()
    registry.register(_Rows(database_now()))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Rows(Collector):
    """The rows of now."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Family]:
        beaten = dict(Heartbeat.objects.values_list("name", "beat_at"))
        yield from self._ages(beaten)
        rows: dict[str, dict[str, int]] = {name: {} for name in METRICS}
        for name, labels, value in Measure.objects.order_by("name", "labels").values_list("name", "labels", "value"):
            # What is not in the table of names is nobody's business.
            if name in rows:
                rows[name][labels] = value
        for name, values in rows.items():
            if values:
                yield _family(name, values)

    def _ages(self, beaten: dict[str, datetime]) -> Iterator[Family]:
        first = next(iter(AGES))
        lives = GaugeMetricFamily(first, AGES[first], labels=["process"])
        for process in beats.PROCESSES:
            if process in beaten:
                lives.add_metric([process], self._age(beaten[process]))
        yield lives
        for name, what in _AGES_OF.items():
            if what in beaten:
                yield GaugeMetricFamily(name, AGES[name], value=self._age(beaten[what]))

    def _age(self, at: datetime) -> int:
        return max(0, round((self._now - at).total_seconds()))


def _family(name: str, values: dict[str, int]) -> Family:
    metric = METRICS[name]
    if metric.kind == Kind.HISTOGRAM:
        # No sum: of few pages it would tell each one's time.
        return HistogramMetricFamily(name, metric.says, buckets=_cumulated(name, values))
    family: GaugeMetricFamily | CounterMetricFamily
    if metric.kind == Kind.COUNTER:
        family = CounterMetricFamily(name, metric.says, labels=metric.labels)
    else:
        family = GaugeMetricFamily(name, metric.says, labels=metric.labels)
    for labels, value in values.items():
        family.add_metric(labels.split("|") if metric.labels else [], value)
    return family


def _cumulated(name: str, values: dict[str, int]) -> list[tuple[str, float]]:
    found, total = [], 0
    for bound in (*(str(each) for each in BUCKETS[name]), BEYOND):
        total += values.get(bound, 0)
        found.append((bound, float(total)))
    return found
