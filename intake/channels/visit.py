"""Between the pages of one visit stands a sealed token, never the words themselves."""

import base64
import binascii
import json
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from tipline.kernel import sealing
from tipline.kernel.receipts import Phrase

GOOD_FOR = timedelta(minutes=30)
_PLACE = sealing.Place(UUID(int=0), UUID(int=0), "visit")


@cache
def _key() -> bytes:
    return HKDF(hashes.SHA256(), 32, None, b"tipline-visit").derive(settings.NONCE_KEY.encode())


def make(phrase: Phrase, now: datetime) -> str:
    """Return the token of a visit that begins now; good for 30 minutes."""
    text = json.dumps([(now + GOOD_FOR).timestamp(), phrase.places])
    return base64.urlsafe_b64encode(sealing.seal(text.encode(), key=_key(), place=_PLACE)).decode()


def phrase_of(token: str, now: datetime) -> Phrase | None:
    """Return the phrase a visit began with; None if the token is not ours or too old."""
    try:
        until, places = json.loads(sealing.unseal(base64.urlsafe_b64decode(token.encode()), key=_key(), place=_PLACE))
    except (sealing.SealBroken, binascii.Error, ValueError):
        return None
    return Phrase(tuple(places)) if now.timestamp() < until else None
