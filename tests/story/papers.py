"""What a coordinator has on paper and on the phone: six words, and an authenticator app."""

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass

from tests.story.house import until

PERIOD = 30  # seconds


@dataclass
class Papers:
    """A coordinator's own secrets, empty before the first sign-in."""

    name: str = "coordinator"
    words: str = ""
    secret: str = ""
    last_period: int = 0

    def code(self) -> str:
        """The next six digits (RFC 6238). A code counts once, so this may wait for the next one."""
        period = max(int(time.time()) // PERIOD, self.last_period + 1)
        # A clock half a minute fast is let in: so is the next code.
        until(lambda: period <= int(time.time()) // PERIOD + 1, 2 * PERIOD)
        self.last_period = period
        return hotp(self.secret, period)


def hotp(secret: str, counter: int) -> str:
    """RFC 4226: HMAC-SHA1, truncated to six digits."""
    bare = secret.replace(" ", "").upper()
    digest = hmac.new(
        base64.b32decode(bare + "=" * (-len(bare) % 8)), counter.to_bytes(8, "big"), hashlib.sha1
    ).digest()
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"
