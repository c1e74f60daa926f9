"""The sender's side of the measurement: raw sockets, as light as can be, in a process of its own.

python -m benchmarks.visitor PORT CONCURRENCY SECONDS prints one line of JSON. Each connection
sends one tip after the other: get the form, read its nonce, post a tip of 1 KB, read the receipt.
"""

import json
import random
import re
import resource
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

HOST = "127.0.0.1"
# What a browser sends along; every header costs the server time.
HEADERS = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
)
# The fields a browser sends although nothing stands in them.
EMPTY = ("who_knows", "people", "vehicle", "place", "time", "school", "name", "reach")
TIP_BYTES = 1024
WORDS = (
    "the a he she they was is near behind school park rink store corner car blue white truck saw heard "
    "sold pills cash phone bag night morning friend cousin somebody always every week after class before "
    "lunch door window apartment building street bus stop number knows says wants scared money boxes"
)
NONCE = re.compile(rb'name="nonce" value="([^"]+)"')
WORD = re.compile(rb"<p data-secret>([a-z-]+)</p>")
NUMBER = re.compile(rb"<p data-secret>([0-9]{4})</p>")


class Broken(Exception):
    """The server answered what a sender should not see. Says what."""


@dataclass
class Connection:
    """One keep-alive connection, opened again when the server has closed it."""

    port: int
    reopened: int = -1
    _socket: socket.socket | None = field(default=None)
    _rest: bytes = b""

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and read the whole answer. A connection found closed is opened again once."""
        for attempt in (1, 2):
            fresh = self._socket is None
            if self._socket is None:
                self._socket = socket.create_connection((HOST, self.port), timeout=30)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.reopened += 1
            try:
                self._socket.sendall(request)
                return self._answer()
            except (ConnectionError, EOFError):
                self.close()
                if fresh or attempt == 2:
                    raise
        raise AssertionError

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._rest = None, b""

    def _answer(self) -> tuple[int, bytes]:
        head, body = self._until_blank_line()
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(headers["content-length"])
        while len(body) < length:
            body += self._more()
        self._rest = body[length:]
        if headers.get("connection", "").lower() == "close":
            self.close()
        return int(lines[0].split()[1]), body[:length]

    def _until_blank_line(self) -> tuple[bytes, bytes]:
        data = self._rest
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        return head, body

    def _more(self) -> bytes:
        block = self._socket.recv(65536) if self._socket else b""
        if not block:
            raise EOFError
        return block


def request(method: str, port: int, body: bytes = b"") -> bytes:
    """One request for the form's address."""
    head = f"{method} / HTTP/1.1\r\nHost: {HOST}:{port}\r\n{HEADERS}"
    if method == "POST":
        head += (
            f"Origin: http://{HOST}:{port}\r\nReferer: http://{HOST}:{port}/\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        )
    return f"{head}\r\n".encode() + body


def form_fields(nonce: str, text: str) -> bytes:
    """What a browser sends when only the first question was answered."""
    return urlencode({"nonce": nonce, "text": text, **dict.fromkeys(EMPTY, "")}).encode()


def submit(connection: Connection, text: str) -> tuple[float, float]:
    """Get the form, send the tip, read the receipt; returns the monotonic times of asking and of the receipt.

    Raises Broken.
    """
    port = connection.port
    started = time.monotonic()
    status, page = connection.ask(request("GET", port))
    nonce = NONCE.search(page)
    if status != 200 or nonce is None:
        raise Broken(f"form: {status}")
    status, page = connection.ask(request("POST", port, form_fields(nonce[1].decode(), text)))
    ended = time.monotonic()
    if status != 200 or len(WORD.findall(page)) != 7:
        raise Broken(f"receipt: {status}")
    return started, ended


def tip(rng: random.Random) -> str:
    """About 1 KB of words that mean nothing in particular."""
    words, text = WORDS.split(), f"{rng.getrandbits(64):x}"
    while len(text) < TIP_BYTES - 8:
        text += " " + rng.choice(words)
    return text


def _visit(port: int, until: float, took: list[float], broken: list[str], reopened: list[int]) -> None:
    connection, rng = Connection(port), random.Random()
    while time.monotonic() < until:
        try:
            started, ended = submit(connection, tip(rng))
            took.append((ended - started) * 1000)
        except (Broken, OSError, EOFError) as problem:
            broken.append(str(problem) or type(problem).__name__)
            connection.close()
            time.sleep(0.05)
    connection.close()
    reopened.append(max(connection.reopened, 0))


def main(port: int, concurrency: int, seconds: float) -> None:
    took: list[float] = []
    broken: list[str] = []
    reopened: list[int] = []
    started = time.monotonic()
    visitors = [
        threading.Thread(target=_visit, args=(port, started + seconds, took, broken, reopened))
        for _ in range(concurrency)
    ]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    elapsed = time.monotonic() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "took_ms": took,
                "errors": broken,
                "elapsed": elapsed,
                "reopened": sum(reopened),
                "cpu_ms": (used.ru_utime + used.ru_stime) * 1000,
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
