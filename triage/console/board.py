"""The board: the first page of a coordinator's night and day."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from triage.console import closing, guard, labels, programs, saved, work
from triage.console.filters import Filters
from triage.console.forms import UndoForm
from triage.console.requests import PASSKEY_ALONE, ConsoleRequest, open_to
from triage.console.rows import board as put_together
from triage.console.rows import fingerprint
from triage.custody import handing
from triage.learning import quality
from triage.models import Case, CaseStatus, Urgency

WHOSE = (
    ("nobody", _("Nobody has it")),
    ("mine", _("Mine")),
    ("unread", _("Unread messages")),
    ("waiting", _("Waiting for the sender")),
    ("due", _("Look again")),
)


@open_to(PASSKEY_ALONE)
@require_safe
def board(request: ConsoleRequest) -> HttpResponse:
    """Show the whole page."""
    filters = Filters.of(request.GET.dict())
    if request.vault is not None:
        handing.begin(request.vault)
    waits = handing.needed().exists()
    if request.vault is not None and waits:
        # The page one comes to after unlocking: what waits for a key has it from here.
        handing.feed(request.vault, now=timezone.now())
    context = _context(request, filters) | {
        "undo": _closed_just_now(request),
        "checks": guard.count(request.user),
        "work": waits and work.moving(request.user),
        "views": _views(request),
        "name_limit": saved.NAME_LIMIT,
        "second_looks": len(quality.waiting(request.user, today=quality.today_of(timezone.now()))),
    }
    return render(request, "console/board.html", context)


@open_to(PASSKEY_ALONE)
@require_safe
def rows(request: ConsoleRequest) -> HttpResponse:
    """Show what moves on the board; nothing at all (204) while it would look the same."""
    filters = Filters.of(request.GET.dict())
    now = timezone.now()
    if request.GET.get("v") == fingerprint(request.user, filters, request.vault, now):
        return HttpResponse(status=204)
    return render(request, "console/_rows.html", _context(request, filters))


def _views(request: ConsoleRequest) -> list[saved.View]:
    program = programs.program(request)
    return saved.of(program, request.user, request.vault) if program and request.vault else []


def _closed_just_now(request: ConsoleRequest) -> tuple[Case, str, UndoForm] | None:
    """The tip this person closed last, if the address names it and nothing happened to it since."""
    try:
        wanted = UUID(request.GET.get("undo", ""))
    except ValueError:
        return None
    case = Case.objects.visible_to(request.user).filter(pk=wanted, status=CaseStatus.CLOSED).first()
    if case is None or not closing.may_undo(case, request.user):
        return None
    return case, labels.reference(case.pk), UndoForm(initial={"version": case.version})


def _context(request: ConsoleRequest, filters: Filters) -> dict[str, object]:
    user = request.user
    return {
        "here": "board",
        "board": put_together(user, filters, request.vault, now=timezone.now()),
        "filters": filters,
        "levels": [(code, label, filters.query(level=code)) for code, label in Urgency.choices],
        "whose": [(code, name, filters.query(who=code)) for code, name in WHOSE],
        "links": {
            "all": filters.query(level="", who="", category="", language=""),
            "open": filters.query(show="", who="", level="", category="", language=""),
            "closed": filters.query(show="closed", who="", level="", category="", language=""),
        },
        "query": f"&{filters.query()}" if filters.query() else "",
    }
