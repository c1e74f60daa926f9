"""Make a backup and read it back; or only say how the last one stands."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from tipline.runner.postgres import ServerMissing
from triage.backup import making
from triage.backup.postgres import PostgresFailed
from triage.backup.stream import BackupBroken
from triage.watching import beats


class Command(BaseCommand):
    help = "Write an encrypted backup, read it back, and delete files of keys older than 35 days."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=Path, default=Path(settings.BACKUP_DIR), help="where the files go")
        parser.add_argument("--key", type=Path, default=Path(settings.BACKUP_KEY_FILE), help="the file with the key")

    def handle(self, *args: Any, **options: Any) -> None:
        fresh = not options["key"].exists()
        now = timezone.now()
        try:
            key = making.key_of(options["key"], make=True)
            made = making.make(options["to"], key, now)
        except making.NotVerified as fault:
            raise CommandError(f"The backup does not hold all rows of {fault}. Do this: run it again.") from None
        except (BackupBroken, PostgresFailed, ServerMissing, OSError, ValueError) as fault:
            raise CommandError(f"No backup was made. {fault}") from None
        beats.note_backup(made.at)
        if fresh:
            self.stdout.write(
                f"A new key was made: {options['key']}. Do this: keep a copy of it away from this machine and away"
                " from the backups. Without it no backup opens."
            )
        self.stdout.write(f"Written and read back, {made.rows} rows: {made.wraps.name} (35 days) and {made.rest.name}")
        for path in making.prune(options["to"], now):
            self.stdout.write(f"Deleted, its 35 days are over: {path.name}")
