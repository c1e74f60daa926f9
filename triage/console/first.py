"""The first sign-in: one-time code, pass phrase written down, second factor, recovery codes."""

import secrets

import segno
from allauth.mfa.adapter import get_adapter
from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from triage.audit.chain import Event
from triage.console import pacing, staff_log
from triage.console.requests import ANYONE, JUST_UNLOCKED, PASS_PHRASE_ONLY, AnyRequest, ConsoleRequest, open_to
from triage.console.signing_in import CodeForm, begin_session
from triage.models import Invitation, User
from triage.vault import browsers, guessing, keys, phrases, second, session, sessions

CODE, PHRASE, SECRET, WHO, SPARE = "one-time code", "pass phrase", "totp secret", "invitation", "recovery codes"


WRONG_CODE = _("Name and code do not belong together, or the code was used. Ask for a new one.")
ELSEWHERE = _("You have six words of your own, and they open another program.")


class FirstForm(forms.Form):
    """Who, and the one-time code they were given."""

    username = forms.CharField(
        label=_("Your sign-in name"),
        max_length=60,
        error_messages={"required": _("Type your sign-in name.")},
    )
    code = forms.CharField(
        label=_("Your one-time code: six words"),
        max_length=200,
        error_messages={"required": _("Type the six words you were given.")},
    )
    lost = forms.BooleanField(label=_("I have lost my own six words"), required=False)


class ConfirmForm(forms.Form):
    """The pass phrase, typed from the paper."""

    typed = forms.CharField(
        label=_("Now type the six words from your paper"),
        max_length=200,
        error_messages={"required": _("Type the six words, to see that the paper is right.")},
    )

    def __init__(self, *args: object, phrase: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.phrase = phrase

    def clean_typed(self) -> str:
        typed = phrases.tidy(self.cleaned_data["typed"])
        if not secrets.compare_digest(typed.encode(), self.phrase.encode()):
            raise forms.ValidationError(_("This is not the same. Check each word on your paper."))
        return typed


@open_to(ANYONE)
@require_http_methods(["GET", "POST"])
def first(request: AnyRequest) -> HttpResponse:
    """Ask for the one-time code. Nothing is used up until the pass phrase is on paper."""
    if request.user.is_authenticated:
        return redirect("/")
    form = FirstForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name, code = form.cleaned_data["username"].strip(), form.cleaned_data["code"]
        try:
            invitation = guessing.slowly(f"first|{name.casefold()}", lambda: keys.open_invitation(name, code))
        except guessing.NotNow as refusal:
            return pacing.page(request, "console/first.html", form, refusal)
        lost = form.cleaned_data["lost"]
        if invitation is not None and not lost and keys.opens_elsewhere(invitation.user, invitation.program_id):
            form.add_error("lost", ELSEWHERE)
        elif invitation is not None:
            session.renew(request)
            for field, text in ((CODE, code), (PHRASE, phrases.generate()), (WHO, str(invitation.pk))):
                session.hide(request, field, text)
            return redirect("console:first_phrase")
        else:
            staff_log.refused(name)
            form.add_error(None, WRONG_CODE)
    return render(request, "console/first.html", {"form": form}, status=422 if form.errors else 200)


@open_to(ANYONE)
@require_http_methods(["GET", "POST"])
def phrase(request: AnyRequest) -> HttpResponse:
    """Show the new pass phrase until it was typed from paper; then make the person's key with it."""
    words, code, who = (session.shown(request, field) for field in (PHRASE, CODE, WHO))
    if request.user.is_authenticated or words is None or code is None or who is None:
        return redirect("console:first")
    form = ConfirmForm(request.POST or None, phrase=words)
    if request.method == "POST" and form.is_valid():
        invitation = Invitation.objects.select_related("user").filter(pk=who).first()
        try:
            if invitation is None:
                raise keys.WrongCode
            unlocked, _words = keys.accept(invitation, code, words)
        except keys.WrongCode:
            session.forget(request, CODE, PHRASE, WHO)
            return redirect("console:first")
        session.forget(request, CODE, PHRASE, WHO)
        # After a lost pass phrase: what was opened with the old one ends.
        sessions.end_everywhere(invitation.user)
        session.put(request, unlocked, now=timezone.now())
        staff_log.note(invitation.user, Event.FIRST_SIGN_IN)
        return begin_session(request, invitation.user)
    context = {"form": form, "words": words.split()}
    return render(request, "console/first_phrase.html", context, status=422 if form.errors else 200)


@open_to(PASS_PHRASE_ONLY)
@require_http_methods(["GET", "POST"])
def second_factor(request: ConsoleRequest) -> HttpResponse:
    """Pair an authenticator app. Until then no other page opens."""
    if second.enrolled(request.user):
        return redirect("/")
    return _pair(request)


@open_to(JUST_UNLOCKED)
@require_http_methods(["GET", "POST"])
def another_app(request: ConsoleRequest) -> HttpResponse:
    """Pair another app; the one before ends, and with it every other session."""
    return _pair(request, instead=True)


def _pair(request: ConsoleRequest, *, instead: bool = False) -> HttpResponse:
    user = request.user
    secret = session.shown(request, SECRET)
    if secret is None:
        secret = second.new_secret()
        session.hide(request, SECRET, secret)
    form = CodeForm(request.POST if "code" in request.POST else None)
    if request.method == "POST" and form.is_valid():
        # The secret stands on this very page: nothing is guessed here.
        period = second.matching_period(secret, form.cleaned_data["code"])
        if period is not None and (codes := second.enrol(user, secret, period, instead=instead)):
            session.forget(request, SECRET)
            session.hide(request, SPARE, " ".join(codes))
            if instead:
                staff_log.factors_changed(request)
            else:
                second.note_passed(request, user, "totp")
            response = redirect("console:recovery_codes")
            browsers.remember(response, user.username)
            return response
        form.add_error("code", _("This code is not right. Wait for the next one and type it at once."))
    context = {"form": form, "secret": _in_fours(secret), "qr": _qr(user, secret), "first": not instead}
    if not instead:
        # No name, so no buttons in the header: nothing of them works yet.
        context["user"] = None
    return render(request, "console/pair.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def recovery_codes(request: ConsoleRequest) -> HttpResponse:
    """Show the recovery codes, once: until [I have them] is pressed."""
    codes = session.shown(request, SPARE)
    if request.method == "POST" or codes is None:
        session.forget(request, SPARE)
        return redirect("/")
    context = {"codes": [f"{code[:4]} {code[4:]}" for code in codes.split()]}
    return render(request, "console/spare.html", context)


def _in_fours(secret: str) -> str:
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def _qr(user: User, secret: str) -> SafeString:
    """Draw the picture the app reads, inside the page: no request for it, nothing to keep."""
    url = get_adapter().build_totp_url(user, secret)
    # Black on white also in the dark: some apps read nothing else. Made of our own numbers only.
    drawn = segno.make(url, error="m").svg_inline(scale=4, border=4, dark="#000", light="#fff", svgclass="qr")
    return mark_safe(drawn)  # noqa: S308
