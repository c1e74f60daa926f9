"""A Tipline of its own for one measurement: its own PostgreSQL, secrets and ports, thrown away afterwards.

It is started from the same table and with the same environment as `scripts/up`; PostgreSQL keeps
its production settings, so a commit waits for the disk.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg

from tipline.runner import child, ports
from tipline.runner.environment import Installation
from tipline.runner.places import Places
from tipline.runner.postgres import PORT
from tipline.runner.processes import HYGIENE, Process, named
from tipline.runner.servers import Servers

ROOT = Path(__file__).resolve().parents[1]
BASE = ROOT / "var" / "benchmarks"  # on the disk that a real installation would use
READY_WITHIN = 60.0  # seconds


class NotReady(Exception):
    """Something did not start. Says what, and where its lines are."""


@dataclass
class Scratch:
    """The servers and processes of one measurement."""

    installation: Installation
    servers: Servers
    running: dict[str, tuple[subprocess.Popen[bytes], child.Command]] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return self.installation.port

    @property
    def log(self) -> Path:
        return self.installation.places.state / "benchmark.log"

    def start_server(self, name: str) -> None:
        """Start "postgres" or "redis"; everything else needs the first, workers the second."""
        commands = {command.name: command for command in self._prepared}
        self._spawn(commands[name])

    def prepare(self, *steps: str) -> None:
        """Run administrative commands as the owner: tables, grants, pages, the first program."""
        argv = [sys.executable, "-m", "tipline.runner.steps", *steps]
        done = subprocess.run(
            argv,
            cwd=ROOT,
            env=self.installation.owner_environment(),
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise NotReady(f"The preparation failed:\n{done.stdout}{done.stderr}")

    def owner(self, *argv: str) -> str:
        """Run a Python module of ours as the owner; returns what it prints."""
        environment = self.installation.owner_environment()
        done = subprocess.run(
            [sys.executable, "-m", *argv], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    def start(self, process: Process, *, hygiene: bool = True) -> None:
        """Start one process of the table as `scripts/up` does, with its memory hygiene or without."""
        if not hygiene:
            kept = {name: value for name, value in process.environment.items() if name not in HYGIENE}
            process = replace(process, environment=kept)
        environment = self.installation.environment(process)
        if not hygiene:
            environment["TIPLINE_BENCHMARK_NO_HYGIENE"] = "1"
        self._spawn(child.Command(process.name, self.installation.command(process), environment, ROOT))

    def wait_for_doors(self, names: Iterable[str]) -> None:
        """Wait until each of these doors says it is well. Raises NotReady."""
        waiting, until = set(names), time.monotonic() + READY_WITHIN
        while waiting:
            waiting = {name for name in waiting if not ports.healthy(self.port, named(name))}
            ended = [name for name in waiting if self.running[name][0].poll() is not None]
            if ended or time.monotonic() > until:
                raise NotReady(f"{', '.join(ended or waiting)} did not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.05)

    def stop_one(self, name: str) -> None:
        child.stop(*self.running.pop(name))

    def stop(self) -> None:
        """End everything, the last started first."""
        while self.running:
            _, (process, command) = self.running.popitem()
            child.stop(process, command)

    def pid(self, name: str) -> int:
        return self.running[name][0].pid

    def query(self, sql: str, parameters: Iterable[object] = ()) -> list[tuple]:
        """Ask the database as its superuser."""
        with self._connect("tipline") as connection:
            return connection.execute(sql, list(parameters)).fetchall()

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.installation.places.postgres_sockets),
            port=PORT,
            user="postgres",
            password=self.servers.superuser_password,
            dbname=database,
            autocommit=True,
            connect_timeout=3,
        )

    def start_database(self) -> None:
        self._prepared = self.servers.prepare()
        self.start_server("postgres")
        until = time.monotonic() + READY_WITHIN
        while not self._answers():
            if time.monotonic() > until:
                raise NotReady(f"PostgreSQL did not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.05)
        self.servers.ensure_database()

    def _answers(self) -> bool:
        try:
            with self._connect("postgres"):
                return True
        except psycopg.OperationalError:
            return False

    def _spawn(self, command: child.Command) -> None:
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self.running[command.name] = (child.spawn(command, output=log), command)
        finally:
            os.close(log)


@contextmanager
def scratch(port: int, given: Mapping[str, str] | None = None) -> Iterator[Scratch]:
    """A prepared installation whose PostgreSQL runs; everything of it is gone after the block."""
    ports.check(port)
    BASE.mkdir(parents=True, exist_ok=True)
    state = Path(tempfile.mkdtemp(dir=BASE))
    state.chmod(0o755)
    places = Places.of(state)
    told = {name: value for name, value in os.environ.items() if not name.startswith("TIPLINE_")}
    told["TIPLINE_CANARY_MAIL"] = ""  # no test tip among those that are measured
    made = Scratch(Installation(places, port, told | dict(given or {})), Servers(places))
    try:
        made.start_database()
        made.prepare("migrate --noinput --verbosity 0", "grant_roles", "collectstatic --noinput --verbosity 0", "setup")
        yield made
    finally:
        made.stop()
        for left in (places.run, places.sockets, state):
            shutil.rmtree(left, ignore_errors=True)
