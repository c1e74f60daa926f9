"""Whose public keys a new tip is sealed to, and how far they are believed.

A row alone is not believed: a program's key must stand in the file of pinned fingerprints, and a
worker host's key must carry a MAC that only worker hosts and this door can make. Whoever can
write to the database still cannot have a tip sealed to a key of theirs.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import TypeVar

from django.conf import settings

from intake.models import EpochKey, Program, ProgramKey, Purpose
from tipline.kernel import wraps

SECONDS_KEPT = 10.0
T = TypeVar("T")


class KeyNotTrusted(Exception):
    """No program key of the database stands in the pinned file: start-up is not finished, or somebody changed it."""


_kept: dict[object, tuple[float, object]] = {}


def _keep(name: object, load: Callable[[], T]) -> T:
    """Remember what `load` found for a few seconds, so that a tip costs no query for it; nothing found is not kept."""
    found = _kept.get(name)
    if found is None or time.monotonic() - found[0] > SECONDS_KEPT:
        found = (time.monotonic(), load())
        if found[1]:
            _kept[name] = found
    return found[1]  # type: ignore[return-value]


def forget() -> None:
    """Drop what is remembered (tests, and after a change of keys)."""
    _kept.clear()
    _pins.cache_clear()


@cache
def _pins(mtime: float) -> frozenset[tuple[str, ...]]:
    lines = settings.KEY_PINS.read_text(encoding="ascii").splitlines()
    return frozenset(tuple(line.split()) for line in lines if line.strip())


def pinned(program: Program, purpose: str, public: bytes) -> bool:
    """Whether the file of pins names this key for this program and purpose."""
    try:
        pins = _pins(settings.KEY_PINS.stat().st_mtime)
    except OSError:
        return False
    return (str(program.pk), purpose, wraps.fingerprint(public)) in pins


def program_key(program: Program, purpose: Purpose) -> ProgramKey:
    """Return the program's current key of this purpose. Raises KeyNotTrusted if it is not pinned."""

    def load() -> ProgramKey | None:
        key = ProgramKey.objects.filter(program=program, purpose=purpose, retired=False).first()
        return key if key and pinned(program, purpose, bytes(key.public_key)) else None

    key = _keep((program.pk, purpose), load)
    if key is None:
        raise KeyNotTrusted
    return key


def epoch_tag(key: EpochKey) -> bytes:
    """Return the MAC a worker host puts on its key of the hour."""
    text = f"epoch|{key.pk}|{key.host}|{key.usable_until.timestamp():.0f}|".encode() + bytes(key.public_key)
    return hmac.new(settings.EPOCH_MAC.encode(), text, hashlib.sha256).digest()


def epoch_keys(now: datetime) -> list[EpochKey]:
    """Return the live worker hosts' newest keys, one a host. Empty while no worker host is alive."""

    def load() -> list[EpochKey]:
        newest: dict[str, EpochKey] = {}
        for key in EpochKey.objects.filter(usable_until__gt=now).order_by("usable_until"):
            if hmac.compare_digest(bytes(key.tag), epoch_tag(key)):
                newest[key.host] = key
        return list(newest.values())

    return _keep("epochs", load)
