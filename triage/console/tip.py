"""The page of one tip, and what can be done on it."""

from dataclasses import dataclass, field
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from intake.message import Identity
from triage.console import casefile, cases
from triage.console.forms import CloseForm, CorrectForm, ReopenForm, ReplyForm, SubmitterForm
from triage.console.labels import reference
from triage.console.requests import PASSKEY_ALONE, UNLOCKED, ConsoleRequest, open_to
from triage.escalation import taking
from triage.models import Case, Escalation, Urgency


@dataclass
class Forms:
    """The page's forms: as one was sent, the others fresh."""

    correct: CorrectForm | None = None
    reply: ReplyForm | None = None
    close: CloseForm | None = None
    submitter: SubmitterForm | None = None
    sent: forms.Form | None = field(default=None)
    identity: Identity | None = field(default=None, repr=False)


@require_safe
def show(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Show the page; its words only to somebody who pressed [Open it]."""
    return _page(request, _case(request, case_id), Forms())


@open_to(PASSKEY_ALONE)
@require_POST
def take(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Take it, locked or not: sleepy hands first, pass phrase after."""
    case = _case(request, case_id)
    try:
        taking.take_case(case, by=request.user, now=timezone.now())
    except taking.AlreadyTaken:
        case.refresh_from_db()
        name = case.taken_by.name if case.taken_by else _("Somebody")
        messages.warning(request, _("%(name)s has it already. Nothing was changed.") % {"name": name})
        return redirect("console:tip", case_id)
    except taking.AlreadyEnded:
        messages.warning(request, _("It is closed. Reopen it first."))
        return redirect("console:tip", case_id)
    if Escalation.objects.running().filter(case=case).exists():
        messages.success(request, _("It is yours. Open it within five minutes, or the next person is called."))
    else:
        messages.success(request, _("It is yours."))
    return redirect("console:tip", case_id)


@require_POST
def pass_on(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Give it back: the next person is told at once."""
    case = _case(request, case_id)
    try:
        taking.pass_on(case, by=request.user, now=timezone.now())
    except taking.NotYours:
        messages.warning(request, _("It is not yours to pass on any more. Nothing was changed."))
        return redirect("console:tip", case_id)
    messages.success(request, _("Passed on. The next person is told now."))
    return redirect("console:board")


@open_to(UNLOCKED)
@require_POST
def open_it(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Open and read. An act, not a look: it ends the page, tells the sender, stands on record."""
    case = _case(request, case_id)
    if _file(request, case).root_key is None:
        return _refused(request, case, _("Your keys do not open this tip. Other people read it."))
    cases.open_case(case, by=request.user, now=timezone.now())
    return redirect("console:tip", case_id)


@open_to(UNLOCKED)
@require_POST
def correct(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Put another level or other categories over the classifier's."""
    case, form = _case(request, case_id), CorrectForm(request.POST)
    sent = Forms(correct=form, sent=form)
    key = _readable_key(request, case)
    if key is None:
        return _refused(request, case, _("Open the tip first."))
    if not form.is_valid():
        return _page(request, case, sent, status=422)
    found = form.cleaned_data
    try:
        cases.correct(
            case,
            urgency=Urgency(found["urgency"]),
            categories=found["categories"],
            version=found["version"],
            by=request.user,
            root_key=key,
            now=timezone.now(),
        )
    except (cases.Changed, cases.CaseClosed) as refusal:
        return _meanwhile(request, case, sent, refusal)
    messages.success(request, _("Corrected."))
    return redirect("console:tip", case_id)


@open_to(UNLOCKED)
@require_POST
def reply(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Answer the tipster."""
    case, form = _case(request, case_id), ReplyForm(request.POST)
    sent = Forms(reply=form, sent=form)
    key = _readable_key(request, case)
    if key is None:
        return _refused(request, case, _("Open the tip first."))
    if not form.is_valid():
        return _page(request, case, sent, status=422)
    found = form.cleaned_data
    try:
        cases.answer(case, found["text"], after=found["after"], by=request.user, root_key=key, now=timezone.now())
    except cases.CaseClosed as refusal:
        return _meanwhile(request, case, sent, refusal)
    messages.success(request, _("Sent. Whoever has the seven words can read it."))
    return redirect("console:tip", case_id)


@open_to(UNLOCKED)
@require_POST
def close(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Finish with it."""
    case, form = _case(request, case_id), CloseForm(request.POST)
    sent = Forms(close=form, sent=form)
    key = _readable_key(request, case)
    if key is None:
        return _refused(request, case, _("Open the tip first."))
    if not form.is_valid():
        return _page(request, case, sent, status=422)
    found = form.cleaned_data
    try:
        cases.close(
            case,
            reason=cases.CloseReason(found["reason"]),
            note=found["note"],
            version=found["version"],
            by=request.user,
            root_key=key,
            now=timezone.now(),
        )
    except (cases.Changed, cases.CaseClosed, cases.NotOpened) as refusal:
        return _meanwhile(request, case, sent, refusal)
    messages.success(request, _("Closed. It stands among the closed tips, and can be opened again."))
    return redirect("console:board")


@open_to(UNLOCKED)
@require_POST
def reopen(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Take a closed tip up again."""
    case, form = _case(request, case_id), ReopenForm(request.POST)
    if not form.is_valid():
        return _page(request, case, Forms(sent=form), status=422)
    try:
        cases.reopen(case, version=form.cleaned_data["version"], by=request.user, now=timezone.now())
    except cases.Changed as refusal:
        return _meanwhile(request, case, Forms(sent=form), refusal)
    messages.success(request, _("Open again. It is yours."))
    return redirect("console:tip", case_id)


@open_to(UNLOCKED)
@require_POST
def submitter(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Show who the sender says they are: in this one answer, after a reason was put on record."""
    case, form = _case(request, case_id), SubmitterForm(request.POST)
    file = _file(request, case)
    if file.root_key is None or not file.has_identity or request.vault is None:
        return _refused(request, case, _("There are no submitter details you could open here."))
    if not form.is_valid():
        return _page(request, case, Forms(submitter=form, sent=form), status=422)
    try:
        identity = cases.open_identity(
            case,
            why=form.cleaned_data["why"],
            by=request.user,
            unlocked=request.vault,
            root_key=file.root_key,
            now=timezone.now(),
        )
    except cases.NothingThere:
        return _refused(request, case, _("Your keys do not open submitter details."))
    return _page(request, case, Forms(identity=identity))


def _case(request: ConsoleRequest, case_id: UUID) -> Case:
    visible = Case.objects.visible_to(request.user).select_related("program", "tip", "taken_by")
    return get_object_or_404(visible.defer("tip__sealed", "tip__sealed_identity"), pk=case_id)


def _file(request: ConsoleRequest, case: Case) -> casefile.CaseFile:
    return casefile.load(case, request.user, request.vault, now=timezone.now())


def _readable_key(request: ConsoleRequest, case: Case) -> bytes | None:
    """Return the tip's key, if this person has opened the tip and may act on what it says."""
    file = _file(request, case)
    return file.root_key if file.opened_by_me else None


def _page(request: ConsoleRequest, case: Case, sent: Forms, status: int = 200) -> HttpResponse:
    if status == 409:
        case = _case(request, case.pk)
    file = _file(request, case)
    last = file.parts[-1].tip.number if file.parts else 0
    version = {"version": case.version}
    context = {
        "program": case.program,
        "file": file,
        "case": case,
        "correct": sent.correct
        or CorrectForm(initial={**version, "urgency": case.urgency, "categories": list(file.category_codes)}),
        "reply": sent.reply or ReplyForm(initial={"after": last}),
        "close": sent.close or CloseForm(initial=version),
        "reopen": ReopenForm(initial=version),
        "submitter": sent.submitter or SubmitterForm(),
        "sent": sent.sent,
        "identity": sent.identity,
    }
    return render(request, "console/tip.html", context, status=status)


def _meanwhile(request: ConsoleRequest, case: Case, sent: Forms, refusal: Exception) -> HttpResponse:
    """Answer 409 with what was typed, on a page that shows the case as it is now."""
    if isinstance(refusal, cases.CaseClosed):
        text = _("Somebody closed this meanwhile. Reopen it first; what you typed is still here.")
    elif isinstance(refusal, cases.NotOpened):
        text = _("Something new came in that nobody has opened. Open it before you close the tip.")
    elif isinstance(refusal, cases.Changed) and refusal.by:
        text = _("%(name)s changed this meanwhile. Look again, then send it once more.") % {"name": refusal.by}
    else:
        text = _("This changed meanwhile: a new message may have come. Look again, then send it once more.")
    if sent.sent is not None:
        sent.sent.add_error(None, text)
        # The next press is about the case as this page shows it.
        now = Case.objects.values_list("version", flat=True).get(pk=case.pk)
        if "version" in sent.sent.fields:
            sent.sent.data = request.POST.copy()
            sent.sent.data["version"] = str(now)
    return _page(request, case, sent, status=409)


def _refused(request: ConsoleRequest, case: Case, text: str) -> HttpResponse:
    context = {"program": case.program, "reference": reference(case.pk), "case": case, "text": text}
    return render(request, "console/refused.html", context, status=403)
