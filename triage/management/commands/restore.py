"""Bring the database back from a backup, and erase again what was erased since."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from tipline.runner.postgres import ServerMissing
from triage.backup import making, restoring
from triage.backup.postgres import PostgresFailed
from triage.backup.stream import BackupBroken
from triage.keeping import tombstones
from triage.keeping.tombstones import BrokenStone


class Command(BaseCommand):
    help = "Bring the database back from a backup. Stop the doors and workers first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("rest", type=Path, nargs="?", help="the file rest-…; the newest if none is named")
        parser.add_argument("--wraps", type=Path, help="the file wraps-… of the same moment; found beside the other")
        parser.add_argument("--without-wraps", action="store_true", help="no tip can be read afterwards")
        parser.add_argument("--from", dest="source", type=Path, default=Path(settings.BACKUP_DIR))
        parser.add_argument("--key", type=Path, default=Path(settings.BACKUP_KEY_FILE), help="the file with the key")
        parser.add_argument("--tombstones", type=Path, default=tombstones.path(), help="what was erased meanwhile")
        parser.add_argument("--overwrite", action="store_true", help="even though there is something in the database")
        parser.add_argument("--no-tombstones", action="store_true", help="even though that file is missing")

    def handle(self, *args: Any, **options: Any) -> None:
        wraps, rest = self._files(options)
        stones = options["tombstones"]
        if not stones.exists() and not options["no_tombstones"]:
            raise CommandError(
                f"{stones} is missing: what was erased since the backup would be back. Nothing was changed."
                " Do this: name it with --tombstones, or say --no-tombstones if nothing was ever erased."
            )
        try:
            key = making.key_of(options["key"])
            done = restoring.restore(
                wraps, rest, key, stones=stones, overwrite=options["overwrite"], now=timezone.now()
            )
        except restoring.NotEmpty:
            raise CommandError(
                "There is something in the database. Nothing was changed. Do this: say --overwrite to lose it."
            ) from None
        except (BackupBroken, BrokenStone, PostgresFailed, ServerMissing, OSError, ValueError) as fault:
            raise CommandError(f"It was not brought back. {fault}") from None
        self.stdout.write(f"Brought back from {rest.name}. Erased again: {done.erased_again} tips.")
        if done.broken:
            raise CommandError(f"The record does not fit in: {', '.join(done.broken)}. Do this: audit verify")
        self.stdout.write("The record of every program fits.")

    def _files(self, options: dict[str, Any]) -> tuple[Path | None, Path]:
        rest: Path | None = options["rest"]
        if rest is None:
            found = making.newest(options["source"])
            if found is None:
                raise CommandError(f"There is no backup in {options['source']}.")
            wraps, rest = found
        else:
            wraps = options["wraps"] or rest.with_name(rest.name.replace("rest-", "wraps-", 1))
        if options["without_wraps"]:
            return None, rest
        if not wraps.exists() or wraps == rest:
            raise CommandError(
                f"{wraps} is missing: no tip could be read. Do this: name it with --wraps, or say --without-wraps."
            )
        return wraps, rest
