"""Was the recovery kit printed, does it hold every key, and when was it last tried?"""

from collections.abc import Iterator
from datetime import date, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from intake.models import Program, Purpose
from triage.doctor.finding import Finding
from triage.models import Invitation
from triage.vault import recovery

DRILL_EVERY = timedelta(days=183)


def recovery_kit() -> Iterator[Finding]:
    """The kit of each program, and one-time codes nobody has used."""
    today = timezone.now().date()
    for program in Program.objects.order_by("name"):
        found = recovery.state(program)
        if found.kit is None:
            yield Finding.grave(
                _("{program}: the recovery kit was never printed.").format(program=program.name),
                _("Print it today (People, Recovery kit). If the pass phrases are lost, every tip is lost."),
            )
            continue
        printed = _("{program}: the recovery kit was printed on {day}, {k} of {n} sheets open it.")
        kit = found.kit
        yield Finding.well(printed.format(program=program.name, day=kit.made_on, k=kit.threshold, n=kit.sheets))
        for purpose in found.missing:
            lacks = _("{program}: the kit does not hold the key for “{key}” yet.")
            yield Finding.grave(
                lacks.format(program=program.name, key=Purpose(purpose).label),
                _("Its holder adds it on the page Recovery kit."),
            )
        yield _drill(program, kit.drilled_on, today)
    if waiting := Invitation.objects.filter(used=False).count():
        said = ngettext("{n} one-time code is not used yet.", "{n} one-time codes are not used yet.", waiting)
        yield Finding.well(said.format(n=waiting))


def _drill(program: Program, last: date | None, today: date) -> Finding:
    do = _("Two holders try it with scripts/manage recovery_drill, twice a year.")
    if last is None:
        return Finding.look(_("{program}: the kit was never tried.").format(program=program.name), do)
    said = _("{program}: the kit was last tried on {day}.").format(program=program.name, day=last)
    return Finding.well(said) if today - last <= DRILL_EVERY else Finding.look(said, do)
