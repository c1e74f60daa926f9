"""The board: the first page of a coordinator's night and day."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from triage.console import work
from triage.console.requests import PASSKEY_ALONE, ConsoleRequest, open_to
from triage.console.rows import Filters, fingerprint
from triage.console.rows import board as put_together
from triage.custody import handing
from triage.learning import quality
from triage.models import Urgency


@open_to(PASSKEY_ALONE)
@require_safe
def board(request: ConsoleRequest) -> HttpResponse:
    """Show the whole page."""
    filters = Filters.of(request.GET.dict())
    if request.vault is not None:
        # The page one comes to after unlocking: what waits for a key has it from here.
        handing.feed(request.vault, now=timezone.now())
    context = _context(request, filters) | {
        "work": work.moving(request.user),
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


def _context(request: ConsoleRequest, filters: Filters) -> dict[str, object]:
    user = request.user
    return {
        "here": "board",
        "board": put_together(user, filters, request.vault, now=timezone.now()),
        "filters": filters,
        "levels": [(code, label, filters.query(level=code)) for code, label in Urgency.choices],
        "links": {
            "all": filters.query(level="", who=""),
            "nobody": filters.query(who="nobody"),
            "mine": filters.query(who="mine"),
            "open": filters.query(show="", who="", level=""),
            "closed": filters.query(show="closed", who="", level=""),
        },
        "query": f"&{filters.query()}" if filters.query() else "",
    }
