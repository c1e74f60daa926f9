"""The first coordinator and the chair of a program, as an operator names them."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from intake.models import Program
from triage import founding, promising
from triage.escalation import contacts
from triage.founding import FirstPerson
from triage.management import first_sign_ins
from triage.models import Role

PEOPLE = {"coordinator": ("First coordinator", Role.COORDINATOR), "chair": ("Chair of the board", Role.OVERSIGHT)}


def add_arguments(parser: CommandParser) -> None:
    """Let the operator say who they are and how they are reached."""
    for who in PEOPLE:
        parser.add_argument(f"--{who}", default="", help="the sign-in name, of somebody new or of another program")
        parser.add_argument(f"--{who}-email", default="")
        parser.add_argument(f"--{who}-phone", default="", help="with country code, e.g. +14165550123")


def begin(program: Program, options: Mapping[str, Any], *, say: first_sign_ins.Say) -> None:
    """Begin a program with these people and hand out their codes. Raises CommandError, and nothing was made."""
    program.changed_on = timezone.now().date()
    beside = "" if not Program.objects.exists() else f"{program.slug}-"
    people = [
        FirstPerson(
            options[who] or f"{beside}{who}",
            name,
            role,
            options[f"{who}_email"] or (f"{beside}{who}@example.org" if settings.LOCAL else ""),
            options[f"{who}_phone"] or (f"+1416555{100 + number:04}" if settings.LOCAL else ""),
        )
        for number, (who, (name, role)) in enumerate(PEOPLE.items(), start=1 + 2 * Program.objects.count())
    ]
    if len({each.username.lower() for each in people}) < len(people):
        raise CommandError("Nothing was made. The coordinator and the chair are two people.")
    try:
        codes = founding.begin(program, people)
    except founding.NotYet as refused:
        raise CommandError(
            f"Nothing was made. {refused} has left, has not signed in yet, or the recovery kit of their program is "
            "not printed yet: until it is, their first code keeps a copy of its keys."
        ) from None
    except contacts.BadAddress:
        raise CommandError("Nothing was made. Write numbers like +14165550123 and plain e-mail addresses.") from None
    promising.keep(timezone.now())
    first_sign_ins.hand_out(codes, say)
