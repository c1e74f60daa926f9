"""The first program, its keys, its first people and their ladders. Run again, it changes nothing."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from intake.models import Program
from triage import promising
from triage.escalation import events
from triage.management import first_people, first_sign_ins
from triage.vault import kept
from triage.watching import canary_program


class Command(BaseCommand):
    help = "Make the first program, its keys, its first coordinator and chair, and their ladders, unless they exist."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="Riverside Tip Line", help="the program's name")
        parser.add_argument("--timezone", default="America/Toronto")
        first_people.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        settings.PAGER_EVENT_PUBLIC.write_text(events.public_key_hex() + "\n", encoding="ascii")
        if Program.objects.exists():
            first_sign_ins.repeat(self.stdout.write)
        else:
            first = Program(slug="first", name=options["name"], timezone=options["timezone"])
            first_people.begin(first, options, say=self.stdout.write)
        for program in Program.objects.all():
            kept.keep(program, {"receipt_pepper": settings.RECEIPT_PEPPER, "vault_pepper": settings.VAULT_PEPPER})
        canary_program.see_to(settings.CANARY_MAIL)
        promising.keep(timezone.now())
