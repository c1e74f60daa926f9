"""What a program says about itself and how it works: shown, changed and begun by whoever runs the server.

On purpose no page of the console: a stolen session must not be able to say that one person is enough.
"""

import re
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Field
from django.utils import timezone

from intake import logo
from intake.models import Logo, Program
from triage import promising
from triage.management import first_people
from triage.watching import duty

SETTABLE = (
    "name",
    "listed",
    "languages",
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
# It stands in an address that people type from a poster, and begins the names of the first two people.
SHORT_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST = 40


class Command(BaseCommand):
    help = (
        "Show what programs say about themselves, change it (program identity_needs_two=yes), give one a logo, or "
        "begin another one (program --new lakeside 'name=Lakeside Crime Stoppers')."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("changes", nargs="*", metavar="name=value", help=", ".join(SETTABLE))
        parser.add_argument("--slug", default="", help="which program, by its short name, if there are several")
        parser.add_argument("--new", default="", metavar="SLUG", help="begin a program with this short name")
        parser.add_argument("--logo", default="", metavar="FILE", help="a small PNG to stand above the form")
        parser.add_argument("--no-logo", action="store_true", help="take it away again")
        first_people.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        changes, picture = options["changes"], _picture(options["logo"])
        if options["new"]:
            program = _blank(options["new"])
            _change(program, changes)
            first_people.begin(program, options, say=self.stdout.write)
        elif not (changes or picture or options["no_logo"]):
            for program in _named(options["slug"]):
                self._show(program)
            return
        else:
            program = _the_one(options["slug"])
            if changes:
                _change(program, changes)
                program.save()
                promising.keep(timezone.now())
        if picture:
            png, width, height = picture
            Logo.objects.update_or_create(program=program, defaults={"png": png, "width": width, "height": height})
        elif options["no_logo"]:
            Logo.objects.filter(program=program).delete()
        self._show(program)
        self.stdout.write("Every page says so in ten seconds.")

    def _show(self, program: Program) -> None:
        first = Program.objects.order_by("position", "slug")[0] == program
        self.stdout.write(f"{program.slug}: {settings.PUBLIC_URL}/{'' if first else f'p/{program.slug}/'}")
        for name in SETTABLE:
            self.stdout.write(f"{name}={said(getattr(program, name))}")


def said(value: object) -> object:
    """Return a value as it is typed."""
    return ("yes" if value else "no") if isinstance(value, bool) else value


def _named(slug: str) -> list[Program]:
    """The program of this short name; all of them without one."""
    found = list(Program.objects.order_by("position", "slug"))
    if not slug:
        return found
    if not (one := [each for each in found if each.slug == slug]):
        raise CommandError(f"There is no program {slug!r}, but {', '.join(each.slug for each in found)}.")
    return one


def _the_one(slug: str) -> Program:
    found = _named(slug)
    if len(found) != 1:
        raise CommandError(f"Nothing was changed. Say which: --slug {' or '.join(each.slug for each in found)}.")
    return found[0]


def _blank(slug: str) -> Program:
    if not SHORT_NAME.fullmatch(slug) or len(slug) > LONGEST:
        raise CommandError(
            f"Nothing was made. {slug!r} is no short name: small letters a to z and digits, with - between words, "
            f"{LONGEST} at most. It stands in the address of the form."
        )
    if Program.everything.filter(slug=slug).exists():
        raise CommandError(f"Nothing was made. There is a program {slug!r} already; --slug {slug} changes it.")
    return Program(slug=slug, changed_on=timezone.now().date())


def _picture(path: str) -> tuple[bytes, int, int] | None:
    if not path:
        return None
    try:
        with Path(path).open("rb") as file:
            return logo.cleaned(file.read(logo.LARGEST_FILE + 1))
    except OSError:
        raise CommandError(f"Nothing was changed. {path} cannot be read.") from None
    except logo.Unfit as refused:
        raise CommandError(f"Nothing was changed. {path}: {refused}") from None


def _change(program: Program, changes: list[str]) -> None:
    """Set fields of a program, and see that they make sense; nothing is stored yet."""
    for change in changes:
        _set(program, change)
    try:
        program.full_clean()
    except ValidationError as refused:
        faults = "; ".join(f"{name}: {' '.join(why)}" for name, why in refused.message_dict.items())
        raise CommandError(f"Nothing was changed. {faults}") from None


def _set(program: Program, change: str) -> None:
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
    if name == "languages":
        value = " ".join(value.replace(",", " ").split())
        there = dict(settings.LANGUAGES)
        if unknown := [code for code in value.split() if code not in there]:
            raise CommandError(f"Nothing was changed. The form does not speak {unknown[0]!r}, but {', '.join(there)}.")
    if isinstance(getattr(program, name), bool):
        if value not in YES_NO:
            raise CommandError(f"Nothing was changed. {name} is yes or no.")
        value = YES_NO[value]
    field: Field[Any, Any] = Program._meta.get_field(name)  # type: ignore[assignment]
    try:
        setattr(program, name, field.to_python(value))
    except ValidationError as refused:
        raise CommandError(f"Nothing was changed. {name}: {' '.join(refused.messages)}") from None
