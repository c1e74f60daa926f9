"""A sender without a browser: the public form over plain HTTP, so that a test may send the same thing twice."""

import html
import http.client
import re
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.story.house import House, until


@dataclass(frozen=True)
class Answer:
    """What the public door said; status 0 is no answer at all."""

    status: int = 0
    text: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The seven words of a receipt."""
        return " ".join(html.unescape(word) for word in re.findall(r"<p data-secret>([^<]+)</p>", self.text)[:7])

    @property
    def nonce(self) -> str:
        found = re.search(r'name="nonce" value="([^"]+)"', self.text)
        assert found, self.text[:2000]
        return found[1]

    @property
    def visit(self) -> str:
        found = re.search(r'name="visit" value="([^"]+)"', self.text)
        assert found, self.text[:2000]
        return found[1]


class Street:
    """Somebody at the public door."""

    def __init__(self, house: House, *, host: str = "") -> None:
        self.port = house.port_of("public")
        self.host = host  # the name this door is asked for, if not the address

    def nonce(self) -> str:
        """Open the form, again until it opens, and return the key in it."""
        return until(lambda: (form := self.get("/")).status == 200 and form, 30, pause=0.1).nonce

    def send(self, text: str, nonce: str, *, port: int | None = None, **fields: str) -> Answer:
        """Press Send once."""
        return self.post("/", {"nonce": nonce, "text": text, **fields}, port=port)

    def send_until_received(self, text: str, patience: float = 30.0) -> Answer:
        """Press Send, and again while there is no answer or a 503, as the page says one should."""
        nonce = self.nonce()

        def try_once() -> Answer | None:
            answer = self.send(text, nonce)
            assert answer.status in (0, 200, 503), answer
            return answer if answer.status == 200 else None

        return until(try_once, patience, pause=0.3)

    def get(self, path: str, **headers: str) -> Answer:
        """Look at a page; headers by name, with _ for -."""
        return self._talk("GET", path, None, self.port, headers)

    def post(self, path: str, fields: dict[str, str], *, port: int | None = None) -> Answer:
        return self._talk("POST", path, urlencode(fields), port or self.port)

    def _talk(self, method: str, path: str, body: str | None, port: int, more: dict[str, str] | None = None) -> Answer:
        talk = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        headers |= {name.replace("_", "-"): value for name, value in (more or {}).items()}
        if self.host:
            headers["Host"] = self.host
        try:
            talk.request(method, path, body, headers)
            with talk.getresponse() as reply:
                return Answer(reply.status, reply.read().decode(), reply.getheaders())
        except (OSError, http.client.HTTPException):
            return Answer()
        finally:
            talk.close()
