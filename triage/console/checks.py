"""What a second person looks at afterwards: tips that could not wait and that one person closed, lowered or merged."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from triage.console import closing, guard, labels
from triage.console.forms import CheckForm
from triage.console.requests import UNLOCKED, ConsoleRequest, open_to
from triage.console.tip import Act, act_on
from triage.models import Checked, PendingCheck


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to check."""

    row: PendingCheck
    reference: str
    late: bool
    own: bool


@require_safe
def show(request: ConsoleRequest) -> HttpResponse:
    """List what waits, the soonest due first; one's own too, for a colleague to do."""
    now = timezone.now()
    lines = [
        Line(row, labels.reference(row.case_id), row.due_at < now, row.by_id == request.user.pk)
        for row in guard.waiting(request.user)
    ]
    return render(request, "console/checks.html", {"here": "board", "lines": lines})


@open_to(UNLOCKED)
@require_POST
def answer(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Say that it was right, or bring the tip back; on the page of the tip, which one has read for that."""

    def do(act: Act) -> HttpResponse:
        decide = closing.check if act.found["verdict"] == "right" else closing.bring_back
        did, note, now = Checked(act.found["did"]), act.found["note"], timezone.now()
        try:
            decide(act.case, did, note=note, by=request.user, root_key=act.key, now=now)
        except closing.NotTheSame:
            messages.warning(request, _("You did it yourself: somebody else looks at it. Nothing was changed."))
        except closing.NothingToCheck:
            messages.warning(request, _("Somebody looked at it meanwhile. Nothing was changed."))
        else:
            messages.success(request, _("On record, with your name."))
        return redirect("console:tip", case_id)

    return act_on(request, case_id, CheckForm, do)
