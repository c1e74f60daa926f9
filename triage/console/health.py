"""Is it running? Each part of the house in plain words, and what to do where it is not well."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from tipline.kernel import times
from tipline.kernel.clock import database_now
from triage.console import programs
from triage.console.requests import ConsoleRequest
from triage.models import Alarm, AlarmKind, Attempt, Heartbeat, Measure, NotificationState
from triage.watching import beats, measures, staffing

SILENT = timedelta(seconds=60)
Words = str | Promise

DOES: dict[str, Words] = {
    "escalator-triage": gettext_lazy("Finds new tips and sees that they are read"),
    "escalator-page": gettext_lazy("Finds pages that are due and sees that they are sent"),
    "triage-worker": gettext_lazy("Reads tips and says how urgent they are"),
    "page-worker": gettext_lazy("Sends pages"),
    beats.WATCH: gettext_lazy("Watches the others and calls you when one stands still"),
    beats.CUSTODIAN: gettext_lazy("Does long work, such as changing keys"),
}
NEEDED = {"escalator-triage", "escalator-page", beats.WATCH}
"""Without the others the same work is done, only slower."""
QUEUES: dict[str, Words] = {
    "tips": gettext_lazy("A tip waits to be read by the program"),
    "pages": gettext_lazy("The next step of a page is late"),
    "voice": gettext_lazy("A call is late"),
    "sms": gettext_lazy("An SMS is late"),
    "email": gettext_lazy("An e-mail is late"),
}
START_AGAIN = gettext_lazy("Ask the operator to start it again.")


@dataclass(frozen=True, slots=True)
class Light:
    """One part: what it is, how it stands, and what to do when it is not well."""

    name: Words
    says: Words
    well: bool = True
    grave: bool = True
    do: Words = ""


@dataclass(frozen=True, slots=True)
class Gateway:
    """One provider: what came of this hour's tries and those of the hour before, and its recent faults."""

    name: str
    went: int
    failed: int
    faults: int


@require_safe
def show(request: ConsoleRequest) -> HttpResponse:
    """Show every part; nothing here is about any one tip."""
    now = database_now()
    rows = dict(Measure.objects.filter(name=measures.OVERDUE).values_list("labels", "value"))
    parts = [*_processes(now), *_late(rows), *_paths(now), *_people(request)]
    return render(
        request,
        "console/health.html",
        {
            "here": "health",
            "parts": parts,
            "bad": [part for part in parts if not part.well],
            "grave": any(part.grave for part in parts if not part.well),
            "gateways": _gateways(now, request),
        },
    )


def ago(passed: timedelta) -> str:
    """Say how long ago something was, e.g. "4 seconds ago"."""
    seconds = max(0, round(passed.total_seconds()))
    if seconds < 120:
        return ngettext("%(n)d second ago", "%(n)d seconds ago", seconds) % {"n": seconds}
    if seconds < 7200:
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", seconds // 60) % {"n": seconds // 60}
    return ngettext("%(n)d hour ago", "%(n)d hours ago", seconds // 3600) % {"n": seconds // 3600}


def _processes(now: datetime) -> Iterator[Light]:
    beaten = dict(Heartbeat.objects.values_list("name", "beat_at"))
    for name in beats.PROCESSES:
        at = beaten.get(name)
        well = at is not None and now - at <= SILENT
        said = _("never since it was set up") if at is None else ago(now - at)
        yield Light(
            name,
            f"{DOES[name]}. {_('Last sign of life')}: {said}.",
            well=well,
            grave=name in NEEDED,
            do="" if well else START_AGAIN,
        )


def _late(rows: dict[str, int]) -> Iterator[Light]:
    late = {labels.split("|")[0]: value for labels, value in sorted(rows.items(), key=lambda row: row[1]) if value}
    if not late:
        yield Light(_("Waiting work"), _("Nothing is late."))
    for queue, seconds in late.items():
        yield Light(
            _("Waiting work"),
            f"{QUEUES[queue]}: {ngettext('%(n)d second', '%(n)d seconds', seconds) % {'n': seconds}}.",
            well=False,
            do=_("Open the board and take what nobody has. If it stays, call the people on call by telephone."),
        )


def _paths(now: datetime) -> Iterator[Light]:
    beaten = dict(Heartbeat.objects.values_list("name", "beat_at"))
    up = Measure.objects.filter(name=measures.BROKER_UP).values_list("value", flat=True).first()
    if up is not None:
        yield Light(
            "Redis",
            _("It answers.") if up else _("It does not answer. Tips and pages go on without it."),
            well=bool(up),
            grave=False,
            do="" if up else START_AGAIN,
        )
    yield _canary(now, beaten.get(beats.CANARY))
    key = beaten.get(beats.EPOCH_KEY)
    if key is not None:
        old = now - key > timedelta(hours=2)
        yield Light(
            _("Key of the hour"),
            _("Made %(ago)s.") % {"ago": ago(now - key)},
            well=not old,
            do=_("New tips go to people unread. Ask the operator to start escalator-triage again.") if old else "",
        )
    backup = beaten.get(beats.BACKUP)
    if backup is not None:
        old = now - backup > timedelta(hours=26)
        yield Light(
            _("Backup"),
            _("Made %(ago)s.") % {"ago": ago(now - backup)},
            well=not old,
            grave=False,
            do=_("Ask the operator to make one by hand.") if old else "",
        )


def _canary(now: datetime, arrived: datetime | None) -> Light:
    failed = Measure.objects.filter(name=measures.CANARY_FAILED, value=1).exists()
    if arrived is None and not failed:
        return Light(
            _("Test tip"),
            _("None is sent: no mailbox is set for it."),
            well=False,
            grave=False,
            do=_("Ask the operator to set TIPLINE_CANARY_MAIL, so that the whole way is tried every five minutes."),
        )
    if failed or arrived is None:
        return Light(
            _("Test tip"),
            _("The last one did not arrive in time. A real tip may not reach you either."),
            well=False,
            do=_("Look at the board yourself every few minutes, and call the operator now."),
        )
    return Light(
        _("Test tip"),
        _("The last one arrived %(ago)s, by the way that a real tip takes.") % {"ago": ago(now - arrived)},
    )


def _people(request: ConsoleRequest) -> Iterator[Light]:
    kinds = Alarm.objects.filter(program=programs.program(request), kind__in=staffing.SENTENCES).values_list(
        "kind", flat=True
    )
    for kind, count in sorted(Counter(kinds).items()):
        yield Light(
            _("Who is on call"),
            str(staffing.SENTENCES[AlarmKind(kind)]) % {"count": count},
            well=False,
            do=_("Look at the shifts and at the numbers of the people on them."),
        )


def _gateways(now: datetime, request: ConsoleRequest) -> list[Gateway]:
    """The providers, which are the house's, and what came of this program's tries."""
    faults: dict[str, int] = {}
    for labels, value in Measure.objects.filter(name=measures.GATEWAY).values_list("labels", "value"):
        provider = labels.rsplit("|", 1)[-1]
        faults[provider] = max(value, faults.get(provider, 0))
    since = times.hour(now) - timedelta(hours=1)
    tries = Attempt.objects.filter(hour__gte=since, program=programs.program(request))
    went, failed = Counter[str](), Counter[str]()
    for provider, result in tries.values_list("provider", "result"):
        (went if result == NotificationState.ACCEPTED else failed)[provider] += 1
    names = sorted({*faults, *went, *failed} - {""})
    return [Gateway(name, went[name], failed[name], faults.get(name, 0)) for name in names]
