"""The disk under PostgreSQL's log: full, and then not."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from tests.faults.bench import Bench, Finding
from tests.faults.registry import CannotPutIn, fault
from tests.story.house import until

SIZE = 192 * 1024 * 1024
LOG = "SELECT pg_logical_emit_message(true, 'full', repeat('x', 4000000))"


@fault(
    16,
    "Disk full under pg_wal",
    "a small tmpfs, filled to the last byte",
    "503, alarm, no receipt; then all goes on",
    late=5,
)
def full(bench: Bench) -> Finding:
    with _small_disk(bench) as small:
        filler, begun, before = small / "filler", time.monotonic(), bench.phones.last()
        text, nonce = bench.text(), bench.street.nonce()
        _fill(filler)
        with suppress(psycopg.Error):
            while time.monotonic() - begun < 60:
                bench.ask(LOG)  # PostgreSQL has some of its log laid out in advance
        assert time.monotonic() - begun < 60, "it was never full"
        answers, alarm, since = [], False, time.monotonic()
        while not alarm and time.monotonic() - since < 60:
            answers.append(bench.street.send(text, nonce).status)
            alarm = any(each["id"] > before and "watch" in each["subject"] for each in bench.phones.messages())
            time.sleep(0.5)
        assert alarm, "nobody was told"
        noticed = time.monotonic() - since
        assert set(answers) <= {0, 503}, f"the form answered {set(answers)}"
        filler.unlink()
        until(bench.house.postgres.is_ready, 60)
        sent = bench.send()
        late = bench.late(sent, bench.first(sent))
        assert bench.tips() == 1
    return Finding(late, f"told after {noticed:.0f} s; {len(answers)} times 503")


@contextmanager
def _small_disk(bench: Bench) -> Iterator[Path]:
    """Put PostgreSQL's log on a small file system of its own for the length of a block."""
    if os.geteuid() != 0:
        raise CannotPutIn("only root may mount the small file system it takes")
    data = bench.house.places.postgres
    small, log = bench.house.log.parent / "small", data / "pg_wal"
    small.mkdir()
    owner = data.stat()
    options = f"size={SIZE},mode=0700,uid={owner.st_uid},gid={owner.st_gid}"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(small)], check=False)
    if mounted.returncode != 0:
        small.rmdir()
        raise CannotPutIn("this machine does not let root mount a small file system")
    try:
        with _postgres_down(bench):
            _move(log, small / "pg_wal")
            log.symlink_to(small / "pg_wal")
        try:
            yield small
        finally:
            (small / "filler").unlink(missing_ok=True)
            until(bench.house.postgres.is_ready, 60)
            with _postgres_down(bench):
                log.unlink()
                _move(small / "pg_wal", log)
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=False)
        small.rmdir()


@contextmanager
def _postgres_down(bench: Bench) -> Iterator[None]:
    with bench.house.unattended():
        bench.house.shut_postgres()
        yield
    until(bench.house.postgres.is_ready, 60)


def _move(old: Path, new: Path) -> None:
    """Copy a directory with its owners, and remove the original."""
    subprocess.run(["cp", "-a", str(old), str(new)], check=True)
    shutil.rmtree(old)


def _fill(filler: Path) -> None:
    block = bytes(1 << 16)
    with suppress(OSError), filler.open("wb", buffering=0) as out:
        while out.write(block):
            pass
