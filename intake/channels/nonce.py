"""A form's own key: made by us, so that pressing Send twice makes one tip and nobody else's page can send one.

The door has no cookie to tie a form to. The nonce is 128 random bits and the hour, with a MAC that also covers
whose pages it was made for; its random part is the sending's idempotency key.
"""

import hmac
import secrets
from datetime import datetime

from django.conf import settings

HOURS_GOOD = 24


def make(now: datetime, base: str) -> str:
    """Return a nonce for one form of the pages that begin with the address `base` (intake.channels.whose)."""
    return _signed(secrets.token_urlsafe(16), _hour(now), base)


def key_of(nonce: str, now: datetime, base: str) -> str | None:
    """Return the idempotency key in a nonce of ours made within a day for a form of these pages, else None."""
    key, _, rest = nonce.partition(".")
    hour, _, _mac = rest.partition(".")
    if not hour.isascii() or not hour.isdigit() or len(hour) > 10 or not 0 <= _hour(now) - int(hour) <= HOURS_GOOD:
        return None
    return key if hmac.compare_digest(nonce.encode(), _signed(key, int(hour), base).encode()) else None


def _hour(now: datetime) -> int:
    return int(now.timestamp()) // 3600


def _signed(key: str, hour: int, base: str) -> str:
    mac = hmac.digest(settings.NONCE_KEY.encode(), f"nonce|{base}|{key}|{hour}".encode(), "sha256")
    return f"{key}.{hour}.{mac.hex()[:32]}"
