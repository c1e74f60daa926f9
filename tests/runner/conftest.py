"""Running the runner's parts as a terminal would: as processes, watched from outside."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tipline.runner import child

ROOT = Path(__file__).resolve().parents[2]


def until(condition: Callable[[], object], patience: float = 15.0) -> bool:
    """Wait for a condition; False if it never came true."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class Watched:
    """A process whose output is collected, and which is not left behind."""

    def __init__(self, argv: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def says(self, pattern: str, patience: float = 15.0) -> re.Match[str] | None:
        """Wait until the output matches; None if it never does."""
        until(lambda: re.search(pattern, self.output) or self.process.poll() is not None, patience)
        self._reader.join(0.5 if self.process.poll() is not None else 0)
        return re.search(pattern, self.output)

    def end(self, number: int, patience: float = 30.0) -> int:
        """Send a signal and wait; returns the exit status."""
        self.process.send_signal(number)
        return self.process.wait(patience)

    def _read(self) -> None:
        for line in self.process.stdout or []:
            self.lines.append(line.rstrip("\n"))


@pytest.fixture
def watched() -> Iterator[Callable[..., Watched]]:
    """`watched(argv, env)` starts a process; what is still there afterwards is ended."""
    started: list[Watched] = []

    def start(argv: list[str], environment: dict[str, str] | None = None) -> Watched:
        started.append(Watched(argv, environment or dict(os.environ)))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGTERM)
            try:
                one.process.wait(25)
            except subprocess.TimeoutExpired:
                one.process.kill()
        one.process.wait()
        assert one.process.stdout is not None
        one.process.stdout.close()


@pytest.fixture
def supervised(watched: Callable[..., Watched], tmp_path: Path) -> Callable[[dict[str, str]], Watched]:
    """`supervised({"name": "shell script"})` runs a supervisor over those scripts."""

    def start(scripts: dict[str, str]) -> Watched:
        program = f"""
import sys
from pathlib import Path
from tipline.runner.child import Command
from tipline.runner.output import Output
from tipline.runner.supervisor import Supervisor

with Supervisor(Output(), record=Path({str(tmp_path / "children")!r})) as supervisor:
    for name, script in {scripts!r}.items():
        supervisor.keep(Command(name, ["/bin/sh", "-c", script], {{"PATH": "/usr/bin:/bin"}}, Path("/"), grace=2))
    print("all started", flush=True)
    supervisor.run_until_stopped()
"""
        return watched([sys.executable, "-c", program])

    return start


@pytest.fixture
def free_base_port() -> int:
    """A base port with the ports of every door free above it (at the time of asking)."""
    for base in range(20000 + os.getpid() % 20000, 60000, 40):
        if all(_is_free(base + distance) for distance in (0, 1, 2, 3, 25)):
            return base
    raise AssertionError("no free ports")


def alive(pid: int) -> bool:
    return child.birth(pid) is not None


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
