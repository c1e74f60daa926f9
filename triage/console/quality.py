"""The quality sample: a few routine tips a day, read once more by a person, and how many should have woken somebody."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from triage.audit.chain import Event
from triage.classify import worse
from triage.classify.taxonomy import Urgency as Level
from triage.console import casefile, cases, closing, labels
from triage.console.forms import NOTE_LIMIT
from triage.console.requests import UNLOCKED, ConsoleRequest, open_to
from triage.learning import quality
from triage.models import Case, CaseStatus, QualityReview, Urgency


class ReviewForm(forms.Form):
    """The level a person would have given, and what they noted."""

    level = forms.ChoiceField(
        label=gettext_lazy("Which level would you have given it?"),
        choices=Urgency.choices,
        error_messages={"required": gettext_lazy("Choose a level.")},
    )
    note = forms.CharField(label=gettext_lazy("What to remember"), max_length=NOTE_LIMIT, required=False)


@open_to(UNLOCKED)
@require_safe
def show(request: ConsoleRequest) -> HttpResponse:
    """Show what waits for a second look, and what came of the looks before."""
    today = quality.today_of(timezone.now())
    found = quality.waiting(request.user, today=today)
    context = {
        "here": "numbers",
        "waiting": [(labels.reference(each.case_id), each) for each in found],
        "missed": quality.missed(request.user, today=today),
        "days": quality.COUNTED.days,
    }
    return render(request, "console/quality.html", context)


@open_to(UNLOCKED)
@require_POST
def open_it(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Open the tip for a second look: on record like any opening."""
    case = _review(request, case_id).case
    if casefile.load(case, request.user, request.vault, now=timezone.now()).root_key is not None:
        cases.open_case(case, by=request.user, now=timezone.now())
    return redirect("console:quality_review", case_id)


@open_to(UNLOCKED)
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Show one tip of the sample with the question; take the answer."""
    case = _review(request, case_id).case
    file = casefile.load(case, request.user, request.vault, now=timezone.now())
    readable = file.opened_by_me and file.root_key is not None
    form = ReviewForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and readable and form.is_valid():
        return _answered(request, file, Level(form.cleaned_data["level"]), form.cleaned_data["note"])
    context = {"program": case.program, "case": case, "file": file, "form": form, "readable": readable}
    return render(request, "console/quality_review.html", context, status=422 if form.is_bound else 200)


def _answered(request: ConsoleRequest, file: casefile.CaseFile, level: Level, note: str) -> HttpResponse:
    """Write down the level; one that is worse than the tip's counts as a correction, and brings a closed tip back.

    A lower one is counted and changes nothing: whoever lowers or closes a tip does so on its own page, where a
    second person looks at what could not wait (triage.console.guard).
    """
    key, now = file.root_key, timezone.now()
    if key is None:
        raise Http404
    with transaction.atomic():
        case = Case.objects.select_for_update(no_key=True).get(pk=file.case.pk)
        if not quality.answer(case, level, by=request.user):
            messages.warning(request, _("Somebody looked at it meanwhile. Nothing was changed."))
            return redirect("console:quality")
        cases.put_on_record(case, Event.REVIEWED, request.user, now, key, level=level, note=note)
        rises = worse(level, Level(case.urgency)) != case.urgency
        if rises and case.status == CaseStatus.CLOSED:
            closing.reopen(case, version=case.version, by=request.user, now=now)
            case.refresh_from_db()
        if rises:
            cases.correct(
                case,
                urgency=Urgency(level),
                categories=file.category_codes,
                version=case.version,
                by=request.user,
                root_key=key,
                now=now,
                guarded=file.guarded,
            )
    if rises:
        messages.warning(request, _("Its level is raised, and nobody was called for it: act on it now."))
        return redirect("console:tip", case.pk)
    messages.success(request, _("Thank you. It is counted."))
    return redirect("console:quality")


def _review(request: ConsoleRequest, case_id: UUID) -> QualityReview:
    """Find what waits for a second look; what somebody looked at waits no more."""
    visible = Case.objects.visible_to(request.user)
    waiting = QualityReview.objects.filter(level="").select_related("case__program", "case__tip", "case__taken_by")
    return get_object_or_404(
        waiting.defer("case__tip__sealed", "case__tip__sealed_identity"), case__in=visible, case=case_id
    )
