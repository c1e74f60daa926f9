"""What is put on record about signing in. Tipsters leave no such record; the people who read them do."""

from django.contrib import messages
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from intake.models import Program
from triage.audit.chain import Event, record
from triage.console.requests import ConsoleRequest
from triage.models import Membership, User
from triage.vault import sessions
from triage.vault.backend import person


@transaction.atomic
def note(user: User, event: Event) -> None:
    """Record what somebody did in the chain of each of their programs."""
    # In one order, so that two people of two programs never wait for each other.
    for membership in Membership.objects.filter(user=user).order_by("program_id"):
        record(membership.program_id, event, actor=user, now=timezone.now())


@transaction.atomic
def refused(name: str) -> None:
    """Record a refused sign-in in the chain of each of the person's programs.

    A name nobody has takes the same steps, which are then undone: it belongs in no program's chain,
    and how long an answer takes must not tell who exists. So nothing waits for the disk either.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
    user = person(name)
    programs = list(Program.objects.filter(memberships__user=user).order_by("pk")) if user else []
    for program in programs or Program.objects.order_by("pk")[:1]:
        record(program, Event.SIGN_IN_REFUSED, actor=user, now=timezone.now())
    if not programs:
        transaction.set_rollback(True)


def factors_changed(request: ConsoleRequest) -> None:
    """Record that somebody changed how they sign in, and end their other sessions."""
    note(request.user, Event.FACTORS_CHANGED)
    if sessions.end_everywhere(request.user, but=request):
        messages.info(request, _("Your other sessions were ended."))
