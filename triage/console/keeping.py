"""How long tips are kept: the schedule, what is erased when, holds, and certificates of what was erased.

A supervisor sees and decides this for tips they may read; oversight people for those about the program's own people.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from triage.console import opening, programs
from triage.console.forms import NOTE_LIMIT
from triage.console.labels import ids_of, reference
from triage.console.requests import UNLOCKED, ConsoleRequest, open_to
from triage.keeping import acts, rules
from triage.models import (
    Case,
    CaseStatus,
    Ended,
    EraseRequest,
    Erasure,
    LegalHold,
    Membership,
    PendingCheck,
    RetentionRule,
    Role,
)

SOON = timedelta(days=30)
SHOWN = 100
OLD = timedelta(days=730)
"""Of tips still open after two years somebody should say whether they are true (28 CFR 23, tips and leads)."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A tip in a list: what it is called, and the row."""

    reference: str
    row: object


class ScheduleForm(forms.Form):
    """Days for each way a tip can end."""

    def __init__(self, *given: object, days: dict[str, int], **more: object) -> None:
        super().__init__(*given, **more)  # type: ignore[arg-type]
        for ended in Ended:
            self.fields[f"days_{ended}"] = forms.IntegerField(
                label=ended.label, min_value=1, max_value=RetentionRule.LONGEST, initial=days.get(ended)
            )

    def days(self) -> dict[Ended, int]:
        return {ended: self.cleaned_data[f"days_{ended}"] for ended in Ended}


class ActForm(forms.Form):
    """What to do with one tip, and why."""

    act = forms.ChoiceField(choices=[(name, name) for name in ("hold", "lift", "erase", "agree", "withdraw")])
    reason = forms.CharField(
        label=gettext_lazy("Why?"),
        max_length=NOTE_LIMIT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}),
    )

    def clean(self) -> dict[str, object]:
        found: dict[str, object] = super().clean() or self.cleaned_data
        if found.get("act") in ("hold", "lift", "erase") and not found.get("reason"):
            self.add_error("reason", _("Write why. It is sealed with the tip and stands in its record."))
        return found


@open_to(UNLOCKED)
@require_safe
def show(request: ConsoleRequest) -> HttpResponse:
    """Show the schedule, what ends soon, what is held, and what was erased; ?tip= leads to one tip."""
    here = _here(request)
    typed = request.GET.get("tip", "")
    if typed and (found := _find(request, typed)):
        return redirect("console:keeping_tip", found.pk)
    if typed:
        messages.warning(request, _("No tip you may see is called that."))
    return _page(request, here)


@open_to(UNLOCKED)
@require_POST
def schedule(request: ConsoleRequest) -> HttpResponse:
    """Change the schedule."""
    here = _here(request)
    form = ScheduleForm(request.POST, days=rules.days(here.program))
    if not form.is_valid():
        return _page(request, here, form, status=422)
    if acts.set_schedule(here.program, form.days(), by=request.user, now=timezone.now()):
        messages.success(request, _("Changed. It counts from the day a tip was closed, also for those closed before."))
    return redirect("console:keeping")


