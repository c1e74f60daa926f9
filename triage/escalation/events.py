"""What providers tell the pager door, sealed so that the door itself cannot read it again."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings

from tipline.kernel import sealing, wraps

PURPOSE = "pager-event"
_NOBODY = UUID(int=0)  # the door does not know whose an event is
_HOLDER = wraps.Holder(_NOBODY, _NOBODY, PURPOSE, _NOBODY)
_PLACE = sealing.Place(_NOBODY, _NOBODY, PURPOSE)
_LENGTH = 4


UNDELIVERED = {"undelivered", "failed", "rejected", "expired", "busy", "no-answer", "canceled"}


def is_pressing(event: Mapping[str, Any]) -> bool:
    """Whether somebody must act on it now: all but the word that a page was carried well."""
    return event.get("kind") != "receipt" or event.get("status") in UNDELIVERED


def public_key_hex() -> str:
    """Return the public key of the events, for the file that the pager door reads."""
    return wraps.public_key(_seed(settings.PAGER_EVENT_PRIVATE)).hex()


def seal_event(event: dict[str, Any]) -> bytes:
    """Seal an event to the pagers' key: length of the wrap (4 bytes), the wrapped data key, the sealed JSON."""
    key = sealing.new_data_key()
    wrapped = wraps.wrap(key, public=_public(), holder=_HOLDER, keep_key=True)
    sealed = sealing.seal(json.dumps(event).encode(), key=key, place=_PLACE)
    return len(wrapped).to_bytes(_LENGTH, "big") + wrapped + sealed


def open_event(blob: bytes) -> dict[str, Any]:
    """Return the event. Raises SealBroken if it was changed or not made for this key."""
    blob = bytes(blob)
    end = _LENGTH + int.from_bytes(blob[:_LENGTH], "big")
    seed = _seed(settings.PAGER_EVENT_PRIVATE)
    key = wraps.unwrap(blob[_LENGTH:end], seed=seed, holder=_HOLDER, keep_key=True)
    event: dict[str, Any] = json.loads(sealing.unseal(blob[end:], key=key, place=_PLACE))
    return event


def _public() -> bytes:
    path = settings.PAGER_EVENT_PUBLIC
    return _read(str(path), path.stat().st_mtime_ns)


@cache
def _read(path: str, changed: int) -> bytes:
    with open(path, encoding="ascii") as file:
        return bytes.fromhex(file.read().strip())


@cache
def _seed(secret: str) -> bytes:
    if not secret:
        raise ValueError("This process was not given the pagers' key.")
    return wraps.derive_seed(secret.encode(), salt=b"", purpose=PURPOSE)
