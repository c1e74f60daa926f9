"""Stepping aside from a tip about people one knows, and letting a colleague see it again."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from triage.console.requests import ConsoleRequest
from triage.escalation import recusing
from triage.models import Case, User


@require_POST
def step_aside(request: ConsoleRequest, case_id: UUID) -> HttpResponse:
    """Take oneself out of it, in one press and for no reason given."""
    case = get_object_or_404(Case.objects.visible_to(request.user), pk=case_id)
    try:
        recusing.step_aside(case, by=request.user, now=timezone.now())
    except recusing.NobodyElse:
        messages.error(
            request, _("Nobody else here can read this tip yet. Let a colleague in first, or ask your chair for one.")
        )
        return redirect("console:tip", case_id)
    messages.success(request, _("You are out of it: you see it no more, and a colleague has it now."))
    return redirect("console:board")


@require_POST
def let_back(request: ConsoleRequest, case_id: UUID, user_id: UUID) -> HttpResponse:
    """Let a colleague see it again who had stepped aside."""
    case = get_object_or_404(Case.objects.visible_to(request.user), pk=case_id)
    user = get_object_or_404(User.objects.filter(memberships__program=case.program_id), pk=user_id)
    if recusing.let_back(case, user, by=request.user, now=timezone.now()):
        messages.success(request, _("%(name)s can see it again.") % {"name": user.name})
    else:
        messages.warning(request, _("Nothing was changed."))
    return redirect("console:tip", case_id)
