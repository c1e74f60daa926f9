"""The page of one tip, and what can be done on it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from intake.message import Identity
from triage.audit.chain import Event
from triage.console import (
    calls,
    casefile,
    cases,
    closing,
    handling,
    hints,
    identity,
    permissions,
    programs,
    reading,
    texts,
)
from triage.console.forms import (
    AgreedForm,
    CloseForm,
    CorrectForm,
    DutyForm,
    HandOverForm,
    LookAgainForm,
    NoteForm,
    ReopenForm,
    ReplyForm,
    SubmitterForm,
    ToldForm,
    UndoForm,
)
from triage.console.labels import reference
from triage.console.requests import PASSKEY_ALONE, UNLOCKED, ConsoleRequest, open_to
from triage.escalation import taking
from triage.models import Case, CaseStatus, Escalation, Outcome, Recusal, Urgency
from triage.vault.keys import Unlocked


@dataclass
class Sent:
    """What a press leaves on the page: the form as it was sent, or the details shown once."""

    form: forms.Form | None = None
    identity: Identity | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Act:
    """What an act on a tip needs: the case opened, what the form holds, the tip's key and the person's."""

    case: Case
    file: casefile.CaseFile = field(repr=False)
    form: forms.Form = field(repr=False)
    key: bytes = field(repr=False)
    vault: Unlocked = field(repr=False)

    @property
    def found(self) -> dict[str, Any]:
        """What the form holds."""
        return self.form.cleaned_data


# After these a second person may have something to look at.
CHECKABLE = {Event.CLOSED, Event.CORRECTED, Event.MERGED}
REFUSALS = (cases.Changed, cases.CaseClosed, cases.NotOpened, closing.DutyOpen, handling.RiskNotRead)


@require_safe
def show(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Show the page; its words only to somebody who pressed [Open it]."""
    return _page(request, case_of(request, case_id), Sent())


