"""What a person should know about this installation, in plain words. Every part adds its own checks to the list."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from intake.models import Program, Purpose
from triage.models import Invitation
from triage.vault import recovery

DRILL_EVERY = timedelta(days=183)


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence, and whether all is well with it."""

    well: bool
    text: str


Check = Callable[[], Iterator[Finding]]
CHECKS: list[Check] = []


def check(made: Check) -> Check:
    """Add a check to what the doctor looks at."""
    CHECKS.append(made)
    return made


def findings() -> list[Finding]:
    """Look at everything."""
    return [finding for each in CHECKS for finding in each()]


@check
def recovery_kit() -> Iterator[Finding]:
    """Was the kit printed, does it hold every key, and when was it last tried?"""
    today = timezone.now().date()
    for program in Program.objects.order_by("name"):
        found = recovery.state(program)
        if found.kit is None:
            yield Finding(
                False,
                _(
                    "{program}: the recovery kit was never printed. If the pass phrases are lost, every tip is lost."
                ).format(program=program.name),
            )
            continue
        printed = _("{program}: the recovery kit was printed on {day}, {k} of {n} sheets open it.")
        kit = found.kit
        yield Finding(True, printed.format(program=program.name, day=kit.made_on, k=kit.threshold, n=kit.sheets))
        for purpose in found.missing:
            lacks = _(
                "{program}: the kit does not hold the key for “{key}” yet. Its holder adds it on the page Recovery kit."
            )
            yield Finding(False, lacks.format(program=program.name, key=Purpose(purpose).label))
        yield _drill(program, kit.drilled_on, today)
    waiting = Invitation.objects.filter(used=False).count()
    if waiting:
        yield Finding(True, _("{n} one-time codes are not used yet.").format(n=waiting))


def _drill(program: Program, last: date | None, today: date) -> Finding:
    if last is None:
        text = _("{program}: the kit was never tried. Two holders try it with scripts/manage recovery_drill.")
        return Finding(False, text.format(program=program.name))
    well = today - last <= DRILL_EVERY
    text = (
        _("{program}: the kit was last tried on {day}.")
        if well
        else _("{program}: the kit was last tried on {day}. Try it again.")
    )
    return Finding(well, text.format(program=program.name, day=last))
