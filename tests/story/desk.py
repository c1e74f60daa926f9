"""A coordinator without a browser: the console over plain HTTP, as good as its forms."""

import html
import http.client
import re
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from tests.story.house import House, until
from tests.story.papers import Papers


@dataclass
class Seen:
    """One page of the console; status 0 is no answer at all."""

    status: int = 0
    text: str = ""
    to: str = ""

    @property
    def token(self) -> str:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.text)
        assert found, self.text[:2000]
        return found[1]


@dataclass
class Desk:
    """Somebody at the coordinators' door."""

    house: House
    papers: Papers
    cookies: dict[str, str] = field(default_factory=dict)
    host: str = ""  # the name this door is asked for, if not the address

    def sign_in(self) -> None:
        """Sign in with six words and a code; the first time with the one-time code."""
        if not self.papers.words:
            self._first()
        elif not self.cookies:
            self._fill("/sign-in/", username=self.papers.name, pass_phrase=self.papers.words)
            self._fill("/sign-in/code/", code=self.papers.code())
        assert "Unlocked: you can read" in self.get("/").text

    def open(self, case: str, patience: float = 30.0) -> str:
        """Open a tip and read it, again until the door answers; returns what was sent."""
        path = f"/tips/{case}/"
        page = until(lambda: (seen := self.get(path)).status == 200 and seen, patience, pause=0.2)
        token = page.token
        until(lambda: self.post(f"{path}open/", csrfmiddlewaretoken=token).status == 302, patience, pause=0.2)
        shown = until(lambda: (seen := self.get(path)).status == 200 and seen, patience, pause=0.2).text
        found = re.search(r'<p class="tip-words">(.*?)</p>', shown, re.DOTALL)
        assert found, words(shown)
        # Without the numbers of the reasons, which are links.
        return html.unescape(re.sub(r"<a .*?</a>|<[^>]+>", "", found[1]))

    def get(self, path: str) -> Seen:
        return self._talk("GET", path, None)

    def post(self, path: str, **fields: str) -> Seen:
        return self._talk("POST", path, urlencode(fields))

    def _fill(self, path: str, **fields: str) -> str:
        """Open a page with a form, send it, and return where that leads."""
        sent = self.post(path, csrfmiddlewaretoken=self.get(path).token, **fields)
        assert sent.status == 302, words(sent.text)
        return sent.to

    def _first(self) -> None:
        self._fill("/first/", username=self.papers.name, code=self.house.one_time_code(self.papers.name))
        shown = self.get("/first/words/").text
        self.papers.words = " ".join(re.findall(r'<strong class="lead">(\w[\w-]*)</strong>', shown))
        self._fill("/first/words/", typed=self.papers.words)
        found = re.search(r"<code>([A-Z2-7 ]+)</code>", self.get("/second-factor/").text)
        assert found
        self.papers.secret = found[1]
        self._fill("/second-factor/", code=self.papers.code())
        self._fill("/second-factor/spare/")

    def _talk(self, method: str, path: str, body: str | None) -> Seen:
        talk = http.client.HTTPConnection("127.0.0.1", self.house.port_of("console"), timeout=20)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if self.host:
            headers["Host"] = self.host
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            talk.request(method, path, body, headers)
            with talk.getresponse() as reply:
                for line in reply.headers.get_all("Set-Cookie", []):
                    for name, morsel in SimpleCookie(line).items():
                        self.cookies[name] = morsel.value
                return Seen(reply.status, reply.read().decode(), reply.headers.get("Location", ""))
        except (OSError, http.client.HTTPException):
            return Seen()
        finally:
            talk.close()


def words(page: str) -> str:
    """A page without its tags."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page))).strip()
