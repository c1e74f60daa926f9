"""Where somebody stands who reads no tips, and where somebody of several programs turns to another."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from triage.console import permissions, programs, readiness
from triage.console.requests import PASSKEY_ALONE, ConsoleRequest, open_to
from triage.models import READERS, Role

PLACES: list[tuple[str, str | Promise]] = [
    ("board", _("The board: tips that wait and tips in hand")),
    ("phone", _("Take a tip over the phone")),
    ("numbers", _("Numbers")),
    ("rota", _("Shifts: who is on call")),
    ("health", _("Is it running?")),
    ("people", _("The people and what they hold")),
    ("opened", _("Who opened what")),
    ("kit", _("The recovery kit")),
    ("work", _("Long work")),
    ("you", _("Your sign-in")),
]
SAYS: dict[str, str | Promise] = {
    Role.COORDINATOR: _("You read and answer tips."),
    Role.SUPERVISOR: _("You read and answer tips, and are called when nobody else answers."),
    Role.OVERSIGHT: _("You read the tips about police, school or this program, and see who opened what."),
    Role.BOARD: _("You decide with the board. You read no tips and hold no key."),
    Role.AGENCY: _("You receive what is passed on to you. You read no tips and hold no key."),
    Role.ADMINISTRATOR: _("You keep people and phones in order. You read no tips and hold no key."),
    Role.AUDITOR: _("You see who opened what. You read no tips and hold no key."),
}


@open_to(PASSKEY_ALONE)
@require_safe
def show(request: ConsoleRequest) -> HttpResponse:
    """List one's programs, what one is in each, and the places that open in the present one."""
    mine, here = programs.of(request), programs.current(request)
    todo = readiness.steps(here.program) if here and here.role in {*READERS, Role.OVERSIGHT} else []
    places = [(f"console:{name}", text) for name, text in PLACES if here and permissions.opens(request, name)]
    if here and permissions.may(here.role, "admin:index"):
        places.append(("admin:index", _("The administration: texts, names and ladders")))
    context = {
        "here": "start",
        "mine": [(each, SAYS[each.role]) for each in mine],
        "current": here,
        "steps": todo if not all(step.done for step in todo) else [],
        "places": places,
    }
    return render(request, "console/start.html", context)


@open_to(PASSKEY_ALONE)
@require_POST
def choose(request: ConsoleRequest, program_id: UUID) -> HttpResponse:
    """Turn to another program of one's own."""
    if not programs.choose(request, program_id):
        raise Http404
    return redirect("console:start")
