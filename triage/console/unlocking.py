"""Unlocking again after a rest: the pass phrase only, on the page one was on, with what one had typed."""

from django import forms
from django.http import HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from triage.audit.chain import Event
from triage.console import pacing, staff_log
from triage.console.requests import PASSKEY_ALONE, AnyRequest, ConsoleRequest, came_from, open_to
from triage.models import User
from triage.vault import browsers, guessing, keys, session

FIELD = "unlock_with"

LOCKED = _("Nobody did anything here for a while, or you locked it. Nothing can be read until you unlock.")
WITHOUT_WORDS = _("You signed in with a passkey alone: you can take tips from the board. For the rest, unlock.")
STALE = _("You are about to change how you sign in. Type your six words once more, so that it is you.")


class UnlockForm(forms.Form):
    """One's pass phrase."""

    unlock_with = forms.CharField(
        label=_("Your six words"),
        max_length=200,
        error_messages={"required": _("Type your six words.")},
    )


def in_place(request: AnyRequest, why: str | Promise) -> HttpResponse | None:
    """Answer a locked request with the unlock form, or unlock and let the request go on (None).

    What was posted travels along as hidden fields of this one answer, so that nothing typed is lost or stored.
    """
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    if FIELD not in request.POST:
        return _ask(request, UnlockForm(auto_id="id_%s"), why)
    form = UnlockForm(request.POST)
    if not try_unlock(request, form):
        return _ask(request, form, why, status=422)
    if request.POST.get("unlock_for") == "GET":
        return HttpResponseRedirect(request.get_full_path())
    return None


def try_unlock(request: AnyRequest, form: UnlockForm) -> bool:
    """Open the signed-in person's key with what was typed; says on the form why not."""
    user = request.user
    if not form.is_valid() or not isinstance(user, User):
        return False
    known = browsers.known(request, user.username)
    words = form.cleaned_data[FIELD]
    try:
        unlocked = guessing.slowly(f"unlock|{user.pk}|{known}", lambda: keys.unlock(user, words), known=bool(known))
    except guessing.NotNow as refusal:
        form.add_error(FIELD, pacing.text(refusal))
        return False
    if unlocked is None:
        staff_log.refused(user.username)
        form.add_error(FIELD, _("These are not your words. Check the spelling and the order."))
        return False
    if not session.words_given(request):
        staff_log.note(user, Event.SIGNED_IN)
    session.put(request, unlocked, now=timezone.now())
    request.vault = unlocked
    return True


def _ask(request: AnyRequest, form: UnlockForm, why: str | Promise, status: int = 200) -> HttpResponse:
    typed = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in {FIELD, "csrfmiddlewaretoken", "unlock_for"}
        for value in values
    ]
    asked_by_get = request.method == "GET" or request.POST.get("unlock_for") == "GET"
    context = {
        "form": form,
        "why": why,
        "typed": typed,
        "unlock_for": "GET" if asked_by_get else "POST",
        "action": request.get_full_path(),
    }
    return render(request, "console/unlock.html", context, status=status)


@open_to(PASSKEY_ALONE)
@require_http_methods(["GET", "POST"])
def unlock(request: ConsoleRequest) -> HttpResponse:
    """Unlock from the button in the header, and go back to where one was."""
    target = came_from(request) or "/"
    why = LOCKED if session.words_given(request) else WITHOUT_WORDS
    if request.vault is not None:
        return HttpResponseRedirect(target)
    if request.method == "GET":
        return _ask(request, UnlockForm(), why)
    form = UnlockForm(request.POST)
    return HttpResponseRedirect(target) if try_unlock(request, form) else _ask(request, form, why, status=422)


@open_to(PASSKEY_ALONE)
@require_http_methods(["GET", "POST"])
def cover(request: ConsoleRequest) -> HttpResponse:
    """Say to a page that is open whether it may be seen (204) or must be covered (423); posted to, unlock.

    The page keeps what was typed and where one stood; see static/lock.js.
    """
    if request.method == "POST":
        if request.POST.get("who") != str(request.user.pk):
            # Somebody else signed in meanwhile: what stands under the cover is not theirs.
            return HttpResponse(status=409)
        form = UnlockForm(request.POST)
        if not try_unlock(request, form):
            said = " ".join(str(error) for error in form.errors[FIELD])
            return HttpResponse(said, status=422, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=423 if request.vault is None else 204, headers={"X-CSRFToken": get_token(request)})


@open_to(PASSKEY_ALONE)
@require_POST
def lock(request: ConsoleRequest) -> HttpResponse:
    """Lock at once, without signing out."""
    session.drop(request)
    return redirect("/")
