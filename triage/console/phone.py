"""Taking a tip over the phone: typed while somebody speaks, and stored through the same door as the form's.

Nothing here asks for, or has room for, the number that calls. Whoever types it sees the words once, to
read them out; then the tip comes to the board like any other, assessed and paged.
"""

import secrets

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as now_
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from intake import actions, keys
from intake.channels.forms import TipForm
from intake.message import Identity, Message
from tipline.kernel.receipts import Phrase
from triage.console import cribs, programs
from triage.console.requests import UNLOCKED, ConsoleRequest, open_to

_ICAO = """Alfa Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliett Kilo Lima Mike November Oscar Papa Quebec
Romeo Sierra Tango Uniform Victor Whiskey X-ray Yankee Zulu"""
SPELLED = {word[0].lower(): word for word in _ICAO.split()}
"""ICAO spelling alphabet. Source: ICAO Annex 10, volume II, 5.2.1.3."""
KEY_LENGTH = 32


class PhoneForm(TipForm):
    """The form of the street door without the fields for who the sender is: a voice is enough of a trace."""

    name = None  # type: ignore[assignment]
    reach = None  # type: ignore[assignment]
    # Made with the page: sending the page twice stores one tip.
    key = forms.RegexField(rf"\A[\w-]{{{KEY_LENGTH}}}\Z", error_messages={"required": _("Open the page anew.")})

    def message(self) -> Message:
        given = dict(self.cleaned_data)
        del given["key"]
        return Message(**given)


@open_to(UNLOCKED)
@require_http_methods(["GET", "HEAD", "POST"])
def take(request: ConsoleRequest) -> HttpResponse:
    """Show the form; store what was typed and show the words to read out, in this one answer."""
    here = programs.current(request)
    if here is None:
        raise Http404
    if request.method != "POST" or "text" not in request.POST:
        return _page(request, PhoneForm(initial={"key": secrets.token_urlsafe(24)}))
    form = PhoneForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    key = form.cleaned_data["key"]
    try:
        done = actions.submit(here.program, form.message(), Identity(), channel="phone", key=key, now=timezone.now())
    except actions.KeyReused:
        form.add_error(None, now_("This page sent something else already. Open the page anew for another caller."))
        return _page(request, form, status=409)
    except keys.KeyNotTrusted:
        form.add_error(None, now_("It cannot be stored just now: the program's keys do not fit. Call your operator."))
        return _page(request, form, status=503)
    if done.phrase is None:
        messages.success(request, now_("It is stored. Its words were shown, and cannot be shown again."))
        return redirect("console:board")
    return render(request, "console/phone_receipt.html", {"here": "phone", "words": _spelled(done.phrase), "key": key})


@open_to(UNLOCKED)
@require_POST
def read_out(request: ConsoleRequest) -> HttpResponse:
    """Say that the words were read out: from now on Back and Reload show them no more."""
    here, key = programs.current(request), request.POST.get("key", "")
    if here is not None and len(key) == KEY_LENGTH:
        actions.spend(here.program, key, timezone.now())
    messages.success(request, now_("Stored. It comes to the board like any other tip."))
    return redirect("console:board")


def _spelled(phrase: Phrase) -> list[tuple[str, str, str]]:
    """Each word with its number and how to spell it."""
    return [
        (word, number, " ".join(SPELLED.get(letter, letter) for letter in word))
        for word, number in zip(phrase.words, phrase.numbers, strict=True)
    ]


def _page(request: ConsoleRequest, form: PhoneForm, status: int = 200) -> HttpResponse:
    context = {"here": "phone", "form": form, "always": cribs.ALWAYS, "cribs": cribs.of_categories()}
    return render(request, "console/phone.html", context, status=status)
