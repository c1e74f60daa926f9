"""When everybody has lost their pass phrase: let a first person in with the sheets of the recovery kit."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from intake.models import Program, ProgramKey, Purpose
from triage.audit.chain import Event, record
from triage.management import typing_sheets
from triage.models import Membership, Role, User
from triage.vault import holders, kept, keys
from triage.vault.people import CODE_LASTS


class Command(BaseCommand):
    help = "Make a one-time code for a first person from the sheets of the recovery kit, or show the peppers it keeps."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", nargs="?", default="", help="the sign-in name, of somebody new or known")
        parser.add_argument("--name", default="", help="the full name of somebody new")
        parser.add_argument("--role", default=Role.COORDINATOR, choices=Role.values)
        parser.add_argument("--peppers", action="store_true", help="show the two peppers the kit keeps")
        parser.add_argument("--program", default="", help="its short name, if there is more than one")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["username"] and not options["peppers"]:
            raise CommandError("Name the person to let in, or give --peppers.")
        program = typing_sheets.the_program(options["program"])
        _kit, opened = typing_sheets.ask(program, read=input, say=self.stdout.write)
        if options["peppers"]:
            for key, seed in opened.items():
                for name, secret in sorted(kept.opened(key, seed).items()):
                    self.stdout.write(f"{name}: {secret}")
        if options["username"]:
            code = let_in(program, opened, options["username"], options["name"], Role(options["role"]))
            self.stdout.write(f"First sign-in  name: {options['username']}  one-time code: {code}")
            self.stdout.write("The sheets were typed into this machine: print a new kit when you are in.")


@transaction.atomic
def let_in(program: Program, opened: dict[ProgramKey, bytes], username: str, name: str, role: Role) -> str:
    """Return a one-time code for this person, with the keys of their role."""
    now = timezone.now()
    holders.hold_still(program.pk)
    user = User.objects.filter(username__iexact=username).first()
    if user is None:
        user = User.objects.create_user(username, name=name or username)
    elif not user.is_active:
        raise CommandError("This person left. Take another sign-in name.")
    Membership.objects.get_or_create(program=program, user=user, defaults={"role": role})
    wanted: set[Purpose] = keys.purposes_for(user, program)
    seeds = {key: seed for key, seed in opened.items() if key.purpose in wanted and not key.retired}
    if not seeds:
        raise CommandError("The kit holds no key for somebody of this role.")
    code = keys.invite(user, program, seeds, expires_at=now + CODE_LASTS)
    record(program, Event.RECOVERED, actor=user, now=now)
    return code
