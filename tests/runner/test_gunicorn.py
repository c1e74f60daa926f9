"""The public door's real server: what it answers to nonsense, and what it says about who asked."""

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

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


def test_the_test_environment_is_the_one_the_plugin_made() -> None:
    assert os.environ["TIPLINE_ENV"] == "test"
    assert set(testservers.environment(Places.of(Path("/x")))) <= set(os.environ)
