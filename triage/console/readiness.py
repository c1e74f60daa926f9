"""What a new program still has to do before its first night, as a short list that gets shorter."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from intake.models import Program
from triage.models import READERS, Drill, DrillState, Membership, OnCall, RecoveryKey, Role


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: what, why, where, and whether it is done."""

    what: str | Promise
    why: str | Promise
    place: str
    done: bool


def steps(program: Program) -> list[Step]:
    """Return all of them; five queries, and only the first page of a program asks."""
    signed_in = Membership.objects.filter(program=program, user__is_active=True, user__key__isnull=False)
    called = OnCall.objects.filter(program=program)
    answered = Drill.objects.filter(program=program, state=DrillState.ANSWERED)
    return [
        Step(
            _("Print the recovery kit"),
            _("Without it, a lost pass phrase loses every tip."),
            "console:kit",
            RecoveryKey.objects.filter(program=program, replaced=False).exists(),
        ),
        Step(
            _("Let a second person in who reads tips"),
            _("You sleep, fall ill, or know the people in a tip."),
            "console:people",
            signed_in.filter(role__in=READERS).count() > 1,
        ),
        Step(
            _("See that the chair has signed in"),
            _("Until then nobody reads tips about police, school or this program."),
            "console:people",
            signed_in.filter(role=Role.OVERSIGHT).exists(),
        ),
        Step(
            _("Put somebody on call"),
            _("With nobody on call, everybody is woken at once."),
            "console:people",
            called.exists(),
        ),
        Step(
            _("Send yourself a test page, and answer it"),
            _("A phone that does not ring is found out by day, not by night."),
            "console:reached",
            answered.exists(),
        ),
    ]
