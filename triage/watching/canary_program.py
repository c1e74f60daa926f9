"""The canary's own program: keys whose private halves nobody keeps, a ladder of one mailbox. Made by `setup`."""

from django.db import transaction
from django.utils import timezone

from intake.models import CANARY, Program, ProgramKey
from triage.escalation import contacts
from triage.models import (
    Channel,
    Contact,
    Ladder,
    LadderStep,
    LadderWho,
    Membership,
    OnCall,
    Role,
    Urgency,
    User,
)
from triage.vault import keys, pins

NAME = "test-tip"
"""Of the "person" who gets the pages of test tips: no key, no invitation, no way to sign in."""
LOOP = 3600


def see_to(address: str) -> None:
    """Make the program if it is missing, and send its pages to this mailbox; an empty address stops them.

    Raises BadAddress.
    """
    if not address:
        Contact.objects.filter(program_id=CANARY).update(active=False)
        return
    with transaction.atomic():
        program, made = Program.everything.get_or_create(
            pk=CANARY,
            defaults={
                "slug": "canary",
                "name": "Canary",
                "identity_allowed": False,
                "changed_on": timezone.now().date(),
            },
        )
        if made:
            _fill(program)
        user = User.objects.get(username=NAME)
        Contact.objects.filter(program=program).update(active=False)
        contacts.add_contact(user, program, Channel.EMAIL, address)
        if not ProgramKey.objects.filter(program=program, retired=False).exists():
            # Nobody can ever open a test tip but the workers of its hour: nobody needs to.
            keys.create_program_keys(program)
            pins.add(keys.pin_lines(program))


def _fill(program: Program) -> None:
    user = User.objects.create_user(username=NAME, name="Test tip")
    Membership.objects.create(program=program, user=user, role=Role.COORDINATOR)
    OnCall.objects.create(program=program, user=user, position=0)
    for urgency in (Urgency.IMMINENT, Urgency.URGENT):
        ladder = Ladder.objects.create(program=program, urgency=urgency, loop_after=LOOP)
        LadderStep.objects.create(
            program=program,
            ladder=ladder,
            position=0,
            after_seconds=0,
            who=LadderWho.EVERYONE,
            channels=[Channel.EMAIL],
        )
