"""The page of one event: its tips side by side, and what a person says of them.

Asked for by one of its tips. A suggestion puts nothing together; only a person does, of tips they have opened and read.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from intake.models import Tip
from triage.console import cases, guard, incidents_acts, incidents_page, labels, opening
from triage.console.incidents_suggested import resembling
from triage.console.requests import UNLOCKED, ConsoleRequest, open_to
from triage.models import Assessment, Case


@open_to(UNLOCKED)
@require_safe
def show(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Show the tips side by side; the words only of those this person has opened."""
    case = _case(request, case_id)
    if request.vault is None:
        raise Http404
    typed, number = request.GET.get("add", ""), request.GET.get("page", "1")
    added = _by_reference(request, case, typed) if typed else None
    context = {
        "program": case.program,
        "case": case,
        "reference": labels.reference(case.pk),
        "together": incidents_page.load(
            case,
            request.user,
            request.vault,
            added=added,
            page=int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1,
            now=timezone.now(),
        ),
        "typed": typed,
        "missed": bool(typed) and added is None,
    }
    return render(request, "console/incident.html", context)


@open_to(UNLOCKED)
@require_POST
def open_all(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Open the tips of this page that one has not opened: each on record, as if opened by itself."""
    case = _case(request, case_id)
    some = _named(request, "sealed")
    for each in some:
        if each.tip_id in _keys(request, [each]):
            cases.open_case(each, by=request.user, now=timezone.now())
    return _back(request, case)


@open_to(UNLOCKED)
@require_POST
def merge(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Put the ticked tips together."""
    case, some = _case(request, case_id), _named(request, "tip")
    keys, opened = _keys(request, some), incidents_page.opened_by(request.user, some)
    if any(each.tip_id not in keys or each.tip_id not in opened for each in some):
        return _refused(request, case)
    with_it = _named(request, "event")
    try:
        everything, now = (*some, *with_it), timezone.now()
        guarded = _guarded(everything, keys)
        incidents_acts.merge(everything, by=request.user, root_keys=keys, now=now, guarded=guarded)
    except incidents_acts.NotTogether:
        messages.warning(request, _("Tick two tips or more that tell of one event. Nothing was changed."))
        return _back(request, case)
    text = ngettext("%(n)d tip put together with the others.", "%(n)d tips put together.", len(some))
    messages.success(request, text % {"n": len(some)} + " " + _("Each stays a tip of its own. You can undo it here."))
    return _back(request, case)


@open_to(UNLOCKED)
@require_POST
def split(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Take a tip out again."""
    case = _case(request, case_id)
    if case.tip_id not in incidents_page.opened_by(request.user, [case]) or request.vault is None:
        return _refused(request, case)
    others, known = incidents_page.side(case, request.user, request.vault)
    like_it = [each.pk for each in resembling(case, others, known)]
    try:
        incidents_acts.split(case, resembling=like_it, by=request.user, now=timezone.now())
    except incidents_acts.NotInOne:
        messages.warning(request, _("It stands in no event any more. Nothing was changed."))
        return _back(request, case)
    messages.success(request, _("Taken out. It stands by itself again, and is not suggested for that event."))
    return _back(request, case)


@open_to(UNLOCKED)
@require_POST
def say_apart(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Say that a tip tells of another event."""
    case = _case(request, case_id)
    if case.tip_id not in incidents_page.opened_by(request.user, [case]) or request.vault is None:
        return _refused(request, case)
    others, known = incidents_page.side(case, request.user, request.vault)
    like_it = resembling(case, others, known)
    incidents_acts.say_apart(case, resembling=like_it, by=request.user, now=timezone.now())
    messages.success(request, _("Noted. It is not suggested for that event again."))
    return _back(request, case)


def _case(request: ConsoleRequest, case_id: UUID) -> Case:
    visible = Case.objects.visible_to(request.user).select_related("program")
    return get_object_or_404(visible, pk=case_id)


def _named(request: ConsoleRequest, name: str) -> list[Case]:
    """Return the cases a form names; one that this person may not see does not exist."""
    try:
        wanted = {UUID(each) for each in request.POST.getlist(name)}
    except ValueError:
        raise Http404 from None
    found = list(Case.objects.visible_to(request.user).filter(pk__in=wanted))
    if len(found) != len(wanted):
        raise Http404
    return found


def _keys(request: ConsoleRequest, some: list[Case]) -> dict[UUID, bytes]:
    if request.vault is None:
        return {}
    tips = Tip.objects.filter(pk__in=[each.tip_id for each in some]).only("program_id", "follows_id", "number")
    return opening.data_keys(tips, request.vault)


def _guarded(some: Iterable[Case], keys: Mapping[UUID, bytes]) -> set[UUID]:
    """Those of these cases that one person may not put together alone."""
    by_tip = {each.tip_id: each.pk for each in some}
    found = set()
    for thought in Assessment.objects.filter(Q(tip__in=by_tip) | Q(tip__follows__in=by_tip)).select_related("tip"):
        root = thought.tip.follows_id or thought.tip_id
        if guard.guarded([opening.thought(thought.tip, thought, keys.get(thought.tip_id))]):
            found.add(by_tip[root])
    return found


def _by_reference(request: ConsoleRequest, case: Case, typed: str) -> Case | None:
    """Find a tip of this program by the six characters people say."""
    first, last = labels.ids_of(typed) or (None, None)
    if first is None:
        return None
    visible = Case.objects.visible_to(request.user).filter(program=case.program_id, oversight=case.oversight)
    return visible.filter(pk__gte=first, pk__lte=last).exclude(pk=case.pk).first()


def _back(request: ConsoleRequest, case: Case) -> HttpResponse:
    """Go back to the page that was pressed on, which is of another tip of the event perhaps."""
    asked = _named(request, "from")
    return redirect("console:incident", asked[0].pk if len(asked) == 1 else case.pk)


def _refused(request: ConsoleRequest, case: Case) -> HttpResponse:
    context = {
        "program": case.program,
        "reference": labels.reference(case.pk),
        "case": case,
        "text": _("Open the tip first."),
    }
    return render(request, "console/refused.html", context, status=403)
