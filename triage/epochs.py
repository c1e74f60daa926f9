"""The keys of the hour: how a worker host reads what nobody has assessed yet.

The private half is a file in memory (tmpfs), made by `escalator --triage` and read by the workers
of the same host; it is in no database, dump or backup. It survives a process that is killed, not a
machine that is switched off. A key is destroyed when nothing waits for it, at the latest after a day.
"""

import contextlib
import fcntl
import logging
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings

from intake import keys
from intake.models import EpochKey, Wrap, WrapPurpose
from tipline.kernel import wraps

log = logging.getLogger("tipline.triage")

EVERY = timedelta(hours=1)
OVERLAP = timedelta(minutes=5)
"""The previous key is still used this long, so that a late worker loses no tip."""
LINGER = timedelta(minutes=5)
"""A door may have remembered a key for some seconds after its end."""
LONGEST = timedelta(hours=24)


def directory() -> Path:
    """Where this host's private keys are, one file each, named by the key's id."""
    path: Path = settings.RUN_DIR / "epochs"
    return path


def seed_of(key_id: UUID) -> bytes | None:
    """Return the private key of this id, if this host has it."""
    try:
        return (directory() / str(key_id)).read_bytes()
    except FileNotFoundError:
        return None


def rotate(now: datetime) -> None:
    """See that this host has a key for the hour, and destroy those that are no longer needed.

    Safe to call at any time, by any number of processes of the host.
    """
    with _alone():
        ours = {key.pk: key for key in EpochKey.objects.filter(host=settings.WORKER_HOST)}
        held = _held()
        for lost in ours.keys() - held:
            # The machine was restarted: nothing may be sealed to a key that nobody has.
            EpochKey.objects.filter(pk=lost).delete()
        if not any(ours[key].usable_until > now + OVERLAP for key in ours.keys() & held):
            _make(now)
        for key_id in held:
            if _is_over(key_id, ours.get(key_id), now):
                _destroy(key_id)
        EpochKey.objects.filter(usable_until__lt=now - LONGEST).delete()


def _make(now: datetime) -> None:
    seed, key_id = wraps.new_seed(), uuid4()
    # The file first: a row without its private key would cost a tip its reader.
    descriptor = os.open(directory() / str(key_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(seed)
    until = (now + EVERY + OVERLAP).replace(second=0, microsecond=0)
    key = EpochKey(pk=key_id, host=settings.WORKER_HOST, public_key=wraps.public_key(seed), usable_until=until)
    key.tag = keys.epoch_tag(key)
    key.save(force_insert=True)


def _is_over(key_id: UUID, row: EpochKey | None, now: datetime) -> bool:
    made = datetime.fromtimestamp((directory() / str(key_id)).stat().st_mtime, UTC)
    if now - made > LONGEST:
        return True
    if row is not None and row.usable_until + LINGER > now:
        return False
    return not Wrap.objects.filter(purpose=WrapPurpose.EPOCH, key_id=key_id).exists()


def _destroy(key_id: UUID) -> None:
    (directory() / str(key_id)).unlink(missing_ok=True)
    EpochKey.objects.filter(pk=key_id).delete()
    log.info("epoch.destroyed %s", key_id)


def _held() -> set[UUID]:
    found = set()
    for path in directory().iterdir():
        with contextlib.suppress(ValueError):
            if path.stat().st_size == wraps.SEED_SIZE:
                found.add(UUID(path.name))
    return found


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    path = directory()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(path.stat().st_mode) != 0o700:
        path.chmod(0o700)
    with (path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
