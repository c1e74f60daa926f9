"""How one signs in oneself: one's sessions, passkeys, app and recovery codes."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as now_
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from intake.models import Program
from triage.audit.chain import Event, record
from triage.console import pacing, staff_log
from triage.console.first import SPARE, WRONG_CODE
from triage.console.people import vault_of
from triage.console.requests import JUST_UNLOCKED, PASSKEY_ALONE, UNLOCKED, ConsoleRequest, open_to
from triage.escalation import contacts
from triage.models import Channel, Contact, Invitation, User
from triage.vault import guessing, keys, passkeys, second, session, sessions
from triage.vault.keys import Unlocked


class CodeForm(forms.Form):
    """A one-time code that somebody got who has words already."""

    code = forms.CharField(
        label=_("Your one-time code: six words"),
        max_length=200,
        error_messages={"required": _("Type the six words you were given.")},
    )


@open_to(UNLOCKED)
@require_safe
def show(request: ConsoleRequest) -> HttpResponse:
    """Show one's own sessions and factors, and nobody else's."""
    return _page(request, CodeForm())


@open_to(UNLOCKED)
@require_POST
def add_code(request: ConsoleRequest) -> HttpResponse:
    """Let one's own words open what a one-time code of another program holds."""
    form, unlocked = CodeForm(request.POST), vault_of(request)
    if form.is_valid():
        try:
            program = guessing.slowly(f"first|{request.user.username}", lambda: _added(unlocked, form))
        except guessing.NotNow as refusal:
            form.add_error("code", pacing.text(refusal))
        else:
            if program is not None:
                record(program, Event.FIRST_SIGN_IN, actor=request.user, now=timezone.now())
                messages.success(request, now_("Your words open %(name)s too.") % {"name": program.name})
                return redirect("console:start")
            form.add_error("code", WRONG_CODE)
    return _page(request, form, status=422)


def _added(unlocked: Unlocked, form: CodeForm) -> Program | None:
    try:
        return keys.add(unlocked, form.cleaned_data["code"])
    except keys.WrongCode:
        return None


def _page(request: ConsoleRequest, form: CodeForm, status: int = 200) -> HttpResponse:
    user = request.user
    context = {
        "form": form,
        "code_waits": form.is_bound or Invitation.objects.filter(user=user, used=False).exists(),
        "here": "you",
        "sessions": sessions.of(user, request, now=timezone.now()),
        "passkeys": passkeys.of(user),
        "spare_left": second.spare_left(user),
        "hours": session.ABSOLUTE.seconds // 3600,
        "digits": [contacts.open_digits(contact) for contact in _called(user)],
    }
    return render(request, "console/you.html", context, status=status)


@open_to(PASSKEY_ALONE)
@require_POST
def sign_out_everywhere(request: ConsoleRequest) -> HttpResponse:
    """End every session of one's own, this one too."""
    user = request.user
    session.drop(request)
    staff_log.note(user, Event.SIGNED_OUT_EVERYWHERE)
    sessions.end_everywhere(user)
    request.session.flush()
    return redirect("account_login")


@open_to(UNLOCKED)
@require_POST
def new_digits(request: ConsoleRequest) -> HttpResponse:
    """Give oneself other digits for calls."""
    for contact in _called(request.user):
        contacts.renew_digits(contact)
    staff_log.note(request.user, Event.DIGITS_RENEWED)
    return redirect("console:you")


def _called(user: User) -> list[Contact]:
    found = Contact.objects.filter(user=user, channel=Channel.VOICE, active=True)
    return list(found.only("program_id", "sealed_digits").order_by("pk"))


@open_to(JUST_UNLOCKED)
@require_POST
def new_recovery_codes(request: ConsoleRequest) -> HttpResponse:
    """Make ten new recovery codes; the old ones and all other sessions end."""
    session.hide(request, SPARE, " ".join(second.renew_spare(request.user)))
    staff_log.factors_changed(request)
    return redirect("console:recovery_codes")
