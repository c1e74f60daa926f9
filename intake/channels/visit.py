"""Between the pages of one visit stands a sealed token, never the words themselves.

A visit has the nonce of the page it began on. Leaving spends that nonce, and so ends the visit:
Back and Reload, which send a page's form once more, show nothing of it to whoever holds the phone next.
A token is good on the pages it was made for, and on no other program's.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Self
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


@dataclass(frozen=True, slots=True)
class Visit:
    """The words somebody came with, and the nonce of the page on which they gave them."""

    phrase: Phrase
    nonce: str

    def token(self, now: datetime, base: str) -> str:
        """Return the sealed token of a visit that begins now; good for 30 minutes on the pages below `base`."""
        text = json.dumps([(now + GOOD_FOR).timestamp(), self.phrase.places, self.nonce, base])
        return base64.urlsafe_b64encode(sealing.seal(text.encode(), key=_key(), place=_PLACE)).decode()

    @classmethod
    def of(cls, token: str, now: datetime, base: str) -> Self | None:
        """Return the visit of a token; None if it is not ours, too old, or of other pages."""
        try:
            text = sealing.unseal(base64.urlsafe_b64decode(token.encode()), key=_key(), place=_PLACE)
            until, places, nonce, whose = json.loads(text)
        except (sealing.SealBroken, binascii.Error, ValueError):
            return None
        return cls(Phrase(tuple(places)), nonce) if whose == base and now.timestamp() < until else None
