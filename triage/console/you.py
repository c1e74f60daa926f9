"""How one signs in oneself: one's sessions, passkeys, app and recovery codes."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from triage.audit.chain import Event
from triage.console import staff_log
from triage.console.first import SPARE
from triage.console.requests import JUST_UNLOCKED, PASSKEY_ALONE, UNLOCKED, ConsoleRequest, open_to
from triage.escalation import contacts
from triage.models import Channel, Contact, User
from triage.vault import passkeys, second, session, sessions


@open_to(UNLOCKED)
@require_safe
def show(request: ConsoleRequest) -> HttpResponse:
    """Show one's own sessions and factors, and nobody else's."""
    user = request.user
    context = {
        "here": "you",
        "sessions": sessions.of(user, request, now=timezone.now()),
        "passkeys": passkeys.of(user),
        "spare_left": second.spare_left(user),
        "hours": session.ABSOLUTE.seconds // 3600,
        "digits": [contacts.open_digits(contact) for contact in _called(user)],
    }
    return render(request, "console/you.html", context)


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
