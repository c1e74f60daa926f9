"""One Tipline in one place, on ports of its own."""

import os
import socket
from pathlib import Path

import pytest

from tipline.runner import ports
from tipline.runner.lock import AlreadyRunning, Lock


def test_a_second_runner_in_the_same_place_is_told_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "up.lock"

    with Lock(path, 8000), pytest.raises(AlreadyRunning) as refusal, Lock(path, 9000):
        pass

    assert "http://127.0.0.1:8000/" in str(refusal.value)
    assert f"kill {os.getpid()}" in str(refusal.value)


def test_the_place_is_free_again_afterwards(tmp_path: Path) -> None:
    with Lock(tmp_path / "up.lock", 8000):
        pass

    with Lock(tmp_path / "up.lock", 9000):
        assert Lock.holder(tmp_path / "up.lock") == {"pid": os.getpid(), "port": 9000}


def test_a_lock_kept_for_a_dead_runner_is_waited_for_and_then_reported(tmp_path: Path) -> None:
    path = tmp_path / "up.lock"
    with Lock(path, 8000):
        path.write_text('{"pid": 1, "born": "another life", "port": 8000}')

        with pytest.raises(AlreadyRunning, match="still being stopped"), Lock(path, 8000, patience=0.3):
            pass


def test_a_taken_port_is_named_together_with_the_way_out(free_base_port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_base_port + 1))
        other.listen()

        with pytest.raises(ports.PortTaken) as refusal:
            ports.check(free_base_port)

    assert f"Port {free_base_port + 1} (console) is taken" in str(refusal.value)
    assert "scripts/up --port" in str(refusal.value)


def test_free_ports_pass(free_base_port: int) -> None:
    assert ports.check(free_base_port) is None
