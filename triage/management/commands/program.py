"""What a program says about itself and how it works: shown, and changed by whoever runs the server.

On purpose no page of the console: a stolen session must not be able to say that one person is enough.
"""

from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Field
from django.utils import timezone

from intake.models import Program
from triage import promising
from triage.watching import duty

SETTABLE = (
    "name",
    "timezone",
    "duty_hours",
    "emergency_number",
    "text_emergency",
    "crisis_line",
    "trafficking_hotline",
    "duty_text",
    "police_reader",
    "identity_allowed",
    "identity_needs_two",
)
YES_NO = {"yes": "True", "no": "False"}


class Command(BaseCommand):
    help = "Show what a program says about itself, or change it: program identity_needs_two=yes"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("changes", nargs="*", metavar="name=value", help=", ".join(SETTABLE))
        parser.add_argument("--slug", default="first", help="which program")

    def handle(self, *args: Any, **options: Any) -> None:
        program = Program.objects.filter(slug=options["slug"]).first()
        if program is None:
            raise CommandError(f"There is no program {options['slug']!r}.")
        for change in options["changes"]:
            self._set(program, change)
        if options["changes"]:
            try:
                program.full_clean()
            except ValidationError as refused:
                faults = "; ".join(f"{name}: {' '.join(why)}" for name, why in refused.message_dict.items())
                raise CommandError(f"Nothing was changed. {faults}") from None
            program.save()
            promising.keep(timezone.now())
        for name in SETTABLE:
            value = getattr(program, name)
            self.stdout.write(f"{name}={said(value)}")
        if options["changes"]:
            self.stdout.write("Changed. Every page says so in ten seconds.")

    def _set(self, program: Program, change: str) -> None:
        name, found, value = change.partition("=")
        if name not in SETTABLE or not found:
            raise CommandError(f"Nothing was changed. {change!r} is not one of {', '.join(SETTABLE)}, with =value.")
        if name == "timezone" and value not in available_timezones():
            raise CommandError(f"Nothing was changed. {value!r} is no time zone; America/Toronto is one.")
        if name == "duty_hours":
            try:
                duty.read(value)
            except duty.BadHours:
                raise CommandError(
                    f"Nothing was changed. {value!r} is not written like Mon-Fri 08:00-18:00, Sat 10:00-14:00."
                ) from None
        if isinstance(getattr(program, name), bool):
            if value not in YES_NO:
                raise CommandError(f"Nothing was changed. {name} is yes or no.")
            value = YES_NO[value]
        field: Field[Any, Any] = Program._meta.get_field(name)  # type: ignore[assignment]
        try:
            setattr(program, name, field.to_python(value))
        except ValidationError as refused:
            raise CommandError(f"Nothing was changed. {name}: {' '.join(refused.messages)}") from None


def said(value: object) -> object:
    """Return a value as it is typed."""
    return ("yes" if value else "no") if isinstance(value, bool) else value
