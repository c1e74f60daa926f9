"""Making a pass phrase slow to guess: Argon2id, with a pepper that is in no database and no backup."""

from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Self

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from django.conf import settings

SALT_SIZE = 16
KEY_SIZE = 32

# Each run takes 64 MiB and most of a core for half a second. Two at a time leave the other
# threads of this door something to answer with, however many people guess.
_AT_ONCE = BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess costs: passes, lanes and kibibytes. Stored with each sealed key, so that it can rise."""

    iterations: int
    lanes: int
    kibibytes: int

    @classmethod
    def now(cls) -> Self:
        """The cost in force for what is sealed today."""
        return cls.parse(settings.VAULT_ARGON2)

    @classmethod
    def parse(cls, stored: str) -> Self:
        return cls(*(int(part) for part in stored.split(",")))

    def __str__(self) -> str:
        return f"{self.iterations},{self.lanes},{self.kibibytes}"


def stretch(phrase: str, *, salt: bytes, cost: Cost) -> bytes:
    """Return the 32 bytes under which a private key is sealed.

    Source: RFC 9106 (Argon2id); the pepper is its secret value K.
    """
    derive = Argon2id(
        salt=bytes(salt),
        length=KEY_SIZE,
        iterations=cost.iterations,
        lanes=cost.lanes,
        memory_cost=cost.kibibytes,
        secret=settings.VAULT_PEPPER.encode(),
    )
    with _AT_ONCE:
        return derive.derive(phrase.encode())
