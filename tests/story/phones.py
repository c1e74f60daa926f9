"""The world outside: what reached the local mail and SMS servers, and the answers people send from their phones."""

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.story.house import House, until

Message = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """One page as the people on call get it: an SMS and a mail."""

    sms: Message
    mail: Message

    @property
    def arrived(self) -> float:
        """Seconds of the monotonic clock at which the second of the two had arrived."""
        return max(self.sms["arrived_ns"], self.mail["arrived_ns"]) / 1e9

    @property
    def number(self) -> int:
        """The rolling number of the page, as people see it."""
        return int(self.sms["body"].split()[1])

    @property
    def code(self) -> str:
        """What to answer to take it, as the SMS says it: number and code."""
        return self.sms["body"].partition("Reply ")[2].partition(".")[0]


class Phones:
    """What the outbox of a house has taken in. It keeps its messages in memory only."""

    def __init__(self, house: House) -> None:
        self._house = house

    def messages(self) -> list[Message]:
        """Everything that has arrived, oldest first; nothing while the outbox is away."""
        status, content = self._talk("GET", "/messages.json")
        return json.loads(content) if status == 200 else []

    def last(self) -> int:
        """The number of the newest message."""
        return max((message["id"] for message in self.messages()), default=0)

    def page(self, *, after: int, patience: float = 10.0) -> Page:
        """Wait for the first new page by SMS and by mail."""
        sms = self.wait_for(lambda m: m["kind"] == "sms" and " NOW. " in m["body"], after=after, patience=patience)
        mail = self.wait_for(lambda m: m["kind"] == "mail" and ", NOW. " in m["body"], after=after, patience=patience)
        return Page(sms, mail)

    def wait_for(self, wanted: Callable[[Message], bool], *, after: int, patience: float = 10.0) -> Message:
        """Wait for the first message above `after` that is wanted."""
        found = until(
            lambda: [each for each in self.messages() if each["id"] > after and wanted(each)], patience, pause=0.02
        )
        return found[0]

    def answer(self, message: Message, text: str, *, sender: str = "") -> int:
        """Answer an SMS, or key something in a call, from the phone it went to or from `sender`.

        Returns what the pager door said to it (0: not reached).
        """
        wish = {"message": message["id"], "text": text} | ({"from": sender} if sender else {})
        status, content = self._talk("POST", "/answer", wish)
        return json.loads(content)["status"] if status == 200 else 0

    def misbehave(self, **services: dict[str, object]) -> None:
        """Have the carriers do wrong: `smtp={"mode": "hang", "count": 1}` (tipline.outbox.faults.MODES)."""
        status, content = self._talk("POST", "/control", services)
        assert status == 200, content

    def take(self, page: Page, patience: float = 20.0) -> None:
        """Take a page by its code, again until the pager door has it, as a carrier does."""
        until(lambda: self.answer(page.sms, page.code) in (200, 204), patience, pause=0.3)

    def _talk(self, method: str, path: str, content: object = None) -> tuple[int, bytes]:
        talk = http.client.HTTPConnection("127.0.0.1", self._house.port_of("outbox"), timeout=10)
        headers = {"Content-Type": "application/json"} if content is not None else {}
        try:
            talk.request(method, path, json.dumps(content) if content is not None else None, headers)
            with talk.getresponse() as reply:
                return reply.status, reply.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            talk.close()


def milliseconds(since: float, moment: float | None = None) -> str:
    """The time since a moment of the monotonic clock, for a test's own output."""
    return f"{((moment if moment is not None else time.monotonic()) - since) * 1000:.0f} ms"
