"""Tokens one makes for programs of one's own: made here, shown once, revoked here."""

from datetime import timedelta
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as now_
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from triage.console.people import own_program, vault_of
from triage.console.requests import JUST_UNLOCKED, UNLOCKED, ConsoleRequest, open_to
from triage.vault import session, tokens
from triage.vault.people import NotHeld

TOKEN = "token for a program"  # noqa: S105  the name under which it is kept, sealed, until it was seen
DAYS = ((7, _("A week")), (30, _("30 days")), (90, _("90 days")), (365, _("A year")))


class TokenForm(forms.Form):
    """What a token is for, what it may do, until when."""

    name = forms.CharField(
        label=_("What is it for?"),
        max_length=60,
        error_messages={"required": _("Give it a name, so that you know it again.")},
    )
    may_take = forms.BooleanField(label=_("May take tips in your name"), required=False)
    reads = forms.BooleanField(label=_("May read tips"), required=False)
    days = forms.TypedChoiceField(
        label=_("How long?"),
        choices=DAYS,
        coerce=int,
        initial=30,
        error_messages={"required": _("Choose how long it works."), "invalid_choice": _("Choose how long it works.")},
    )


@open_to(UNLOCKED)
@require_safe
def show(request: ConsoleRequest) -> HttpResponse:
    """List one's own tokens, with the form for another."""
    return _page(request, TokenForm())


@open_to(JUST_UNLOCKED)
@require_POST
def make(request: ConsoleRequest) -> HttpResponse:
    """Make a token; the page that follows shows it once."""
    form, now = TokenForm(request.POST), timezone.now()
    if form.is_valid():
        given = form.cleaned_data
        try:
            text = tokens.make(
                own_program(request),
                by=request.user,
                name=given["name"],
                may_take=given["may_take"],
                reads=given["reads"],
                expires_on=now.date() + timedelta(days=given["days"]),
                unlocked=vault_of(request),
                now=now,
            )
        except tokens.NameTaken:
            form.add_error("name", _("You have a token of this name. Choose another, or revoke that one first."))
        except tokens.TooMany:
            form.add_error(None, _("You have twenty tokens. Revoke one first."))
        except NotHeld:
            form.add_error("reads", _("You do not hold that key, so you cannot give it."))
        else:
            session.hide(request, TOKEN, text)
            return redirect("console:made_token")
    return _page(request, form, status=422)


@open_to(UNLOCKED)
@require_http_methods(["GET", "POST"])
def made(request: ConsoleRequest) -> HttpResponse:
    """Show the token until it was put where it is needed."""
    text = session.shown(request, TOKEN)
    if request.method == "POST" or text is None:
        session.forget(request, TOKEN)
        return redirect("console:tokens")
    return render(request, "console/token_made.html", {"here": "you", "token": text})


@open_to(UNLOCKED)
@require_POST
def revoke(request: ConsoleRequest, token_id: UUID) -> HttpResponse:
    """End one of one's own tokens at once."""
    token = get_object_or_404(tokens.of(request.user, own_program(request)), pk=token_id)
    name = token.name
    tokens.revoke(token, by=request.user, now=timezone.now())
    messages.success(request, now_("“{name}” opens nothing any more.").format(name=name))
    return redirect("console:tokens")


def _page(request: ConsoleRequest, form: TokenForm, *, status: int = 200) -> HttpResponse:
    today = timezone.now().date()
    mine = tokens.of(request.user, own_program(request))
    context = {"here": "you", "tokens": mine, "form": form, "today": today}
    return render(request, "console/tokens.html", context, status=status)
