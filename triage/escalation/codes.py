"""Reply codes: six characters that belong to one notification, derived and never stored."""

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings

# Without 0 O, 1 I L, 5 S, 2 Z, 8 B, U V: each of these is read as the one that is kept, or as none.
ALPHABET = "2345679ABCDEFGHJKMNPQRTVWXY"
READ_AS = str.maketrans({"S": "5", "Z": "2", "8": "B", "U": "V"})
LENGTH = 6
LIFETIME = timedelta(minutes=15)
MISSES = 3

_REPLY = re.compile(r"(?:TL)?(?P<page>[0-9]{2,3})?(?P<word>PASS|[A-Z0-9]{6})")
_STOP = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody answered: a code, a pass or a stop; `page` if they wrote the page's number."""

    code: str = ""
    passes: bool = False
    stops: bool = False
    page: int | None = None


def code_for(notification_id: UUID) -> str:
    """Return the notification's code: HMAC-SHA256 of its id, as six characters (about 2**28)."""
    if not settings.PAGE_CODE_KEY:
        raise ValueError("This process was not given the key of the reply codes.")
    digest = hmac.new(settings.PAGE_CODE_KEY.encode(), b"code|" + notification_id.bytes, hashlib.sha256).digest()
    value, code = int.from_bytes(digest, "big"), ""
    for _ in range(LENGTH):
        value, place = divmod(value, len(ALPHABET))
        code += ALPHABET[place]
    return code


def matches(notification_id: UUID, code: str) -> bool:
    """Whether this is the notification's code, in the same time whatever the answer."""
    return hmac.compare_digest(code_for(notification_id).encode(), code.encode())


def read(text: str) -> Reply | None:
    """Read a reply as people type it: "27 K4M9TX", "tl27k4m 9tx", "K4M9TX", "27 pass", "Stop."; else None."""
    folded = unicodedata.normalize("NFKC", text[:200]).upper()
    bare = "".join(char for char in folded if char.isascii() and char.isalnum())
    if bare in _STOP:
        return Reply(stops=True)
    found = _REPLY.fullmatch(bare)
    if found is None:
        return None
    page = int(found["page"]) if found["page"] else None
    if found["word"] == "PASS":
        return Reply(passes=True, page=page)
    return Reply(code=found["word"].translate(READ_AS), page=page)
