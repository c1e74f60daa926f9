"""The real public door while PostgreSQL drops its connections, goes away and comes back."""

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest

from tipline.runner import child
from tipline.runner.environment import HOST, Installation
from tipline.runner.places import Places
from tipline.runner.processes import named
from tipline.runner.servers import Servers

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0  # seconds; a busy machine starts slowly
TYPED = "He keeps the boxes behind the rink <b>&amp;</b>"


@dataclass
class Door:
    """A public door of its own, with one connection to PostgreSQL for each of its two threads."""

    port: int
    servers: Servers
    process: subprocess.Popen[bytes] = field(repr=False)

    def ask(self, method: str, fields: dict[str, str] | None = None) -> tuple[int, str]:
        """One request for the form's address, on a connection of its own."""
        talk = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if fields else {}
        try:
            talk.request(method, "/", urlencode(fields) if fields else None, headers)
            answer = talk.getresponse()
            return answer.status, answer.read().decode()
        finally:
            talk.close()

    def send(self, text: str = TYPED, nonce: str = "") -> tuple[int, str]:
        return self.ask("POST", {"text": text, "nonce": nonce or self.nonce()})

    def nonce(self) -> str:
        _, page = self.ask("GET")
        return re.findall(r'name="nonce" value="([^"]+)"', page)[0]

    def terminate_backends(self) -> int:
        """End the door's connections as an administrator may; returns how many there were."""
        with psycopg.connect(
            host=str(self.servers.places.postgres_sockets),
            user="postgres",
            password=self.servers.superuser_password,
            dbname="postgres",
        ) as connection:
            ended = connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'tipline_public'"
            ).fetchall()
        return len(ended)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    places = Places.of(tmp_path_factory.mktemp("away") / "state")
    given = {name: value for name, value in os.environ.items() if not name.startswith("TIPLINE_")}
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
    installation = Installation(places, port, {**given, "TIPLINE_WORKERS": "1", "TIPLINE_THREADS": "2"})
    servers = Servers(places, durable=False)
    public = named("public")
    command = child.Command("public", installation.command(public), installation.environment(public), ROOT)
    servers.start()
    process = None
    try:
        steps = ["migrate --noinput --verbosity 0", "grant_roles", "setup"]
        argv = [sys.executable, "-m", "tipline.runner.steps", *steps]
        subprocess.run(argv, cwd=ROOT, env=installation.owner_environment(), check=True, capture_output=True)
        process = child.spawn(command)
        door = Door(port, servers, process)
        _until(lambda: door.ask("GET")[0] == 200)
        yield door
    finally:
        if process is not None:
            child.stop(process, command)
        servers.stop()
        for left in (places.run, places.sockets):
            shutil.rmtree(left, ignore_errors=True)


@pytest.fixture
def postgres_away(door: Door) -> Iterator[None]:
    door.servers.stop()
    yield
    door.servers.start()


def test_a_connection_that_was_ended_costs_the_sender_nothing(door):
    assert [door.send()[0] for _ in range(4)] == [200] * 4

    ended = door.terminate_backends()

    assert ended >= 1
    answers = [door.send() for _ in range(4)]
    assert [status for status, _ in answers] == [200] * 4
    assert all(page.count("data-secret") == 14 for _, page in answers)


def test_while_postgresql_is_away_the_form_still_opens_and_says_so_with_the_text_in_it(door, postgres_away):
    nonce = door.nonce()
    started = time.monotonic()

    status, page = door.send(nonce=nonce)

    assert status == 503
    assert "We cannot store anything just now" in page
    assert "He keeps the boxes behind the rink &lt;b&gt;&amp;amp;&lt;/b&gt;</textarea>" in page
    assert nonce in page, "sent again from this page it must be the same tip, should it have been stored"
    assert time.monotonic() - started < 5


def test_when_postgresql_is_back_the_same_door_takes_tips_at_once(door):
    door.servers.stop()
    nonce = door.nonce()
    assert door.send(nonce=nonce)[0] == 503
    door.servers.start()
    started = time.monotonic()

    _until(lambda: door.send(nonce=nonce)[0] == 200)

    assert time.monotonic() - started < 5
    assert door.process.poll() is None


def _until(done) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with suppress(OSError, http.client.HTTPException):
            if done():
                return
        time.sleep(0.1)
    raise AssertionError(f"not within {PATIENCE:.0f} s")
