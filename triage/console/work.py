"""Long work on what is sealed: how far it is, and what it waits for.

Shares of a whole are shown and never counts: how many tips are for other people is not for everybody to know.
"""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from intake.models import ProgramKey, Purpose
from intake.sealed import CONTENT_PURPOSES
from triage.audit.chain import Event, record
from triage.console.requests import UNLOCKED, ConsoleRequest, open_to
from triage.custody import handing, work
from triage.learning import reassess
from triage.models import READERS, Custodian, HandOver, Job, JobKind, Role, User
from triage.vault.keys import Unlocked

FINISHED = _("Finished.")
BROKEN = _("Finished, but some seals did not open and were left as they are. Tell whoever runs the server.")
LEFT = _("Finished, but some tips could not be read and stand as they did. Tell whoever runs the server.")
WORKING = _("Being done now. You can lock and leave; it goes on by itself.")
WAITING = _("Waits until somebody who holds this key unlocks.")
NOBODY = _("Waits for the custodian, a program on the server that is not running. Tell whoever runs the server.")


@dataclass(frozen=True, slots=True)
class Line:
    """One piece of work as the page shows it."""

    job: Job
    what: str
    percent: int
    state: str | Promise
    raised: int = 0


@open_to(UNLOCKED)
@require_safe
def show(request: ConsoleRequest) -> HttpResponse:
    """Show the whole page; asked by htmx, the part of it that moves."""
    now = timezone.now()
    if request.vault is not None:
        handing.feed(request.vault, now=now)
    lines = lines_for(request.user, handing.present(now))
    context = {
        "lines": lines,
        "moving": any(not line.job.finished for line in lines),
        "reseal": bool(_outdated(request.vault)),
        "sortable": bool(_sortable(request.vault)),
        "older": reassess.sorted_by_others(request.user),
    }
    return render(request, "console/_work.html" if request.htmx else "console/work.html", context)


@open_to(UNLOCKED)
@require_POST
def reseal(request: ConsoleRequest) -> HttpResponse:
    """Begin to seal again whatever this person's keys hold that was sealed in an earlier way."""
    for key in _outdated(request.vault):
        handing.start(JobKind.RESEAL, key)
    return redirect("console:work")


@open_to(UNLOCKED)
@require_POST
def sort(request: ConsoleRequest) -> HttpResponse:
    """Begin to sort anew whatever open tips this person's keys open."""
    found = _sortable(request.vault)
    for key in found:
        handing.start(JobKind.REASSESS, key)
    for program in {key.program_id for key in found}:
        record(program, Event.SORTING_ASKED, actor=request.user, now=timezone.now())
    return redirect("console:work")


def lines_for(user: User, present: list[Custodian]) -> list[Line]:
    """Return the work on keys that this person's role holds."""
    handed = set(HandOver.objects.filter(custodian__in=present).values_list("program_key_id", flat=True))
    return [_line(job, bool(present), job.program_key_id in handed) for job in visible(user)]


def moving(user: User) -> bool:
    """Whether there is work a person may know of that is not finished."""
    return handing.needed().exists() and any(not job.finished for job in visible(user))


def visible(user: User) -> list[Job]:
    """The work a person may know of: on the keys that go with their role."""
    roles = dict(user.memberships.values_list("program_id", "role"))
    found = Job.objects.filter(program__in=roles).select_related("program_key").order_by("finished", "pk")
    return [job for job in found if _goes_with(roles[job.program_id], job.program_key.purpose)]


def _goes_with(role: str, purpose: str) -> bool:
    if role not in {*READERS, Role.OVERSIGHT}:
        return False
    hidden = Purpose.CONTENT if role == Role.OVERSIGHT else Purpose.OVERSIGHT
    return purpose != hidden


def _line(job: Job, somebody: bool, handed: bool) -> Line:
    if job.finished:
        state = (LEFT if job.kind == JobKind.REASSESS else BROKEN) if job.broken else FINISHED
    elif not somebody:
        state = NOBODY
    else:
        state = WORKING if handed else WAITING
    what = f"{JobKind(job.kind).label}: {Purpose(job.program_key.purpose).label}"
    return Line(job, what, 100 * job.done // max(job.total, 1), state, job.raised)


def _outdated(unlocked: Unlocked | None) -> list[ProgramKey]:
    if unlocked is None:
        return []
    mine = ProgramKey.objects.filter(pk__in=unlocked.key_ids(), retired=False)
    busy = set(handing.needed().filter(kind=JobKind.RESEAL).values_list("program_key_id", flat=True))
    return [key for key in mine if key.pk not in busy and work.outdated(key)]


def _sortable(unlocked: Unlocked | None) -> list[ProgramKey]:
    """The keys under which tips lie that may be sorted anew: what a key was replaced for is sealed again first."""
    if unlocked is None:
        return []
    mine = ProgramKey.objects.filter(pk__in=unlocked.key_ids(), retired=False, purpose__in=CONTENT_PURPOSES)
    busy = set(handing.needed().filter(kind=JobKind.REASSESS).values_list("program_key_id", flat=True))
    return [key for key in mine if key.pk not in busy]
