"""A sender who marks everything: each request from an address of its own, with every header that could name it."""

import http.client
import json
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from urllib.parse import urlencode

from tests.anonymity.marks import SOURCES, headers, mark
from tests.story.house import until
from tests.story.street import Answer


@dataclass
class Walker:
    """Somebody at a door, who keeps their seven words."""

    port: int
    words: list[str] = field(default_factory=list)
    base: str = ""
    """What every path begins with: "" at the first program's pages, "/p/lakeside" at another's."""

    def __post_init__(self) -> None:
        self._sources = cycle(SOURCES)

    def get(self, path: str = "/", **more: str) -> Answer:
        return self._ask("GET", path, None, more)

    def post(self, path: str, fields: dict[str, str], **more: str) -> Answer:
        return self._ask("POST", path, urlencode(fields), more)

    def send(self, fields: dict[str, str], *, patience: float = 30.0) -> Answer:
        """Open the form and send it, again while the door cannot store; keeps the words."""
        path = f"/?{mark('query')}=1"
        nonce = until(lambda: (shown := self.get(path)).status == 200 and shown, patience).nonce
        answer = until(lambda: (said := self.post("/", {"nonce": nonce, **fields})).status == 200 and said, patience)
        self.words.append(answer.words)
        return answer

    def come_back(self, words: str) -> Answer:
        """Look for an answer."""
        answer = self.post(f"/answers/?{mark('query')}=2", {"nonce": self.get("/answers/").nonce, "phrase": words})
        assert answer.status == 200, answer
        return answer

    def ask_api(self, path: str, body: dict[str, object] | None, words: str = "") -> Answer:
        """One call of the public API; with a body it is a post, with a key of its own."""
        more = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_urlsafe(24)}
        more |= {"Tipline-Receipt": words} if words else {}
        method, sent = ("GET", None) if body is None else ("POST", json.dumps(body))
        return self._ask(method, f"/api/v1/{path}/?{mark('query')}=3", sent, more)

    def shout(self, request: bytes, *, listen: bool = True) -> bytes:
        """Send bytes as they are, from a marked address; `listen=False` goes away in the middle."""
        with socket.socket() as talk:
            talk.bind((next(self._sources), 0))
            talk.settimeout(10)
            talk.connect(("127.0.0.1", self.port))
            with suppress(OSError):
                talk.sendall(request)
                if not listen:
                    return b""
                talk.shutdown(socket.SHUT_WR)
                answer = b""
                while block := talk.recv(65536):
                    answer += block
                return answer
        return b""

    def _ask(self, method: str, path: str, body: str | None, more: dict[str, str]) -> Answer:
        talk = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20, source_address=(next(self._sources), 0))
        told = headers() | {name.replace("_", "-"): value for name, value in more.items()}
        if body is not None:
            told.setdefault("Content-Type", "application/x-www-form-urlencoded")
        try:
            talk.request(method, self.base + path, body, told)
            with talk.getresponse() as reply:
                return Answer(reply.status, reply.read().decode(errors="replace"), reply.getheaders())
        except (OSError, http.client.HTTPException):
            return Answer()
        finally:
            talk.close()
