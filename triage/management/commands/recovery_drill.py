"""Try the recovery kit: two holders type their sheets, and nothing changes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from triage.management import typing_sheets
from triage.vault import recovery


class Command(BaseCommand):
    help = "Prove that the sheets open the recovery kit. Changes nothing but the day of the last try."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--program", default="", help="its short name, if there is more than one")

    def handle(self, *args: Any, **options: Any) -> None:
        program = typing_sheets.the_program(options["program"])
        kit, opened = typing_sheets.ask(program, read=input, say=self.stdout.write)
        for key in sorted(opened, key=lambda each: each.purpose):
            self.stdout.write(f"ok  {key.get_purpose_display()}")
        missing = recovery.state(program).missing
        if kit.replaced or missing:
            lacking = ", ".join(str(purpose.label) for purpose in missing)
            raise CommandError(f"The kit opens, but does not hold every key: {lacking}")
        now = timezone.now()
        recovery.drilled(kit, today=now.date(), now=now)
        self.stdout.write("The kit opens everything. Clear this screen, and put the sheets back.")
