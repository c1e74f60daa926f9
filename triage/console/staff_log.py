"""What is put on record about signing in. Tipsters leave no such record; the people who read them do."""

from django.db import transaction
from django.utils import timezone

from intake.models import Program
from triage.audit.chain import Event, record
from triage.models import Membership, User
from triage.vault.backend import person


@transaction.atomic
def note(user: User, event: Event) -> None:
    """Record what somebody did in the chain of each of their programs."""
    # In one order, so that two people of two programs never wait for each other.
    for membership in Membership.objects.filter(user=user).order_by("program_id"):
        record(membership.program_id, event, actor=user, now=timezone.now())


@transaction.atomic
def refused(name: str) -> None:
    """Record a refused sign-in; a name nobody has takes the same steps, in the first program's chain."""
    user = person(name)
    programs = Program.objects.order_by("pk")
    program = (programs.filter(memberships__user=user).first() if user else None) or programs.first()
    if program is not None:
        record(program, Event.SIGN_IN_REFUSED, actor=user, now=timezone.now())
