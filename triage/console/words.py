"""Another pass phrase for oneself: shown, written down, typed from the paper; then it counts."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as now_
from django.views.decorators.http import require_http_methods

from triage.audit.chain import Event
from triage.console import staff_log
from triage.console.first import ConfirmForm
from triage.console.people import vault_of
from triage.console.requests import JUST_UNLOCKED, ConsoleRequest, open_to
from triage.vault import keys, phrases, session, sessions

NEW = "next pass phrase"


@open_to(JUST_UNLOCKED)
@require_http_methods(["GET", "POST"])
def change(request: ConsoleRequest) -> HttpResponse:
    """Show new words until they were typed from paper; then the old ones and all other sessions end."""
    words = session.shown(request, NEW)
    if words is None:
        words = phrases.generate()
        session.hide(request, NEW, words)
    form = ConfirmForm(request.POST if "typed" in request.POST else None, phrase=words)
    if form.is_bound and form.is_valid():
        unlocked = keys.change_phrase(vault_of(request), words)
        session.forget(request, NEW)
        session.put(request, unlocked, now=timezone.now())
        sessions.end_everywhere(request.user, but=request)
        staff_log.note(request.user, Event.PHRASE_CHANGED)
        messages.success(request, now_("Your new words count from now on. Tear up the old paper."))
        return redirect("console:you")
    context = {"here": "you", "form": form, "words": words.split(), "again": True}
    return render(request, "console/first_phrase.html", context, status=422 if form.errors else 200)
