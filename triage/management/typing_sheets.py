"""Asking for the sheets of a recovery kit at a terminal."""

from collections.abc import Callable

from django.core.management.base import CommandError

from intake.models import Program, ProgramKey
from tipline.kernel import shares
from triage.models import RecoveryKey
from triage.vault import recovery


def the_program(slug: str) -> Program:
    """Return the program named, or the only one."""
    found = Program.objects.filter(slug=slug) if slug else Program.objects.all()
    if len(found) != 1:
        raise CommandError(
            "Name one program with --program: "
            + ", ".join(p.slug for p in Program.objects.order_by("position", "slug"))
        )
    return found[0]


def ask(
    program: Program, *, read: Callable[[str], str], say: Callable[[str], object]
) -> tuple[RecoveryKey, dict[ProgramKey, bytes]]:
    """Ask for sheets until they open the kit. Raises CommandError when they cannot."""
    lines: list[str] = []
    needed = 0
    while not needed or len(lines) < needed:
        typed = read(f"Words of sheet {len(lines) + 1}{f' of {needed}' if needed else ''}: ")
        try:
            share = shares.parse(typed)
        except shares.BadShare:
            say("A word of this sheet is not right. Look at each, and type the sheet again.")
            continue
        if any(shares.parse(line).index == share.index for line in lines):
            say("You have typed this sheet already. Take another one.")
            continue
        needed = share.threshold
        lines.append(typed)
    try:
        return recovery.opened(program, lines)
    except shares.SharesDoNotFit:
        raise CommandError("These sheets do not belong together: they are of different kits.") from None
    except recovery.WrongSheets:
        raise CommandError("These sheets belong to a kit that was replaced, or to another program.") from None
