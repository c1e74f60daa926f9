"""Signing in and out: name and pass phrase, then a code. Nothing is open between the two."""

from typing import Any

from allauth.account.internal.flows.login import perform_login, perform_password_login
from allauth.account.internal.stagekit import unstash_login
from allauth.account.models import Login
from allauth.account.stages import LoginStageController
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from django import forms
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, authenticate, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from triage.audit.chain import Event
from triage.console import pacing, staff_log
from triage.console.passkeys import possible
from triage.console.requests import ANYONE, PASS_PHRASE_ONLY, AnyRequest, came_from, open_to
from triage.models import User
from triage.vault import browsers, guessing, passkeys, second, session


class SignInForm(forms.Form):
    """Who, and their six words."""

    username = forms.CharField(
        label=_("Your sign-in name"),
        max_length=60,
        error_messages={"required": _("Type your sign-in name.")},
    )
    pass_phrase = forms.CharField(
        label=_("Your six words"), max_length=200, error_messages={"required": _("Type your six words.")}
    )


class CodeForm(forms.Form):
    """Six digits of the app, or a recovery code."""

    code = forms.CharField(
        label=_("The code"), max_length=20, error_messages={"required": _("Type the code your app shows now.")}
    )


class ProofForm(forms.Form):
    """The second factor of a sign-in: a code, or what a passkey answered."""

    code = forms.CharField(label=_("The code"), max_length=20, required=False)
    credential = forms.CharField(max_length=passkeys.LONGEST, required=False)

    def clean(self) -> None:
        if not self.cleaned_data.get("code") and not self.cleaned_data.get("credential"):
            self.add_error("code", _("Type the code your app shows now."))


@open_to(ANYONE)
@require_http_methods(["GET", "POST"])
def sign_in(request: AnyRequest) -> HttpResponse:
    """Ask for name and pass phrase."""
    if request.user.is_authenticated:
        return redirect("/")
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["username"].strip()
        known = browsers.known(request, name)
        try:
            user = guessing.slowly(
                f"phrase|{name.casefold()}|{known}",
                lambda: authenticate(request, username=name, password=form.cleaned_data["pass_phrase"]),
                known=bool(known),
            )
        except guessing.NotNow as refusal:
            return pacing.page(request, "console/sign_in.html", form, refusal)
        if isinstance(user, User):
            session.renew(request)
            session.put(request, request.just_unlocked, now=timezone.now())
            login = Login(user=user, redirect_url=came_from(request))
            response: HttpResponse = perform_password_login(request, {}, login)
            return response
        staff_log.refused(name)
        form.add_error(None, _("Name and words do not belong together. Check both; nothing was unlocked."))
    return _page(request, "console/sign_in.html", form, 422 if form.errors else 200)


@open_to(ANYONE)
@require_http_methods(["GET", "POST"])
def code(request: AnyRequest) -> HttpResponse:
    """Ask for the second factor of the sign-in in hand."""
    stage = LoginStageController.enter(request, AuthenticateStage.key)
    if request.user.is_authenticated or stage is None or not isinstance(stage.login.user, User):
        return redirect("/" if request.user.is_authenticated else "account_login")
    user = stage.login.user
    form = ProofForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        known, answer = browsers.known(request, user.username), form.cleaned_data["credential"]
        typed = form.cleaned_data["code"]
        try:
            factor = guessing.slowly(
                f"code|{user.pk}|{known}",
                lambda: passkeys.proved(user, answer) if answer else second.check(user, typed),
                pace=guessing.CODE,
                known=True,  # nothing is stretched for a code
            )
        except guessing.NotNow as refusal:
            return pacing.page(request, "console/code.html", form, refusal)
        if factor is not None:
            return _signed_in(request, stage, user, factor)
        staff_log.refused(user.username)
        if answer:
            form.add_error(None, _("This passkey is not one of yours. Try again, or type the code."))
        else:
            form.add_error("code", _("This code is not right, or it was used already. Wait for the next one."))
    context: dict[str, Any] = {"form": form, "possible": possible(request)}
    if passkeys.of(user):
        context["options"] = passkeys.ask_for(user)
    return render(request, "console/code.html", context, status=422 if form.errors else 200)


def _signed_in(request: AnyRequest, stage: AuthenticateStage, user: User, factor: Authenticator) -> HttpResponse:
    second.note_passed(request, user, factor.type)
    response: HttpResponse = stage.exit()
    if request.session.get(SESSION_KEY) == str(user.pk):
        spare = factor.type == Authenticator.Type.RECOVERY_CODES
        staff_log.note(user, Event.RECOVERY_CODE_USED if spare else Event.SIGNED_IN)
        browsers.remember(response, user.username)
        if spare:
            left = second.spare_left(user)
            said = ngettext("%(n)d recovery code is left.", "%(n)d recovery codes are left.", left) % {"n": left}
            messages.warning(request, said)
    return response


@open_to(PASS_PHRASE_ONLY)
@require_POST
def sign_out(request: AnyRequest) -> HttpResponse:
    """End the session here and forget its key."""
    session.drop(request)
    logout(request)
    return redirect("account_login")


@open_to(ANYONE)
@require_http_methods(["GET"])
def inactive(request: HttpRequest) -> HttpResponse:
    """Where somebody who left ends up."""
    return render(request, "console/left.html", status=403)


def begin_session(request: AnyRequest, user: User) -> HttpResponse:
    """Sign in somebody who has just made their key; the second factor comes next."""
    response: HttpResponse = perform_login(request, Login(user=user, redirect_url="/second-factor/"))
    return response


def _page(request: HttpRequest, template: str, form: forms.Form, status: int) -> HttpResponse:
    return render(request, template, {"form": form, "pending": unstash_login(request, peek=True)}, status=status)
