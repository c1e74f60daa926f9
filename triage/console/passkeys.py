"""Adding and removing passkeys, and signing in with one alone: enough to take a page, and for nothing else."""

from ipaddress import ip_address

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from triage.audit.chain import Event
from triage.console import staff_log
from triage.console.requests import ANYONE, JUST_UNLOCKED, AnyRequest, ConsoleRequest, open_to
from triage.vault import passkeys, session

QUESTION_LASTS = 300  # seconds


class PasskeyForm(forms.Form):
    """What the browser's passkey answered; static/passkey.js fills it in."""

    credential = forms.CharField(
        max_length=passkeys.LONGEST,
        widget=forms.HiddenInput,
        error_messages={"required": _("No passkey was used. It takes a browser with JavaScript.")},
    )


class AddForm(PasskeyForm):
    """… and what its person calls it."""

    name = forms.CharField(
        label=_("What you call it"),
        max_length=40,
        error_messages={"required": _("Give it a name, such as: my phone.")},
    )


def possible(request: HttpRequest) -> bool:
    """Whether browsers offer passkeys here: they do for names, not for numbers such as 127.0.0.1."""
    try:
        ip_address(request.get_host().rpartition(":")[0].strip("[]") or request.get_host())
    except ValueError:
        return True
    return False


@open_to(ANYONE)
@require_http_methods(["GET", "POST"])
def alone(request: AnyRequest) -> HttpResponse:
    """Sign in with a passkey and nothing else: the board without what is sealed, and [Take]."""
    if request.user.is_authenticated:
        return redirect("/")
    form = PasskeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        answer = form.cleaned_data["credential"]
        user = passkeys.claimed(answer)
        found = passkeys.proved(user, answer) if user else None
        if user is not None and found is not None:
            session.renew(request)
            session.begin(request, now=timezone.now())
            record_authentication(request, user, "mfa", type=found.type, passwordless=True)
            staff_log.note(user, Event.PASSKEY_ALONE)
            response: HttpResponse = perform_login(request, Login(user=user, redirect_url="/"))
            return response
        staff_log.refused(user.username if user else "")
        form.add_error(None, _("This passkey does not open anything here. Sign in with your six words."))
    # Asked by strangers too: the row that keeps the question is not kept for long.
    request.session.set_expiry(QUESTION_LASTS)
    return _page(request, "console/passkey_alone.html", form, passkeys.ask_for(None))


@open_to(JUST_UNLOCKED)
@require_http_methods(["GET", "POST"])
def add(request: ConsoleRequest) -> HttpResponse:
    """Add a passkey; every other session ends."""
    form = AddForm(request.POST if "name" in request.POST else None)
    if request.method == "POST" and form.is_valid():
        try:
            passkeys.add(request.user, form.cleaned_data["name"], form.cleaned_data["credential"])
        except passkeys.NotAccepted:
            form.add_error(None, _("This passkey was not accepted. Nothing was changed; try once more."))
        else:
            staff_log.factors_changed(request)
            messages.success(request, _("Added. From now on it can stand in for the code, and take pages."))
            return redirect("console:you")
    return _page(request, "console/passkey_add.html", form, passkeys.ask_to_make(request.user))


@open_to(JUST_UNLOCKED)
@require_POST
def remove(request: ConsoleRequest) -> HttpResponse:
    """Remove a passkey; every other session ends."""
    number = request.POST.get("passkey", "")
    if number.isascii() and number.isdigit() and passkeys.remove(request.user, int(number[:9])):
        staff_log.factors_changed(request)
        messages.success(request, _("Removed. It opens nothing any more."))
    return redirect("console:you")


def _page(request: HttpRequest, template: str, form: forms.Form, options: str) -> HttpResponse:
    context = {"form": form, "options": options, "possible": possible(request)}
    return render(request, template, context, status=422 if form.errors else 200)
