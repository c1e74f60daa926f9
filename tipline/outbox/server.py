"""The outbox put together: one mail port, one HTTP port, one memory."""

import ipaddress
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

from tipline.outbox.faults import Faults
from tipline.outbox.http import HttpServer
from tipline.outbox.messages import Answer, Message, Messages
from tipline.outbox.postman import Pager, Postman
from tipline.outbox.smtp import MailServer

Address = tuple[str, int]


@dataclass(frozen=True)
class Tokens:
    """What senders must show to be let in; "" lets anybody in."""

    gateway: str = field(default="", repr=False)
    twilio: str = field(default="", repr=False)


class OutboxServer:
    """The outside world on two loopback ports, from construction until `stop`.

    Port 0 picks a free one. ValueError for an address that is not this machine's own loopback:
    what stands on the page, pages' codes among it, is for whoever sits here.
    """

    def __init__(
        self,
        http: Address = ("127.0.0.1", 0),
        smtp: Address = ("127.0.0.1", 0),
        *,
        pager: Pager | None = None,
        tokens: Tokens | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        for host, _ in (http, smtp):
            _insist_on_loopback(host)
        self.kept = Messages()
        self.faults = Faults()
        self.tokens = tokens or Tokens()
        self.stopping = Event()
        self._mail = MailServer(smtp, self.kept, self.faults, tls)
        try:
            self._http = HttpServer(http, self)
        except OSError:
            self._mail.stop()
            raise
        self.postman = Postman(pager or Pager())
        self._thread = Thread(target=self._http.serve_forever, args=(0.05,), name="outbox", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def http_url(self) -> str:
        """Where the page and both providers' APIs are."""
        return self._http.url

    @property
    def smtp_port(self) -> int:
        """The mail port."""
        return self._mail.port

    def messages(self, since: int = 0) -> list[Message]:
        """What has arrived, oldest first, with ids above `since`."""
        return self.kept.since(since)

    def control(self, **services: dict[str, Any]) -> None:
        """Misbehave: `control(smtp={"mode": "hang", "seconds": 3, "count": 1})`. See faults.MODES."""
        self.faults.command(services)
        if "smtp" in services:
            self._mail.follow_command()

    def wait_for(self, wanted: Callable[[Message], bool], timeout: float = 5.0) -> Message:
        """The first message `wanted` says yes to; TimeoutError if none comes in `timeout` seconds."""
        return self.kept.wait_for(wanted, timeout)

    def answer(self, message: int, text: str, sender: str | None = None) -> Answer:
        """Reply to an SMS; KeyError if it is not there or no SMS. `sender` plays another phone."""
        found = self.kept.get(message)
        if found is None or found.kind not in ("sms", "voice"):
            raise KeyError(message)
        return self.postman.answer(found, text, sender)

    def stop(self) -> None:
        """End everything; hung connections are let go. A second call does nothing."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)
        self.postman.stop()
        self._mail.stop()


def _insist_on_loopback(host: str) -> None:
    try:
        inside = ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = host == "localhost"
    if not inside:
        raise ValueError("the outbox listens on loopback only, such as 127.0.0.1")
