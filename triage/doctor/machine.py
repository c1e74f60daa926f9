"""The machine: secrets, room, clock, what memory may leave on a disk, what PostgreSQL writes down."""

import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from intake.models import Program
from tipline import unlogged
from triage.doctor.finding import Finding

LITTLE, TOO_LITTLE = 0.2, 0.1
APART = 2.0  # seconds


def secrets() -> Iterator[Finding]:
    """Nobody else on this machine can read a secret."""
    directory = settings.SECRETS_DIR
    if not directory.is_dir():
        return
    shut = directory.stat().st_mode & 0o077 == 0
    # Behind a directory nobody else may enter a file's own mode does not matter: compose needs it readable.
    open_ones = [] if shut else [file.name for file in directory.iterdir() if file.stat().st_mode & 0o077]
    if open_ones:
        yield Finding.grave(
            _("Others on this machine may read these secrets: {names}.").format(names=", ".join(sorted(open_ones))),
            _("chmod 700 on their directory, and change them: somebody may have read them."),
        )
    else:
        yield Finding.well(_("Nobody else on this machine can read the secrets."))


def disk() -> Iterator[Finding]:
    """There is room for what is still to come."""
    usage = shutil.disk_usage(settings.STATE_DIR)
    free = usage.free / usage.total
    said = _("{percent} % of the disk is free.").format(percent=round(free * 100))
    do = _("Make room: a full disk takes no tips.")
    if free < TOO_LITTLE:
        yield Finding.grave(said, do)
    elif free < LITTLE:
        yield Finding.look(said, do)
    else:
        yield Finding.well(said)


def clock() -> Iterator[Finding]:
    """This machine and the database agree about the time."""
    with connection.cursor() as cursor:
        before = timezone.now()
        cursor.execute("SELECT clock_timestamp()")
        (theirs,) = cursor.fetchone()
    off = abs((theirs - before).total_seconds())
    if off > APART:
        yield Finding.look(
            _("This machine's clock and the database's are {n} seconds apart.").format(n=round(off)),
            _("Let both set their clocks by the network (NTP)."),
        )
    else:
        yield Finding.well(_("This machine and the database agree about the time."))


def memory() -> Iterator[Finding]:
    """No copy of memory, which holds tips for a moment, comes to a disk."""
    if _swaps() > 0:
        yield Finding.look(
            _("This machine swaps: pieces of memory, and words in them, can come to its disk."),
            _("swapoff --all, or encrypt the swap; the units and compose forbid it for our processes."),
        )
    pattern = _read("/proc/sys/kernel/core_pattern")
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != 0 and pattern.startswith("|"):
        yield Finding.look(
            _("A process that crashes is handed to a program that keeps its memory ({program}).").format(
                program=pattern[1:].split(" ")[0]
            ),
            _("Our units and compose forbid it for our processes; remove that program if nobody needs it."),
        )
    if _swaps() == 0 and not pattern.startswith("|"):
        yield Finding.well(_("No copy of memory comes to a disk."))


def database() -> Iterator[Finding]:
    """PostgreSQL writes down no statement, no value and no time, and nothing of ours sends errors elsewhere."""
    wrong = [*unlogged.of_database(), *unlogged.of_django(), *unlogged.of_reporters()]
    with connection.cursor() as cursor:
        cursor.execute("SHOW archive_mode")
        if cursor.fetchone() != ("off",):
            wrong.append("PostgreSQL's archive_mode")
    if wrong:
        yield Finding.grave(
            _("Statements, words or times may be written down or copied: {names}.").format(names=", ".join(wrong)),
            _("python3 -m tipline.runner.postgres prints what PostgreSQL's configuration must say."),
        )
    else:
        yield Finding.well(_("PostgreSQL and our own logs write down no statement, no word and no address."))


def demo() -> Iterator[Finding]:
    """Nothing invented is left in an installation for real people."""
    if settings.LOCAL:
        yield Finding.look(
            _("This is scripts/up: one user holds every secret, on loopback, without TLS."),
            _("For tips of real people follow the operator's guide, A real installation."),
        )
        return
    for program in Program.objects.filter(name="Riverside Tip Line"):
        yield Finding.look(
            _("{program} still has the name it was set up with.").format(program=program.name),
            _('scripts/manage program "name=…"'),
        )


def _swaps() -> int:
    return max(0, len(_read("/proc/swaps").splitlines()) - 1)


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
