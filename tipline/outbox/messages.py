"""What has arrived, in memory, the oldest forgotten first."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

KEPT = 5_000


@dataclass
class Answer:
    """A reply somebody sent from their phone, and what the pager door said to it (0: not reached)."""

    text: str
    sender: str
    status: int


@dataclass
class Message:
    """One mail or SMS as the outside world saw it.

    `accepted` is False where the sender was deliberately not told (hang, drip, garbage): the
    message is here all the same, which is what makes such faults dangerous. `duplicate_of` names
    the message whose reference came a second time.
    """

    kind: str
    service: str
    to: str
    sender: str
    body: str
    id: int = 0
    subject: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    size: int = 0
    reference: str = ""
    provider_reference: str = ""
    callback: str = ""
    mode: str = "ok"
    accepted: bool = True
    duplicate_of: int | None = None
    arrived_ns: int = field(default_factory=time.monotonic_ns)
    arrived: str = field(default_factory=lambda: f"{datetime.now():%H:%M:%S}")  # noqa: DTZ005 - for eyes
    receipts: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    @property
    def number(self) -> str | None:
        """The phone an SMS or a call went to; None for a mail."""
        return self.to if self.kind in ("sms", "voice") else None

    def as_json(self) -> dict[str, Any]:
        """All fields, for /messages.json."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return fields | {"number": self.number, "answers": [vars(answer) for answer in self.answers]}


class Messages:
    """The messages, safe to use from the mail server's loop and every HTTP thread."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept: deque[Message] = deque(maxlen=kept)
        self._last = 0
        self._by_reference: dict[str, list[Message]] = {}
        self._changed = threading.Condition()

    def add(self, message: Message) -> Message:
        """Number a message, note whether its reference came before, and keep it."""
        with self._changed:
            self._last += 1
            message.id = self._last
            # Twilio is told no reference except in its callback; the server puts that one in.
            known = self._by_reference.setdefault(message.reference, []) if message.reference else []
            earlier = next((one for one in known if one.kind == message.kind), None)
            message.duplicate_of = (earlier.duplicate_of or earlier.id) if earlier else None
            known.append(message)
            if len(self._kept) == self._kept.maxlen:
                self._forget(self._kept[0])
            self._kept.append(message)
            self._changed.notify_all()
        return message

    def since(self, number: int = 0) -> list[Message]:
        """Messages with an id above `number`, oldest first."""
        with self._changed:
            return [message for message in self._kept if message.id > number]

    def get(self, number: int) -> Message | None:
        """The message with this id, if it is still kept."""
        with self._changed:
            return self._find(lambda known: known.id == number)

    def first(self, service: str, reference: str) -> Message | None:
        """The first message of a service with this reference that was accepted."""
        with self._changed:
            known = self._by_reference.get(reference, [])
            return next((message for message in known if message.service == service and message.accepted), None)

    def clear(self) -> None:
        """Forget all messages; their numbers are not used again."""
        with self._changed:
            self._kept.clear()
            self._by_reference.clear()

    def wait_for(self, wanted: Callable[[Message], bool], timeout: float) -> Message:
        """The first message `wanted` says yes to, waiting up to `timeout` seconds; else TimeoutError."""
        with self._changed:
            found = self._changed.wait_for(lambda: self._find(wanted), timeout)
        if found is None:
            raise TimeoutError("no such message arrived")
        return found

    def _find(self, wanted: Callable[[Message], bool]) -> Message | None:
        return next((message for message in self._kept if wanted(message)), None)

    def _forget(self, message: Message) -> None:
        known = self._by_reference.get(message.reference, [])
        if message in known:
            known.remove(message)
        if not known:
            self._by_reference.pop(message.reference, None)
