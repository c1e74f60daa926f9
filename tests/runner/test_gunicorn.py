"""The public door's real server: what it answers to nonsense, and what it says about who asked."""

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.runner.conftest import Watched, until
from tipline.runner import ports, testservers
from tipline.runner.environment import Installation
from tipline.runner.places import Places
from tipline.runner.processes import named

pytestmark = pytest.mark.system

NONSENSE = {
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 this is TLS\r\n\r\n",
    "a bad request line": b"GET\r\n\r\n",
    "a bad header": b"GET / HTTP/1.1\r\nHost: localhost\r\nbad header\x00: marked-word\r\n\r\n",
    "an endless line": b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    "a forged address": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n",
}


@pytest.fixture
def door(watched: Callable[..., Watched], free_base_port: int) -> tuple[Watched, int]:
    places = Places.of(
        Path(os.environ["TIPLINE_STATE_DIR"]),
        run=Path(os.environ["TIPLINE_RUN_DIR"]),
        secrets=Path(os.environ["TIPLINE_SECRETS_DIR"]),
    )
    installation = Installation(places, free_base_port, os.environ)
    public = named("public")
    environment = installation.environment(public) | {"TIPLINE_DB_HOST": os.environ["TIPLINE_DB_HOST"]}
    places.create()
    places.static.mkdir(exist_ok=True)  # whitenoise warns of a missing one
    gunicorn = watched(installation.command(public), environment)
    assert until(lambda: ports.healthy(free_base_port, public), 30), gunicorn.output
    return gunicorn, free_base_port


def ask(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while block := connection.recv(65536):
                answer += block
        except ConnectionResetError:
            pass
        return answer


def test_the_server_never_says_who_asked_or_what_it_is(door: tuple[Watched, int]) -> None:
    gunicorn, port = door

    answers = {what: ask(port, request) for what, request in NONSENSE.items()}

    assert {what: answer[9:12] for what, answer in answers.items()} == {
        "no HTTP at all": b"400",
        "a bad request line": b"400",
        "a bad header": b"400",
        "an endless line": b"414",
        "two lengths": b"400",
        "a forged address": b"200",
    }
    assert not any(b"\r\nserver:" in answer.lower() for answer in answers.values())
    assert gunicorn.end(signal.SIGTERM) == 0
    assert gunicorn.output == ""


SLOW = 200


def test_two_hundred_slow_senders_leave_the_form_answering(door: tuple[Watched, int]) -> None:
    """Sixteen threads serve this door. Some send half a body, some half a header, some nothing, some never close."""
    gunicorn, port = door
    body = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    body += b"Content-Length: 5000\r\n\r\ntext=They+sell+pills"
    answered = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    begun = [body, body, body, b"POST / HTTP/1.1\r\nHost: loc", b"", answered]
    held = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(SLOW)]
    try:
        for number, connection in enumerate(held):
            connection.sendall(begun[number % len(begun)])
        started = time.monotonic()
        for _ in range(5):
            answer = ask(port, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200")
        took = time.monotonic() - started
        # One of them goes on at last, and is answered.
        held[0].sendall(b"+" * (5000 - len("text=They+sell+pills")))
        assert held[0].recv(65536).startswith(b"HTTP/1.1 400"), "a form without its nonce"
    finally:
        for connection in held:
            connection.close()
    assert took < 10, "with threads that wait for bodies the form answers after half a minute, or never"
    assert gunicorn.end(signal.SIGTERM) == 0
    assert gunicorn.output == ""


FORM = b"text=x&nonce=y"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"


def test_requests_in_pieces_in_pairs_and_beyond_limits_are_answered_as_they_should(door: tuple[Watched, int]) -> None:
    _, port = door
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        answers = connection.makefile("rb")
        # In pieces, on a connection that stays open, and two at once.
        for piece in (POST[:20], POST[20:], b"Content-Length: 14\r\n\r", b"\n" + FORM[:3], FORM[3:]):
            connection.sendall(piece)
            time.sleep(0.02)
        assert _answer(answers) == 400
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2)
        assert [_answer(answers), _answer(answers)] == [200, 200]
        # A sender that waits to be told to go on.
        connection.sendall(POST + b"Expect: 100-continue\r\nContent-Length: 14\r\n\r\n")
        assert _answer(answers) == 100
        connection.sendall(FORM)
        assert [status for status in (_answer(answers), _answer(answers)) if status != 100][-1] == 400
        # More than is read: said at once, and what follows is nobody's next request.
        connection.sendall(POST + b"Content-Length: 2000000\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert _answer(answers) == 413
        assert answers.read() == b""
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\ntext=\r\n0\r\n\r\n"
    assert ask(port, chunked).startswith(b"HTTP/1.1 411")
    assert ask(port, b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000).startswith(b"HTTP/1.1 431")


def _answer(answers: BinaryIO) -> int:
    """Read one answer and return its status."""
    status, length = int(answers.readline().split()[1]), 0
    while (line := answers.readline().strip()) != b"":
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    answers.read(length)
    return status


def test_the_test_environment_is_the_one_the_plugin_made() -> None:
    assert os.environ["TIPLINE_ENV"] == "test"
    assert set(testservers.environment(Places.of(Path("/x")))) <= set(os.environ)
