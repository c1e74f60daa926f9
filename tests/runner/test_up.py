"""`scripts/up`, really: first start, a killed runner, second start, Ctrl-C."""

import os
import re
import shutil
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.runner.conftest import ROOT, Watched, until
from tipline.runner import ports
from tipline.runner.places import Places
from tipline.runner.processes import PROCESSES, named

pytestmark = pytest.mark.system
SECOND_START = 20.0  # seconds


class House:
    """One state directory, its ports, and the scripts/up that runs in it."""

    def __init__(self, watched: Callable[..., Watched], state: Path, port: int) -> None:
        self.port = port
        self.places = Places.of(state)
        self._watched = watched

    def up(self, *options: str) -> Watched:
        environment = {
            "PATH": os.environ["PATH"],
            "TIPLINE_VENV": sys.prefix,
            "TIPLINE_STATE_DIR": str(self.places.state),
        }
        return self._watched([str(ROOT / "scripts" / "up"), "--port", str(self.port), *options], environment)

    def form(self) -> tuple[int, str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=10) as answer:
            return answer.status, answer.read().decode()

    def processes(self) -> list[str]:
        """Whatever still runs for this house, whoever started it."""
        marks = [os.fsencode(self.places.state), os.fsencode(self.places.sockets)]
        found = []
        for directory in Path("/proc").glob("[0-9]*"):
            try:
                told = (directory / "cmdline").read_bytes() + (directory / "environ").read_bytes()
            except OSError:
                continue
            if any(mark in told for mark in marks):
                found.append(told.replace(b"\0", b" ").decode(errors="replace")[:80])
        return found


@pytest.fixture
def house(watched: Callable[..., Watched], tmp_path: Path, free_base_port: int) -> Iterator[House]:
    house = House(watched, tmp_path / "state", free_base_port)
    yield house
    shutil.rmtree(house.places.run, ignore_errors=True)
    shutil.rmtree(house.places.sockets, ignore_errors=True)


def test_up_serves_survives_a_kill_reuses_what_is_there_and_stops(house: House) -> None:
    # The first start makes everything.
    first = house.up()
    assert first.says(r"Ready after", patience=120), first.output
    status, form = house.form()
    assert (status, "<form" in form) == (200, True)
    assert "Making a database cluster" in first.output
    assert all(ports.healthy(house.port, process) for process in PROCESSES if process.door is not None)
    assert not re.search(r"Traceback|ended \(", first.output), first.output
    secret = (house.places.secrets / "vault_pepper").read_text()

    # A second one in the same place explains itself.
    refused = house.up()
    assert refused.process.wait(30) == 1
    assert refused.says("already running here")

    # Whatever is killed comes back.
    gunicorn = next(
        int(directory.name)
        for directory in Path("/proc").glob("[0-9]*")
        if _command_line(directory).endswith("tipline.wsgi:application")
        and f"TIPLINE_PUBLIC_BIND=127.0.0.1:{house.port}" in _environment(directory)
        and _parent(directory) == first.process.pid
    )
    os.kill(gunicorn, signal.SIGKILL)
    assert first.says(r"public ended \(killed by SIGKILL\); starting it again")
    assert until(lambda: ports.healthy(house.port, named("public")), 20)

    # Killed itself, it leaves nothing behind.
    first.end(signal.SIGKILL)
    assert until(lambda: not house.processes(), 30), house.processes()

    # The second start finds everything there.
    started = time.monotonic()
    second = house.up()
    assert second.says(r"Ready after", patience=60), second.output
    assert time.monotonic() - started < SECOND_START
    assert "Making a database cluster" not in second.output
    assert (house.places.secrets / "vault_pepper").read_text() == secret
    assert house.form()[0] == 200

    # Ctrl-C ends all of it, and that is no failure.
    assert second.end(signal.SIGINT, patience=40) == 0
    assert house.processes() == []
    assert not house.places.redis_socket.exists()


def test_a_taken_port_is_said_before_anything_is_made(house: House) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", house.port + 2))
        other.listen()
        refused = house.up()

        assert refused.process.wait(30) == 1

    assert refused.says(rf"Port {house.port + 2} \(pager\) is taken. .*scripts/up --port")
    assert not house.places.postgres.exists()


def _read(path: Path) -> str:
    try:
        return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _command_line(directory: Path) -> str:
    return _read(directory / "cmdline").strip()


def _environment(directory: Path) -> str:
    return _read(directory / "environ")


def _parent(directory: Path) -> int:
    found = re.search(r"^PPid:\s+(\d+)$", _read(directory / "status"), re.MULTILINE)
    return int(found[1]) if found else 0
