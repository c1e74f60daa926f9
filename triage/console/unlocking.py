"""Unlocking again after a rest: the pass phrase only, on the page one was on, with what one had typed."""

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from triage.console import pacing
from triage.console.requests import AnyRequest, ConsoleRequest
from triage.models import User
from triage.vault import browsers, guessing, keys, session

FIELD = "unlock_with"


class UnlockForm(forms.Form):
    """One's pass phrase."""

    unlock_with = forms.CharField(
        label=_("Your six words"),
        max_length=200,
        error_messages={"required": _("Type your six words.")},
    )


def in_place(request: AnyRequest) -> HttpResponse | None:
    """Answer a locked request with the unlock form, or unlock and let the request go on (None).

    What was posted travels along as hidden fields, so that nothing typed is lost.
    """
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    if FIELD not in request.POST:
        return _ask(request, UnlockForm(auto_id="id_%s"))
    form = UnlockForm(request.POST)
    if not try_unlock(request, form):
        return _ask(request, form, status=422)
    if request.POST.get("unlock_for") == "GET":
        return redirect(request.get_full_path())
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
        form.add_error(FIELD, _("These are not your words. Check the spelling and the order."))
        return False
    session.put(request, unlocked, now=timezone.now())
    request.vault = unlocked
    return True


def _ask(request: AnyRequest, form: UnlockForm, status: int = 200) -> HttpResponse:
    typed = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in {FIELD, "csrfmiddlewaretoken", "unlock_for"}
        for value in values
    ]
    asked_by_get = request.method == "GET" or request.POST.get("unlock_for") == "GET"
    context = {
        "form": form,
        "typed": typed,
        "unlock_for": "GET" if asked_by_get else "POST",
        "action": request.get_full_path(),
    }
    return render(request, "console/unlock.html", context, status=status)


@require_http_methods(["GET", "POST"])
def unlock(request: ConsoleRequest) -> HttpResponse:
    """Unlock from the button in the header, and go back to where one was."""
    target = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    if request.vault is not None:
        return redirect(target)
    if request.method == "GET":
        return _ask(request, UnlockForm())
    form = UnlockForm(request.POST)
    return redirect(target) if try_unlock(request, form) else _ask(request, form, status=422)


@require_POST
def lock(request: ConsoleRequest) -> HttpResponse:
    """Lock at once, without signing out."""
    session.drop(request)
    return redirect("/")
