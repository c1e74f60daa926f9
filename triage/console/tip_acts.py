"""What else is pressed on the page of one tip: notes, handing over, looking again, telling, the duty to report."""

from functools import partial
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from triage.console import casefile, closing, handling, texts
from triage.console.forms import AgreedForm, DutyForm, HandOverForm, LookAgainForm, NoteForm, ToldForm, UndoForm
from triage.console.requests import UNLOCKED, ConsoleRequest, open_to
from triage.console.tip import Act, act_on, case_of


@open_to(UNLOCKED)
@require_POST
def note(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Write a note."""

    def do(act: Act) -> HttpResponse:
        text, private = act.found["text"], act.found["private"]
        handling.note(act.case, text, private=private, by=request.user, root_key=act.key, now=timezone.now())
        return _done(request, case_id, _("Noted, for you alone.") if private else _("Noted, for the team."))

    return act_on(request, case_id, NoteForm, do)


@open_to(UNLOCKED)
@require_POST
def hand_over(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Give it to a colleague."""

    def do(act: Act) -> HttpResponse:
        to, text = act.found["to"], act.found["text"]
        handling.hand_over(act.case, to, text, by=request.user, root_key=act.key, now=timezone.now())
        return _done(request, case_id, _("%(name)s has it now. The board tells them.") % {"name": to.name})

    people = handling.receivers(case_of(request, case_id), but=request.user)
    return act_on(request, case_id, partial(HandOverForm, people=people), do)


@open_to(UNLOCKED)
@require_POST
def take_over(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Take over what a colleague has, or say that one has received it."""

    def do(act: Act) -> HttpResponse:
        handling.hand_over(act.case, request.user, "", by=request.user, root_key=act.key, now=timezone.now())
        return _done(request, case_id, _("It is yours."))

    return act_on(request, case_id, AgreedForm, do)


@open_to(UNLOCKED)
@require_POST
def look_again(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Say when to look again."""

    def do(act: Act) -> HttpResponse:
        form = act.form
        assert isinstance(form, LookAgainForm)
        at = form.at(timezone.now(), act.case.program.timezone)
        handling.look_again(act.case, at)
        return _done(request, case_id, _("It comes back to the board then.") if at else _("It comes back no more."))

    return act_on(request, case_id, LookAgainForm, do)


@open_to(UNLOCKED)
@require_POST
def wait(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Say that one waits for the sender, or no longer."""

    def do(act: Act) -> HttpResponse:
        handling.set_waiting(act.case, waiting=not act.case.waiting)
        return _done(request, case_id, _("Changed."))

    return act_on(request, case_id, AgreedForm, do)


@open_to(UNLOCKED)
@require_POST
def read_risk(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Say that one has read what endangers the sender."""

    def do(act: Act) -> HttpResponse:
        handling.read_risk(act.case, by=request.user, now=timezone.now())
        return redirect("console:tip", case_id)

    return act_on(request, case_id, AgreedForm, do)


@open_to(UNLOCKED)
@require_POST
def told(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Tick who was told."""

    def do(act: Act) -> HttpResponse:
        who = act.found["who"]
        handling.tell(act.case, who, by=request.user, root_key=act.key, now=timezone.now())
        return _done(request, case_id, _("On record: %(who)s was told, at this hour.") % {"who": who})

    return act_on(request, case_id, ToldForm, do)


@open_to(UNLOCKED)
@require_POST
def duty(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Record the duty to report."""

    def do(act: Act) -> HttpResponse:
        to, why = act.found["to"], act.found["why"]
        handling.record_duty(act.case, to=to, why=why, by=request.user, root_key=act.key, now=timezone.now())
        return _done(request, case_id, _("On record."))

    return act_on(request, case_id, DutyForm, do)


@open_to(UNLOCKED)
@require_POST
def undo(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Take back one's own closing."""

    def do(act: Act) -> HttpResponse:
        closing.undo(act.case, version=act.found["version"], by=request.user, now=timezone.now())
        return _done(request, case_id, _("Not closed. It is yours, as before."))

    return act_on(request, case_id, UndoForm, do)


@open_to(UNLOCKED)
@require_safe
def call_card(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Show the call card alone, for one printed page; only of a tip one has opened."""
    case = case_of(request, case_id)
    file = casefile.load(case, request.user, request.vault, now=timezone.now())
    if file.root_key is None or not file.opened_by_me:
        return redirect("console:tip", case_id)
    context = {"program": case.program, "case": case, "file": file, "texts": texts.of(case.program), "alone": True}
    return render(request, "console/call_card.html", context)


def _done(request: ConsoleRequest, case_id: UUID, text: str) -> HttpResponse:
    messages.success(request, text)
    return redirect("console:tip", case_id)
