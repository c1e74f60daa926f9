"""Reading more than one's own: many tips within an hour, or one a colleague has in hand, asks a reason.

It refuses nobody. The reason is sealed with the tip, and a second person is told that there is one.
"""

from datetime import datetime

from django import forms
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from tipline.kernel import times
from triage.audit.chain import Event
from triage.console.cases import put_on_record
from triage.console.labels import reference
from triage.console.requests import ConsoleRequest
from triage.models import AuditEntry, Case, CaseStatus, Escalation, IdentityRequest, PendingCheck, User

MANY = 20
"""Tips opened by one person within an hour of the clock, after which the next asks a reason, once in that hour."""


class WhyForm(forms.Form):
    """Why one opens it, in a few words."""

    why = forms.CharField(
        label=_("Why do you open it?"),
        min_length=5,
        max_length=500,
        error_messages={
            "required": _("Write why, in a few words."),
            "min_length": _("A few words more: somebody else reads this."),
        },
    )


def asks(case: Case, *, by: User, now: datetime) -> Event | None:
    """Return what about this opening asks a reason, as it would be recorded; None for an ordinary one."""
    mine = AuditEntry.objects.filter(program=case.program_id, actor=by)
    if mine.filter(tip=case.tip_id, event=Event.TIP_OPENED).exists():
        return None
    # Somebody waits for this reader: no question may stand in the way.
    if case.unread or Escalation.objects.running().filter(case=case).exists():
        return None
    this_hour = mine.filter(hour=times.hour(now))
    if (
        this_hour.filter(event=Event.TIP_OPENED).values("tip").distinct().count() >= MANY
        and not this_hour.filter(event=Event.OPENED_MANY).exists()
    ):
        return Event.OPENED_MANY
    if PendingCheck.objects.filter(case=case).exclude(by=by).exists():
        # Being the second person is the reason.
        return None
    whose = case.taken_by
    in_hand = case.status in (CaseStatus.OPEN, CaseStatus.CLOSED) and whose and whose.is_active and whose != by
    if in_hand and not IdentityRequest.objects.filter(case=case, until__gt=now).exclude(asked_by=by).exists():
        return Event.OPENED_ANOTHERS
    return None


@transaction.atomic
def note_reason(case: Case, what: Event, why: str, *, by: User, root_key: bytes, now: datetime) -> None:
    """Put the reason on record, sealed with the tip. The watch tells a second person that there is one."""
    put_on_record(case, what, by, now, root_key, why=why)


def ask(request: ConsoleRequest, case: Case, what: Event, form: WhyForm) -> HttpResponse:
    """Ask, on a page of its own that goes on to the opening."""
    context = {
        "program": case.program,
        "case": case,
        "reference": reference(case.pk),
        "form": form,
        "many": what == Event.OPENED_MANY,
        "limit": MANY,
    }
    return render(request, "console/why.html", context, status=422 if form.errors else 200)
