"""The outbox over HTTP: the page, what tests ask and command, and the doors of both providers."""

import json
import re
import socket
import socketserver
import struct
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tipline.outbox import calls, page, providers
from tipline.outbox.postman import receipt_of

if TYPE_CHECKING:
    from tipline.outbox.server import OutboxServer

_LIMIT = 256 * 1024
_DRIP = 0.25
_OWN = Path(__file__).parent / "static"
_HOUSE = Path(__file__).resolve().parents[2] / "static"
_FILES = {
    "/tipline.css": (_HOUSE / "tipline.css", "text/css"),
    "/icon.png": (_HOUSE / "icon.png", "image/png"),
    "/outbox.css": (_OWN / "outbox.css", "text/css"),
    "/outbox.js": (_OWN / "outbox.js", "text/javascript"),
}
_TWILIO = re.compile(r"/2010-04-01/Accounts/([\w-]{1,64})/(Messages|Calls)\.json")
_SERVICES = {"Messages": ("twilio", providers.twilio), "Calls": ("voice", calls.call)}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class HttpServer(ThreadingHTTPServer):
    """One thread a request, none of them holding up the end."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], box: "OutboxServer") -> None:
        self.box = box
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Bind without asking the resolver for this machine's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]  # type: ignore[assignment]

    @property
    def url(self) -> str:
        """The origin, without a slash at the end."""
        host = str(self.server_name)
        return f"http://[{host}]:{self.server_port}" if ":" in host else f"http://{host}:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is what the tests are about, no news."""


class Handler(BaseHTTPRequestHandler):
    """Routes by hand: there are ten."""

    server: HttpServer
    timeout = 30
    # As a provider's: a connection serves many requests, an answer leaves whole and at once.
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server_version = "outbox"
    sys_version = ""

    def do_GET(self) -> None:
        """The page, its files, the list of messages, the present faults."""
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        if not self._from_here():
            return self._text(403, "Not from there.")
        box = self.server.box
        if url.path == "/":
            content = page.render(box.messages(), box.faults, paused="pause" in query)
            return self._send(200, content.encode(), {"Content-Type": "text/html; charset=utf-8"})
        if url.path == "/messages.json":
            since = query.get("since", ["0"])[0]
            since = since if since.isdecimal() and since.isascii() else "0"
            return self._json(200, [message.as_json() for message in box.messages(int(since[:18]))])
        if url.path == "/control":
            return self._json(200, box.faults.as_json())
        if url.path == "/healthz":
            return self._text(200, "ok")
        if url.path in _FILES:
            path, kind = _FILES[url.path]
            with suppress(OSError):
                return self._send(200, path.read_bytes(), {"Content-Type": kind})
        return self._text(404, "Nothing here.")

    def do_DELETE(self) -> None:
        """Forget all messages."""
        if self.path != "/messages" or not self._from_here():
            return self._text(404, "Nothing here.")
        self.server.box.kept.clear()
        return self._send(204, b"", {})

    def do_POST(self) -> None:
        """What providers take, and what the page and the tests ask for."""
        path = urlsplit(self.path).path
        body = self._body()
        if body is None:
            return self._text(413, "A length of at most 256 KB is needed.")
        box = self.server.box
        if path == "/sms":
            fault, token = box.faults.take("gateway"), box.tokens.gateway
            return self._play(providers.gateway(body, dict(self.headers), fault, box.kept, token=token), fault.seconds)
        if account := _TWILIO.fullmatch(path):
            service, take_over = _SERVICES[account[2]]
            fault = box.faults.take(service)
            reply = take_over(account[1], body, dict(self.headers), fault, box.kept, token=box.tokens.twilio)
            return self._play(reply, fault.seconds)
        if not self._from_here():
            return self._text(403, "Not from there.")
        match path:
            case "/control":
                return self._control(body)
            case "/answer":
                return self._answer(body)
            case "/forget":
                box.kept.clear()
                return self._back("/")
        return self._text(404, "Nothing here.")

    def _control(self, body: bytes) -> None:
        wishes, by_form = self._wishes(body)
        if by_form:
            wishes = {service: {"mode": mode} for service, mode in wishes.items()}
        try:
            self.server.box.control(**wishes)
        except (ValueError, TypeError) as fault:
            return self._json(400, {"error": str(fault)})
        return self._back("/") if by_form else self._json(200, self.server.box.faults.as_json())

    def _answer(self, body: bytes) -> None:
        wish, by_form = self._wishes(body)
        sender = wish.get("from")
        try:
            number, text = int(wish["message"]), str(wish["text"])[:1600]
            answer = self.server.box.answer(number, text, str(sender) if sender else None)
        except (KeyError, ValueError, TypeError):
            return self._json(404, {"error": "message must be the id of an SMS or a call, text what to answer"})
        return self._back(f"/#m{number}") if by_form else self._json(200, {"status": answer.status})

    def _wishes(self, body: bytes) -> tuple[dict[str, Any], bool]:
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "application/x-www-form-urlencoded":
            fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
            return {name: values[-1] for name, values in fields.items()}, True
        # A page elsewhere can send text/plain without asking, but not this type.
        with suppress(ValueError, RecursionError):
            content = json.loads(body) if kind == "application/json" else None
            if isinstance(content, dict):
                return content, False
        return {}, False

    def _play(self, reply: providers.Reply, seconds: float) -> None:
        match reply.manner:
            case "refuse":
                # Lingering for no time makes closing a reset.
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
            case "hang":
                self.server.box.stopping.wait(seconds)
                self.close_connection = True
            case "drip":
                self._drip(reply, seconds)
            case _:
                self._send(reply.status, reply.body, reply.headers)
                self._send_receipt(reply)

    def _send_receipt(self, reply: providers.Reply) -> None:
        message = reply.message
        if message is None or not message.accepted or message.mode == "no_callback" or reply.status == 409:
            return
        self.server.box.postman.receipt(message, *receipt_of(message))

    def _drip(self, reply: providers.Reply, seconds: float) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        end, position = time.monotonic() + seconds, 0
        with suppress(OSError):
            self.wfile.flush()
            while time.monotonic() < end and position < len(reply.body):
                self.wfile.write(reply.body[position : position + 1])
                self.wfile.flush()
                position += 1
                if self.server.box.stopping.wait(_DRIP):
                    break
            self.wfile.write(reply.body[position:])
        self.close_connection = True

    def _from_here(self) -> bool:
        """Whether this browser was led here by ourselves, or it is no browser."""
        own = urlsplit(self.server.url).netloc
        named = {own, f"localhost:{self.server.server_port}"}
        if self.headers.get("Host") not in named:
            return False  # a name somebody else owns may be made to point here
        origin = self.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc not in named:
            return False
        # Following a link to the page is fine, commanding it from elsewhere is not.
        site = self.headers.get("Sec-Fetch-Site", "none")
        return self.command == "GET" or site in ("none", "same-origin")

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()) or int(length[:9]) > _LIMIT:
            self.close_connection = True
            return None
        return self.rfile.read(int(length))

    def _back(self, path: str) -> None:
        self._send(303, b"", {"Location": path})

    def _text(self, status: int, text: str) -> None:
        self._send(status, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})

    def _json(self, status: int, content: Any) -> None:
        self._send(status, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**_HEADERS, **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the page is the log."""