@open_to(UNLOCKED)
@require_http_methods(["GET", "HEAD", "POST"])
def tip(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Show what becomes of one tip; hold it, lift that, or have it erased by two."""
    case = get_object_or_404(Case.objects.visible_to(request.user).select_related("tip", "program"), pk=case_id)
    form = ActForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        done = _act(request, case, form.cleaned_data["act"], form.cleaned_data["reason"])
        if done:
            messages.success(request, done)
        return redirect("console:keeping_tip", case.pk)
    today = timezone.now().date()
    context = {
        "here": "keeping",
        "program": case.program,
        "case": case,
        "reference": reference(case.pk),
        "form": form,
        "closed": case.status == CaseStatus.CLOSED and not case.unread,
        "unchecked": PendingCheck.objects.filter(case=case).exists(),
        "hold": LegalHold.objects.filter(case=case).select_related("by").first(),
        "asked": EraseRequest.objects.filter(case=case).select_related("asked_by", "agreed_by").first(),
        "coming": next(iter(rules.coming(case.program, [case], today)), None),
    }
    return render(request, "console/keeping_tip.html", context, status=422 if form.is_bound else 200)


@open_to(UNLOCKED)
@require_safe
def certificate(request: ConsoleRequest, erasure_id: UUID) -> HttpResponse:
    """Show the certificate of an erased tip, to print; ?file=1 is the same as a text file."""
    here = _here(request)
    found = get_object_or_404(_erasures(here).select_related("program", "asked_by", "agreed_by"), pk=erasure_id)
    context = {
        "here": "keeping",
        "program": found.program,
        "erasure": found,
        "reference": reference(found.case),
        "why": Ended(found.ended).label,
        "kept": rules.WRAPS_KEPT.days,
    }
    if request.GET.get("file"):
        answer = render(request, "console/certificate.txt", context, content_type="text/plain; charset=utf-8")
        name = reference(found.case).replace(" ", "-")
        answer["Content-Disposition"] = f'attachment; filename="certificate-{name}.txt"'
        return answer
    return render(request, "console/certificate.html", context)


def _here(request: ConsoleRequest) -> Membership:
    here = programs.current(request)
    if here is None:
        raise Http404
    return here


def _page(
    request: ConsoleRequest, here: Membership, form: ScheduleForm | None = None, status: int = 200
) -> HttpResponse:
    today = timezone.now().date()
    cases = Case.objects.visible_to(request.user).filter(program=here.program_id)
    due = rules.coming(here.program, cases, today)
    free = [each for each in due if not each.held]
    holds = LegalHold.objects.filter(case__in=cases).select_related("by").order_by("since", "pk")
    old = cases.exclude(status=CaseStatus.CLOSED).filter(tip__week__lt=today - OLD)
    context = {
        "here": "keeping",
        "form": form or ScheduleForm(days=rules.days(here.program)),
        "may_change": here.role == Role.SUPERVISOR,
        "soon": [Shown(reference(each.case.pk), each) for each in free if each.day <= today + SOON][:SHOWN],
        "soon_count": sum(each.day <= today + SOON for each in free),
        "by_year": _by_year(each.day for each in free),
        "holds": [Shown(reference(each.case_id), each) for each in holds],
        "asked": [
            Shown(reference(each.case_id), each)
            for each in EraseRequest.objects.filter(case__in=cases).select_related("asked_by", "agreed_by")
        ],
        "old": [Shown(reference(each.pk), each) for each in old.order_by("tip__week", "pk")[:SHOWN]],
        "erased": [Shown(reference(each.case), each) for each in _erasures(here).order_by("-hour", "pk")[:SHOWN]],
        "kept": rules.WRAPS_KEPT.days,
    }
    return render(request, "console/keeping.html", context, status=status)


def _erasures(here: Membership) -> QuerySet[Erasure]:
    """The certificates on this person's side of the oversight line."""
    return Erasure.objects.filter(program=here.program_id, oversight=here.role == Role.OVERSIGHT)


def _by_year(days: Iterable[date]) -> list[tuple[int, int]]:
    return sorted(Counter(day.year for day in days).items())


def _find(request: ConsoleRequest, typed: str) -> Case | None:
    ids = ids_of(typed)
    if ids is None:
        return None
    return Case.objects.visible_to(request.user).filter(pk__range=ids).first()


def _act(request: ConsoleRequest, case: Case, act: str, reason: str) -> str:
    """Do it; returns what to say when it was done. What stood in the way is said as a warning."""
    key = opening.data_keys([case.tip], request.vault).get(case.tip_id) if request.vault else None
    if key is None:
        messages.warning(request, _("Your keys do not open this tip. Other people decide about it."))
        return ""
    now, by = timezone.now(), request.user
    try:
        if act == "hold":
            acts.hold(case, reason=reason, by=by, key=key, now=now)
            return _("Held. It is not erased until somebody lifts the hold.")
        if act == "lift":
            acts.lift(case, reason=reason, by=by, key=key, now=now)
            return _("The hold is lifted. The schedule counts again.")
        if act == "erase":
            acts.ask_to_erase(case, reason=reason, by=by, key=key, now=now)
            return _("Asked. It is erased when a colleague agrees.")
        if act == "agree":
            acts.agree_to_erase(case, by=by, now=now)
            return _("Agreed. It is erased within a few minutes.")
        acts.withdraw(case, by=by, now=now)
        return _("Taken back. Nothing is erased before its time.")
    except acts.Held:
        messages.warning(request, _("There is a legal hold on it. Nothing was changed."))
    except acts.NotHeld:
        messages.warning(request, _("Somebody lifted the hold meanwhile."))
    except acts.NotClosed:
        messages.warning(request, _("Close the tip first: what nobody has finished with is not erased."))
    except acts.NotChecked:
        messages.warning(request, _("A second person must look first at what one did alone. Nothing was changed."))
    except acts.NotTheSame:
        messages.warning(request, _("You asked for it yourself. Somebody else must agree."))
    except acts.NothingAsked:
        messages.warning(request, _("Nobody asks for that any more. Nothing was changed."))
    return ""
