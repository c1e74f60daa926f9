"""The way back: both files into the database, then forgetting again what was erased since, then the rights."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.core.management import call_command
from django.db import connection, connections, transaction

from intake.models import Program
from triage.audit import chain
from triage.audit.chain import Event, record
from triage.backup import making, postgres, stream
from triage.keeping import erasing, tombstones


class NotEmpty(Exception):
    """There is something in the database; it is only overwritten when that was said."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of it: how many tips were erased again, and of which programs the record does not fit."""

    erased_again: int
    broken: list[str]


def restore(
    wraps: Path | None, rest: Path, key: bytes, *, stones: Path, overwrite: bool = False, now: datetime
) -> Restored:
    """Put a backup into this database. Without the file of keys no tip of it can be read.

    Both files are read through before anything is changed. Raises NotEmpty, BackupBroken, PostgresFailed, BrokenStone.
    """
    if not overwrite and _tables():
        raise NotEmpty
    known = tombstones.read(stones)
    making.verified(rest, key, "rest")
    if wraps is not None:
        making.verified(wraps, key, "wraps")
    # Our own connection would wait for itself.
    connections.close_all()
    _put(rest, key, "rest")
    if wraps is not None:
        _put(wraps, key, "wraps")
    # The copy may be of an older program; and rights are in no dump.
    call_command("migrate", verbosity=0, interactive=False)
    call_command("grant_roles")
    with transaction.atomic():
        again = erasing.erase_again(known)
        for program in Program.objects.all():
            record(program, Event.RESTORED, now=now)
    broken = [program.slug for program in Program.objects.order_by("slug") if chain.verify(program) is not None]
    return Restored(again, broken)


def _put(path: Path, key: bytes, kind: str) -> None:
    with path.open("rb") as file:
        postgres.restore(stream.unseal(file, key=key, kind=kind), wraps=kind == "wraps")


def _tables() -> bool:
    with connection.cursor() as cursor:
        return bool(connection.introspection.table_names(cursor))
