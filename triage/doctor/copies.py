"""When the last backup was made that could be read back, and whether what is over is erased."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from intake.models import Program
from triage.backup.making import last_verified_backup
from triage.doctor.finding import Finding
from triage.models import Ended, RetentionRule

BACKUP_EVERY = timedelta(days=2)
"""A daily backup that was missed once is no alarm; twice is."""


def backups() -> Iterator[Finding]:
    """The last verified backup is not old."""
    last = last_verified_backup()
    if last is None:
        yield Finding.look(
            _("No backup was made that could be read back."), _("run scripts/manage backup, and let it run each night.")
        )
    elif timezone.now() - last > BACKUP_EVERY:
        text = _("The last backup that could be read back is of {day}.").format(day=last.date())
        yield Finding.look(text, _("run scripts/manage backup, and see why it did not run by itself."))
    else:
        yield Finding.well(_("The last backup was read back on {day}.").format(day=last.date()))


def keeping() -> Iterator[Finding]:
    """Each program has a whole schedule of erasing."""
    for program in Program.objects.order_by("name"):
        lines = RetentionRule.objects.filter(program=program).count()
        if lines < len(Ended):
            yield Finding.look(
                _("{program}: it is not set how long tips are kept.").format(program=program.name),
                _("start the process watch; it sets what nobody has set. Change it on the page Keeping."),
            )
        else:
            yield Finding.well(_("{program}: closed tips are erased by a schedule.").format(program=program.name))
