"""An outbox with a stub pager door behind it, both on real sockets."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tipline.outbox import OutboxServer
from tipline.outbox.postman import Pager
from tipline.outbox.server import Tokens


@dataclass
class Heard:
    path: str
    headers: dict[str, str]
    body: bytes


class PagerDoor:
    """Records what providers post, and answers with `status`."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.status = 204
        self._more = threading.Condition()
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with door._more:
                    door.heard.append(Heard(self.path, dict(self.headers), body))
                    door._more.notify_all()
                self.send_response(door.status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def wait(self, count: int = 1, timeout: float = 3.0) -> list[Heard]:
        with self._more:
            assert self._more.wait_for(lambda: len(self.heard) >= count, timeout), "the door heard nothing"
            return list(self.heard)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def pager() -> Iterator[PagerDoor]:
    door = PagerDoor()
    yield door
    door.stop()


@pytest.fixture
def box(pager: PagerDoor) -> Iterator[OutboxServer]:
    with OutboxServer(
        pager=Pager(pager.url, "gateway-secret", "twilio-token"),
        tokens=Tokens("gateway-token", "twilio-token"),
    ) as box:
        yield box


class Web:
    """A small client that sends exactly what it is told to."""

    def __init__(self, url: str) -> None:
        self._place = url.removeprefix("http://")

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        talk = HTTPConnection(self._place, timeout=5)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, dict):
            body = json.dumps(body).encode()
            names.setdefault("Content-Type", "application/json")
        talk.request(method, path, body, names)
        reply = talk.getresponse()
        reply.text = reply.read().decode()  # type: ignore[attr-defined]
        talk.close()
        return reply


@pytest.fixture
def web(box: OutboxServer) -> Web:
    return Web(box.http_url)


@pytest.fixture
def send_sms(web: Web):
    """Send a text through the generic gateway."""

    def send(text: str = "TL 27 NOW. On it? Reply 27 K4M9TX.", to: str = "+15550101", reference: str = "r1"):
        return web(
            "POST", "/sms", {"to": to, "text": text, "reference": reference}, Authorization="Bearer gateway-token"
        )

    return send