@require_safe
def called(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Show who was called and who is next, alone: what moves on the page of a tip."""
    case = case_of(request, case_id)
    return render(request, "console/calls.html", {"case": case, "calls": calls.of(case, now=timezone.now())})


@open_to(PASSKEY_ALONE)
@require_POST
def take(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Take it, locked or not: sleepy hands first, pass phrase after."""
    case = case_of(request, case_id)
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
    case = case_of(request, case_id)
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
    case = case_of(request, case_id)
    root_key = _file(request, case).root_key
    if root_key is None:
        return _refused(request, case, _("Your keys do not open this tip. Other people read it."))
    now = timezone.now()
    if (asked := reading.asks(case, by=request.user, now=now)) is not None:
        form = reading.WhyForm(request.POST if "why" in request.POST else None)
        if not form.is_valid():
            return reading.ask(request, case, asked, form)
        reading.note_reason(case, asked, form.cleaned_data["why"], by=request.user, root_key=root_key, now=now)
    cases.open_case(case, by=request.user, now=now)
    return redirect("console:tip", case_id)


@open_to(UNLOCKED)
@require_POST
def correct(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Put another level or other categories over the classifier's."""

    def do(act: Act) -> HttpResponse:
        cases.correct(
            act.case,
            urgency=Urgency(act.found["urgency"]),
            categories=act.found["categories"],
            version=act.found["version"],
            by=request.user,
            root_key=act.key,
            now=timezone.now(),
            guarded=act.file.guarded,
        )
        messages.success(request, _("Corrected."))
        return redirect("console:tip", case_id)

    return act_on(request, case_id, CorrectForm, do)


@open_to(UNLOCKED)
@require_POST
def reply(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Answer the tipster."""

    def do(act: Act) -> HttpResponse:
        text, after, version = act.found["text"], act.found["after"], act.found["version"]
        said = hints.repeated(text, hints_of(act.case, act.file))
        if said and not act.found["repeats"]:
            act.form.add_error(
                "text",
                _("It repeats what stands in the tip: %(words)s. Whoever finds the seven words would learn it.")
                % {"words": ", ".join(said)},
            )
            return _page(request, act.case, Sent(act.form), status=422)
        by, now, wait = request.user, timezone.now(), act.found["wait"]
        cases.answer(act.case, text, after=after, by=by, root_key=act.key, now=now, version=version, wait=wait)
        messages.success(request, _("Sent. Whoever has the seven words can read it."))
        return redirect("console:tip", case_id)

    return act_on(request, case_id, ReplyForm, do)


@open_to(UNLOCKED)
@require_POST
def close(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Finish with it."""

    def do(act: Act) -> HttpResponse:
        closing.close(
            act.case,
            reason=Outcome(act.found["reason"]),
            note=act.found["note"],
            version=act.found["version"],
            by=request.user,
            root_key=act.key,
            now=timezone.now(),
            guarded=act.file.guarded,
            must_report=act.file.must_report,
        )
        text = _("Closed. It stands among the closed tips, and can be opened again.")
        if act.file.guarded:
            text += " " + _("It could not wait, so a second person looks at it by noon tomorrow.")
        messages.success(request, text)
        return redirect(f"{reverse('console:board')}?{urlencode({'undo': str(act.case.pk)})}")

    return act_on(request, case_id, CloseForm, do)


@open_to(UNLOCKED)
@require_POST
def reopen(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Take a closed tip up again."""

    def do(act: Act) -> HttpResponse:
        why, version = act.found["why"], act.found["version"]
        closing.reopen(act.case, version=version, by=request.user, now=timezone.now(), why=why, root_key=act.key)
        messages.success(request, _("Open again. It is yours."))
        return redirect("console:tip", case_id)

    return act_on(request, case_id, ReopenForm, do)


@open_to(UNLOCKED)
@require_POST
def submitter(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Show who the sender says they are, in this one answer, after a reason was put on record.

    Where the program wants two people, the first press asks a colleague, and one after they agreed shows it.
    """

    def do(act: Act) -> HttpResponse:
        if not act.file.has_identity:
            return _refused(request, act.case, _("There are no submitter details to open here."))
        why, now = act.found.get("why", ""), timezone.now()
        try:
            if act.case.program.identity_needs_two and not _may_open(request, act.case):
                identity.ask(act.case, why=why, by=request.user, root_key=act.key, now=now)
                messages.success(request, _("Asked. A colleague who opens this tip within 30 minutes can agree."))
                return redirect("console:tip", case_id)
            shown = identity.open_it(act.case, why=why, by=request.user, unlocked=act.vault, root_key=act.key, now=now)
        except (identity.NothingThere, identity.NotAgreed):
            return _refused(request, act.case, _("There are no submitter details that your keys open here."))
        return _page(request, act.case, Sent(identity=shown))

    case = case_of(request, case_id)
    return act_on(request, case_id, AgreedForm if _may_open(request, case) else SubmitterForm, do)


@open_to(UNLOCKED)
@require_POST
def agree(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Agree that a colleague opens who the sender is."""

    def do(act: Act) -> HttpResponse:
        try:
            identity.agree(act.case, by=request.user, unlocked=act.vault, root_key=act.key, now=timezone.now())
        except identity.NothingThere:
            return _refused(request, act.case, _("Your keys do not open submitter details, so you cannot agree."))
        except identity.NobodyAsked:
            messages.warning(request, _("Nobody asks for it any more. Nothing was changed."))
            return redirect("console:tip", case_id)
        messages.success(request, _("You agreed. It is on record; your colleague can open the details now."))
        return redirect("console:tip", case_id)

    return act_on(request, case_id, AgreedForm, do)


def _may_open(request: ConsoleRequest, case: Case) -> bool:
    """Whether a colleague has agreed to what this person asked."""
    asked = identity.asked(case, now=timezone.now())
    return asked is not None and asked.asked_by_id == request.user.pk and asked.agreed_by_id is not None


def act_on(
    request: ConsoleRequest,
    case_id: UUID,
    form_class: Callable[[QueryDict], forms.Form],
    do: Callable[[Act], HttpResponse],
) -> HttpResponse:
    """Do something to a tip that this person has opened and can read; what was typed stands there if it fails."""
    case, form = case_of(request, case_id), form_class(request.POST)
    sent = Sent(form)
    file = _file(request, case)
    if file.root_key is None or request.vault is None or not file.opened_by_me:
        return _refused(request, case, _("Open the tip first."))
    if not form.is_valid():
        return _page(request, case, sent, status=422)
    try:
        return do(Act(case, file, form, file.root_key, request.vault))
    except REFUSALS as refusal:
        return _meanwhile(request, case, sent, refusal)


def hints_of(case: Case, file: casefile.CaseFile) -> list[str]:
    """What an answer should not repeat; the program's name and numbers anybody may say."""
    program = case.program
    known = (program.name, program.emergency_number, program.crisis_line, program.text_emergency)
    return hints.of(file.messages, known=known)


def case_of(request: ConsoleRequest, case_id: UUID) -> Case:
    """Find a tip this person may see; any other does not exist."""
    visible = Case.objects.visible_to(request.user).select_related("program", "tip", "taken_by")
    return get_object_or_404(visible.defer("tip__sealed", "tip__sealed_identity"), pk=case_id)


def _file(request: ConsoleRequest, case: Case) -> casefile.CaseFile:
    return casefile.load(case, request.user, request.vault, now=timezone.now())


def _page(request: ConsoleRequest, case: Case, sent: Sent, status: int = 200) -> HttpResponse:
    if status == 409:
        case = case_of(request, case.pk)
    file = _file(request, case)
    last = file.parts[-1].tip.number if file.parts else 0
    version = {"version": case.version}
    now = {**version, "urgency": case.urgency, "categories": list(file.category_codes)}
    closed = case.status == CaseStatus.CLOSED
    people = [] if closed or not file.opened_by_me else handling.receivers(case, but=request.user)
    given = texts.of(case.program)
    ready = texts.for_language(given.replies, file.language_code)
    asked = identity.asked(case, now=timezone.now()) if case.program.identity_needs_two else None
    context = {
        "program": case.program,
        "file": file,
        "case": case,
        "correct": _sent(sent, CorrectForm) or CorrectForm(initial=now),
        "reply": _sent(sent, ReplyForm) or ReplyForm(initial={"after": last, "wait": True, **version}),
        "repeats": "text" in sent.form.errors and sent.form.cleaned_data.get("after") is not None
        if isinstance(sent.form, ReplyForm)
        else False,
        "hints": hints_of(case, file),
        "texts": given,
        "ready": [(each, texts.filled(each.body, case.program)) for each in ready],
        "close": _sent(sent, CloseForm) or CloseForm(initial=version),
        "reopen": _sent(sent, ReopenForm) or ReopenForm(initial=version),
        "undo": UndoForm(initial=version) if closed and file.last == (Event.CLOSED, request.user.pk) else None,
        "note": _sent(sent, NoteForm) or NoteForm(),
        "hand_over": _sent(sent, HandOverForm) or HandOverForm(people=people),
        "look_again": _sent(sent, LookAgainForm) or LookAgainForm(initial={"when": "1"}),
        "told": _sent(sent, ToldForm) or ToldForm(),
        "duty": _sent(sent, DutyForm) or DutyForm(),
        "checks": list(case.pending_checks.select_related("by")) if file.events & CHECKABLE else [],
        "submitter": _sent(sent, SubmitterForm) or SubmitterForm(),
        "keeps": any(
            permissions.may(each.role, "console:keeping_tip") for each in programs.with_case(request, case.pk)
        ),
        "sent": sent.form,
        "identity": sent.identity,
        "aside": list(Recusal.objects.filter(case=case).select_related("user").order_by("user__name"))
        if Event.STEPPED_ASIDE in file.events
        else [],
        "asked": asked if file.has_identity else None,
        "asked_why": identity.reason_of(asked, file.root_key) if asked and file.root_key else "",
    }
    return render(request, "console/tip.html", context, status=status)


def _sent(sent: Sent, form_class: type[forms.Form]) -> forms.Form | None:
    return sent.form if isinstance(sent.form, form_class) else None


def _meanwhile(request: ConsoleRequest, case: Case, sent: Sent, refusal: Exception) -> HttpResponse:
    """Answer 409 with what was typed, on a page that shows the case as it is now."""
    if isinstance(refusal, cases.CaseClosed):
        text = _("Somebody closed this meanwhile. Reopen it first; what you typed is still here.")
    elif isinstance(refusal, cases.NotOpened):
        text = _("Something new came in that nobody has opened. Open it before you close the tip.")
    elif isinstance(refusal, closing.DutyOpen):
        text = _("A child may be hurt. First write down whether it was reported, under “Duty to report”.")
    elif isinstance(refusal, handling.RiskNotRead):
        text = _("First read what endangers the sender, in red, and press “I have read it”.")
    elif isinstance(refusal, cases.Changed) and refusal.by:
        text = _("Meanwhile %(name)s %(what)s. Look again, then send it once more.") % {
            "name": refusal.by,
            "what": refusal.what or _("changed this"),
        }
    else:
        text = _("This changed meanwhile: a new message may have come. Look again, then send it once more.")
    if sent.form is not None:
        sent.form.add_error(None, text)
        # The next press is about the case as this page shows it.
        now = Case.objects.values_list("version", flat=True).get(pk=case.pk)
        if "version" in sent.form.fields:
            sent.form.data = request.POST.copy()
            sent.form.data["version"] = str(now)
    return _page(request, case, sent, status=409)


def _refused(request: ConsoleRequest, case: Case, text: str) -> HttpResponse:
    context = {"program": case.program, "reference": reference(case.pk), "case": case, "text": text}
    return render(request, "console/refused.html", context, status=403)
