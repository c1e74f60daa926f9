"""What every sender promises: one message in, one outcome out, within a hard deadline.

Nothing here knows the database or Django. The engine turns an outcome into the next due time; a
sender only reports what the far side said, as a short code that never holds content or an address.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """How one attempt ended, as far as we can know."""

    ACCEPTED = "accepted"
    """The provider took it over. Accepted is not delivered."""
    FAILED_FOR_NOW = "failed_for_now"
    """It was certainly not taken over; the same attempt may work later, or elsewhere now."""
    FAILED_FOR_GOOD = "failed_for_good"
    """It was certainly not taken over and repeating it would not help."""
    UNKNOWN = "unknown"
    """It may have been taken over: the answer was lost or made no sense after we wrote."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message for one person over one channel.

    `reference` is the notification's UUID in hex. It becomes the Message-ID or the provider's
    idempotency key, so a second sending of the same row can be recognised as the same page.
    """

    reference: str
    to: str
    body: str
    subject: str | None = None

    def __repr__(self) -> str:
        # A log line or traceback must not carry an address or the text.
        return f"Outgoing(reference={self.reference!r})"


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one attempt.

    `retry_after` is in seconds and only set when the provider asked for it. `detail` is a short
    code such as "rcpt_550" or "http_500". `address_is_bad` says that a failure for good is about
    this person's number or mailbox (flag the contact), not about our account or settings.
    """

    outcome: Outcome
    provider: str
    provider_reference: str | None = None
    retry_after: float | None = None
    detail: str = ""
    address_is_bad: bool = False


class Sender(Protocol):
    """Something that can carry a message out of the house."""

    @property
    def name(self) -> str:
        """The provider's name in attempts, metrics and `Result.provider`."""

    def send(self, message: Outgoing, *, timeout: float = 5.0) -> Result:
        """Try once, returning within `timeout` seconds whatever the far side does. Never raises for
        what the far side does, and never logs."""
