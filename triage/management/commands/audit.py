"""Check the record of what people did, and keep its heads elsewhere."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from intake.models import Program
from triage.audit import anchors


class Command(BaseCommand):
    help = "audit verify: does every chain fit? audit anchor: print the heads, to be kept away from this machine."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["verify", "anchor"])
        parser.add_argument("--anchor", type=Path, action="append", default=[], help="heads kept earlier, to check by")
        parser.add_argument("--to", type=Path, help="add the heads to this file instead of printing them")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "anchor":
            self._anchor(options["to"])
        else:
            self._verify(options["anchor"])

    def _anchor(self, to: Path | None) -> None:
        lines = [anchor.line() for anchor in anchors.take(timezone.now().date())]
        if to is None:
            for line in lines:
                self.stdout.write(line)
            return
        with to.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)
        self.stdout.write(f"{len(lines)} heads added to {to}. Do this: keep the file away from this machine.")

    def _verify(self, files: list[Path]) -> None:
        try:
            known = [anchor for file in files for anchor in anchors.read(file.read_text().splitlines())]
        except (anchors.BadAnchor, OSError, ValueError) as fault:
            raise CommandError(str(fault), returncode=2) from None
        programs = list(Program.objects.order_by("slug"))
        broken = 0
        for program in programs:
            found = anchors.verify(program.pk, known, say=lambda number: self.stderr.write(f"  … {number}"))
            broken += found is not None
            self.stdout.write(f"{program.slug}: {f'entry {found.number}: {found.why}' if found else 'fits'}")
        for lost in {anchor.program for anchor in known} - {program.pk for program in programs}:
            broken += 1
            self.stdout.write(f"{lost}: an anchor names this program, and it is gone")
        if broken:
            raise CommandError(
                "The record does not fit. Do this: keep a copy of the database; find out who could write to it"
            )
