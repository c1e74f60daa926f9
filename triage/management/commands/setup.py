"""The first program, its keys, its first people and their ladders. Run again, it changes nothing."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils import timezone

from intake.models import Program, ProgramKey, Purpose
from triage import promising
from triage.escalation import contacts, events
from triage.models import (
    Channel,
    Invitation,
    Ladder,
    LadderStep,
    LadderWho,
    Membership,
    OnCall,
    Role,
    Urgency,
    User,
)
from triage.vault import kept, pins
from triage.vault import keys as vault
from triage.watching import canary_program

FIRST_SIGN_IN = "first-sign-in.txt"

WRITTEN = [Channel.SMS, Channel.EMAIL]
ALL = [Channel.VOICE, *WRITTEN]
# (seconds after the start, who, by what).
IMMINENT = [
    (0, LadderWho.EVERYONE, ALL),
    (120, LadderWho.NEXT, ALL),
    (240, LadderWho.NEXT, ALL),
    (360, LadderWho.SUPERVISORS, ALL),
]
URGENT = [
    (0, LadderWho.FIRST, WRITTEN),
    (120, LadderWho.FIRST, [Channel.VOICE]),
    (300, LadderWho.NEXT, ALL),
    (900, LadderWho.EVERYONE, ALL),
    (1800, LadderWho.SUPERVISORS, ALL),
]


class Command(BaseCommand):
    help = "Make the first program, its keys, its first coordinator and chair, and their ladders, unless they exist."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="Riverside Tip Line", help="the program's name")
        parser.add_argument("--timezone", default="America/Toronto")
        parser.add_argument("--coordinator-email", default="")
        parser.add_argument("--coordinator-phone", default="", help="with country code, e.g. +14165550123")
        parser.add_argument("--chair-email", default="")
        parser.add_argument("--chair-phone", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        settings.PAGER_EVENT_PUBLIC.write_text(events.public_key_hex() + "\n", encoding="ascii")
        if not Program.objects.exists():
            self._first_program(options)
        for program in Program.objects.all():
            kept.keep(program, {"receipt_pepper": settings.RECEIPT_PEPPER, "vault_pepper": settings.VAULT_PEPPER})
        canary_program.see_to(settings.CANARY_MAIL)
        promising.keep(timezone.now())
        self._say_open_invitations()

    def _first_program(self, options: dict[str, Any]) -> None:
        with transaction.atomic():
            program = Program.objects.create(
                slug="first",
                name=options["name"],
                timezone=options["timezone"],
                changed_on=timezone.now().date(),
            )
            seeds = vault.create_program_keys(program)
            coordinator = self._person(program, "coordinator", "First coordinator", Role.COORDINATOR)
            chair = self._person(program, "chair", "Chair of the board", Role.OVERSIGHT)
            for user, who in ((coordinator, "coordinator"), (chair, "chair")):
                self._contacts(program, user, options[f"{who}_email"], options[f"{who}_phone"], demo=who)
            OnCall.objects.create(program=program, user=coordinator, position=0)
            for oversight in (False, True):
                self._ladders(program, oversight=oversight)
            codes = {
                user.username: vault.invite(user, program, self._to_hold(program, user, seeds), until_kit=True)
                for user in (coordinator, chair)
            }
            pins.add(vault.pin_lines(program))
        if settings.LOCAL:
            # On one machine under one user a file hides nothing more; it spares a newcomer who cleared the screen.
            path = settings.STATE_DIR / FIRST_SIGN_IN
            path.touch(mode=0o600)
            path.write_text("".join(f"{name} {code}\n" for name, code in codes.items()), encoding="ascii")
        else:
            for name, code in codes.items():
                self.stdout.write(self._line(name, code))

    def _person(self, program: Program, username: str, name: str, role: Role) -> User:
        user = User.objects.create_user(username=username, name=name)
        Membership.objects.create(program=program, user=user, role=role)
        return user

    def _contacts(self, program: Program, user: User, email: str, phone: str, *, demo: str) -> None:
        if settings.LOCAL:
            email = email or f"{demo}@example.org"
            phone = phone or {"coordinator": "+14165550101", "chair": "+14165550102"}[demo]
        if email:
            contacts.add_contact(user, program, Channel.EMAIL, email)
        if phone:
            contacts.add_contact(user, program, Channel.SMS, phone)
            contacts.add_contact(user, program, Channel.VOICE, phone)

    def _ladders(self, program: Program, *, oversight: bool) -> None:
        for urgency, steps in ((Urgency.IMMINENT, IMMINENT), (Urgency.URGENT, URGENT)):
            ladder = Ladder.objects.create(program=program, urgency=urgency, oversight=oversight)
            for position, (after, who, channels) in enumerate(steps):
                LadderStep.objects.create(
                    program=program, ladder=ladder, position=position, after_seconds=after, who=who, channels=channels
                )

    def _to_hold(self, program: Program, user: User, seeds: dict[Purpose, bytes]) -> dict[ProgramKey, bytes]:
        wanted = vault.purposes_for(user, program)
        found = ProgramKey.objects.filter(program=program, retired=False, purpose__in=wanted)
        return {key: seeds[Purpose(key.purpose)] for key in found}

    def _say_open_invitations(self) -> None:
        path = settings.STATE_DIR / FIRST_SIGN_IN
        waiting = set(Invitation.objects.filter(used=False).values_list("user__username", flat=True))
        if not path.exists():
            return
        codes = dict(line.split(" ", 1) for line in path.read_text(encoding="ascii").splitlines())
        if not waiting & set(codes):
            path.unlink()
        for name, code in codes.items():
            if name in waiting:
                self.stdout.write(self._line(name, code))

    def _line(self, name: str, code: str) -> str:
        return f"First sign-in  {settings.CONSOLE_URL}/first/  name: {name}  one-time code: {code}"
