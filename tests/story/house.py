"""The whole of Tipline on this machine, as `scripts/up` runs it, with a hand on each of its processes."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tipline.memory import LONGEST_NAME
from tipline.runner import child, ports
from tipline.runner.environment import Installation
from tipline.runner.places import Places
from tipline.runner.postgres import PORT, SUPERUSER, Postgres
from tipline.runner.processes import PROCESSES, PYTHON, Process
from tipline.runner.secrets import read

ROOT = Path(__file__).resolve().parents[2]
NAMES = [process.name for process in PROCESSES] + ["postgres", "redis"]
DOORS = (0, 1, 2, 3, 7, 8, 9, 25)
CELERY = [process.name for process in PROCESSES if "celery" in process.command]


def until(condition: Callable[[], Any], patience: float = 15.0, *, pause: float = 0.05) -> Any:
    """Wait for a condition and return what it said; AssertionError if it never came true."""
    end = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {patience:.0f} s"
        time.sleep(pause)
    return found


class House:
    """One installation in a scratch directory, from `start` to `stop`."""

    def __init__(self, directory: Path, port: int) -> None:
        self.places = Places.of(directory / "state")
        self.port = port
        self.log = directory / "up.log"
        self.installation = Installation(self.places, port, {"PATH": os.environ["PATH"]})
        self.postgres = Postgres(self.places.postgres, self.places.postgres_sockets)
        self._up: subprocess.Popen[bytes] | None = None
        self._command = child.Command(
            name="up",
            argv=[str(ROOT / "scripts" / "up"), "--port", str(port)],
            environment={
                "PATH": os.environ["PATH"],
                "TIPLINE_VENV": sys.prefix,
                "TIPLINE_STATE_DIR": str(self.places.state),
                # Its test tips would be counted among those of the tests; they have tests of their own.
                "TIPLINE_CANARY_MAIL": "",
            },
            directory=ROOT,
            grace=60.0,
        )

    def start(self) -> None:
        """Start everything and wait until every door is open."""
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # It dies with this thread, whatever kills a test run.
            self._up = child.spawn(self._command, output=descriptor)
        finally:
            os.close(descriptor)
        until(lambda: "Ready after" in self.said or self._up.poll() is not None, 180)
        assert self._up.poll() is None, self.said

    def stop(self) -> int:
        """Stop everything, remove what lay in memory; returns the exit status of scripts/up."""
        assert self._up is not None
        for process in self._children():
            with suppress(psutil.Error):
                process.send_signal(signal.SIGCONT)
        child.stop(self._up, self._command)
        for left in (self.places.run, self.places.sockets):
            shutil.rmtree(left, ignore_errors=True)
        return self._up.returncode

    @property
    def said(self) -> str:
        """Everything that scripts/up and all processes have printed."""
        return self.log.read_text(errors="replace")

    def url(self, name: str, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port_of(name)}{path}"

    def port_of(self, name: str) -> int:
        return self.port + (_named(name).door or 0)

    def one_time_code(self, name: str) -> str:
        """The six words that `setup` wrote down for somebody's first sign-in."""
        lines = (self.places.state / "first-sign-in.txt").read_text().splitlines()
        return dict(line.split(" ", 1) for line in lines)[name]

    def manage(self, *argv: str) -> str:
        """What a management command says, run with the owner's rights as scripts/manage does."""
        command, environment = [sys.executable, "manage.py", *argv], self.installation.owner_environment()
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def connect(self) -> psycopg.Connection:
        """A connection as the superuser of the cluster, who sees every row."""
        return psycopg.connect(
            host=str(self.places.postgres_sockets),
            port=PORT,
            user=SUPERUSER,
            password=read(self.places.secrets, "db_superuser"),
            dbname="tipline",
            autocommit=True,
        )

    def ask(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of one query."""
        with self.connect() as connection:
            return connection.execute(question, values).fetchall()

    def dump(self) -> bytes:
        """What pg_dump writes of all rows, for the superuser, from whom nothing is hidden."""
        command = [str(self.postgres.binaries / "pg_dump"), "--data-only", "--no-sync", "-d", "tipline"]
        command += ["-h", str(self.places.postgres_sockets), "-p", str(PORT), "-U", SUPERUSER]
        password = read(self.places.secrets, "db_superuser")
        done = subprocess.run(command, env={"PGPASSWORD": password, "LC_ALL": "C"}, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def pid(self, name: str) -> int | None:
        """The process of that name: the leader of the group it and its children are in."""
        found = [process.pid for process in self._children() if self._is(process, name)]
        return found[0] if found else None

    def kill(self, name: str, *, number: int = signal.SIGKILL) -> int:
        """Signal the whole group of a process, kill -9 by default; returns the pid it had."""
        pid = until(lambda: self.pid(name), 30)
        os.killpg(pid, number)
        return pid

    @contextmanager
    def held_down(self, *names: str, number: int = signal.SIGKILL) -> Iterator[None]:
        """Kill these, and every successor the runner starts for them, for as long as the block lasts."""
        stop = threading.Event()
        killer = threading.Thread(target=self._keep_killing, args=(names, number, stop), daemon=True)
        killer.start()
        try:
            until(lambda: not any(self.pid(name) for name in names), 10, pause=0.01)
            yield
        finally:
            stop.set()
            killer.join()

    @contextmanager
    def unattended(self) -> Iterator[None]:
        """Stop the runner for as long as the block lasts: what ends stays ended, and may be replaced by hand."""
        assert self._up is not None
        os.kill(self._up.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._up.pid, signal.SIGCONT)

    def shut_postgres(self) -> None:
        """Ask PostgreSQL to stop, whoever started it, and wait until it has."""
        pid = int((self.places.postgres / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, signal.SIGINT)
        until(lambda: not (self.places.postgres / "postmaster.pid").exists(), 30)
        until(lambda: child.birth(pid) is None, 30)

    @contextmanager
    def hung(self, name: str) -> Iterator[None]:
        """Stop a process group without ending it: it takes connections and never answers."""
        pid = self.kill(name, number=signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(pid, signal.SIGCONT)

    def healthy(self, name: str) -> bool:
        """Whether a door answers."""
        return ports.healthy(self.port, _named(name))

    def wait_until_whole(self, patience: float = 60.0) -> None:
        """Wait until every process runs and every door answers."""
        until(lambda: all(self.pid(name) for name in NAMES), patience, pause=0.2)
        doors = [process.name for process in PROCESSES if process.door is not None]
        until(lambda: all(self.healthy(name) for name in doors), patience, pause=0.2)

    @contextmanager
    def armed_door(self, failpoint: str) -> Iterator[int]:
        """A second public door whose workers die at a fail point; yields its port."""
        port = self.port + 7
        told = {"TIPLINE_PUBLIC_BIND": f"127.0.0.1:{port}", "TIPLINE_WORKERS": "1"}
        with self.beside("public", failpoint, **told):
            until(lambda: ports.healthy(port, Process("armed", "public", (), door=0)), 30)
            yield port

    @contextmanager
    def beside(self, name: str, failpoint: str = "", **told: str) -> Iterator[subprocess.Popen[bytes]]:
        """One process of the table once more, which dies at a fail point if one is named."""
        process = _named(name)
        environment = self.installation.environment(process) | told
        if failpoint:
            environment |= {"TIPLINE_ENV": "test", "TIPLINE_FAILPOINT": failpoint}
        command = child.Command("beside", self.installation.command(process), environment, ROOT)
        with self.log.open("ab") as log:
            other = child.spawn(command, output=log.fileno())
        try:
            yield other
        finally:
            child.stop(other, command)

    def left_over(self) -> list[str]:
        """Whatever still runs for this house, whoever started it."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                told = " ".join([*process.cmdline(), *process.environ().values()])
                if process.pid != os.getpid() and str(self.places.state) in told:
                    found.append(told[:120])
        return found

    def _keep_killing(self, names: tuple[str, ...], number: int, stop: threading.Event) -> None:
        while not stop.wait(0.05):
            for process in self._children():
                if any(self._is(process, name) for name in names):
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, number)

    def _children(self) -> list[psutil.Process]:
        assert self._up is not None
        try:
            return psutil.Process(self._up.pid).children()
        except psutil.NoSuchProcess:
            return []

    def _is(self, process: psutil.Process, name: str) -> bool:
        try:
            line = process.cmdline()
            role = _role_of(process)
        except psutil.Error:
            return False
        if name == "postgres":
            return str(self.places.postgres) in line
        if name == "redis":
            return bool(re.search(rf"redis-server|valkey-server.*{self.places.redis_socket}", " ".join(line)))
        known = _named(name)
        words = [word for word in known.command if word != PYTHON]
        return role == known.role and line[1 : 1 + len(words)] == words


def _role_of(process: psutil.Process) -> str | None:
    """Which role a process has: from its environment, or from its name where only root may see that."""
    try:
        return process.environ().get("TIPLINE_ROLE")
    except psutil.AccessDenied:
        shown = Path(f"/proc/{process.pid}/comm").read_text().strip() if Path("/proc").is_dir() else ""
        roles = {each.role for each in PROCESSES}
        return next((role for role in roles if f"tipline-{role}"[:LONGEST_NAME] == shown), None)


def _named(name: str) -> Process:
    return next(process for process in PROCESSES if process.name == name)


def free_base_port() -> int:
    """A base port whose doors are free."""
    # Each process has a range of its own: free now is not free when the doors open.
    for base in range(10_000 + os.getpid() * 40 % 9_000, 20_000, 40):
        if all(_is_free(base + door) for door in DOORS):
            return base
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass(frozen=True)
class WithCode:
    """The house for somebody who was handed a one-time code on paper."""

    house: House
    code: str

    def url(self, name: str, path: str = "/") -> str:
        return self.house.url(name, path)

    def one_time_code(self, _name: str) -> str:
        return self.code
