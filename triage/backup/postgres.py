"""PostgreSQL's own programs for dumping and restoring: those of the embedded server, or those that are installed."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from threading import Thread

from django.db import connection

from tipline.runner.postgres import Postgres, ServerMissing

WRAPS = "intake_wrap"
"""The table without which no tip opens: dumped apart, and kept for 35 days."""
# Copies and what lives for hours; no tip is among them. A board sheet that lay for years would tell of erased tips.
LEFT_OUT = (
    "triage_boardsheet",
    "triage_incidentsignature",
    "triage_handover",
    "django_session",
    "intake_submissionkey",
)


class PostgresFailed(Exception):
    """pg_dump or pg_restore did not do its work. Says which; never what it printed, which may hold rows."""


def program(name: str) -> str:
    """Where a program lies. Raises ServerMissing."""
    try:
        found = Postgres(Path(), Path()).binaries / name
        if found.exists():
            return str(found)
    except ServerMissing:
        pass
    installed = shutil.which(name)
    if installed is None:
        raise ServerMissing(f"{name} is missing: pip install -r requirements.txt brings it, or postgresql-client.")
    return installed


def dump(snapshot: str, *, wraps: bool) -> Iterator[bytes]:
    """Dump the wraps, or all the rest, as of an exported snapshot. Raises PostgresFailed."""
    if wraps:
        which = ["--data-only", f"--table=public.{WRAPS}"]
    else:
        which = [f"--exclude-table-data=public.{table}" for table in (WRAPS, *LEFT_OUT)]
    options = ["--format=custom", "--compress=0", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", *which]
    yield from _run("pg_dump", [*options, _name()])


def as_text(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Give a dump's rows as SQL text, to count them. Raises PostgresFailed."""
    yield from _run("pg_restore", ["--data-only", "--file=-"], stream)


def restore(stream: Iterable[bytes], *, wraps: bool) -> None:
    """Put a dump into the database, whole or not at all. Raises PostgresFailed."""
    which = ["--data-only"] if wraps else ["--clean", "--if-exists"]
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", *which]
    for _ in _run("pg_restore", [*options, f"--dbname={_name()}"], stream):
        pass


def _run(name: str, options: Sequence[str], stream: Iterable[bytes] | None = None) -> Iterator[bytes]:
    running = subprocess.Popen(
        [program(name), *options],
        stdin=subprocess.PIPE if stream is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    )
    faults: list[Exception] = []
    feeder = Thread(target=_feed, args=(running, stream, faults), daemon=True)
    feeder.start()
    assert running.stdout is not None
    try:
        while piece := running.stdout.read(1 << 16):
            yield piece
        feeder.join()
        status = running.wait()
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()
        running.stdout.close()
    if faults:
        raise faults[0]
    if status != 0:
        raise PostgresFailed(f"{name} ended with status {status}. Nothing was changed.")


def _feed(running: "subprocess.Popen[bytes]", stream: Iterable[bytes] | None, faults: list[Exception]) -> None:
    if stream is None or running.stdin is None:
        return
    try:
        for piece in stream:
            running.stdin.write(piece)
        running.stdin.close()
    except BrokenPipeError:
        return  # it says by its status why it stopped
    except Exception as fault:
        # What was read so far must not be taken for the whole: the transaction is given up.
        faults.append(fault)
        running.kill()


def _name() -> str:
    return str(connection.settings_dict["NAME"])


def _environment() -> dict[str, str]:
    said = connection.settings_dict
    told = {"PATH": os.defpath, "LC_ALL": "C", "PGUSER": said["USER"], "PGPASSWORD": said["PASSWORD"]}
    told |= {"PGHOST": said["HOST"], "PGPORT": str(said["PORT"]), "PGOPTIONS": "-c lock_timeout=30s"}
    return {name: value for name, value in told.items() if value}
