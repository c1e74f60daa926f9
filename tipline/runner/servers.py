"""Starting the embedded PostgreSQL and Redis together, outside the supervisor (tests, tools)."""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tipline.runner import child, database, secrets
from tipline.runner.broker import Broker
from tipline.runner.places import Places
from tipline.runner.postgres import Postgres, ServerFailed


@dataclass
class Servers:
    """The two servers of one installation: `start`, then `stop`."""

    places: Places
    durable: bool = True
    _running: list[tuple[subprocess.Popen[bytes], child.Command]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.postgres = Postgres(self.places.postgres, self.places.postgres_sockets, self.durable)
        self.broker = Broker(self.places.redis, self.places.redis_socket, self.durable)

    def prepare(self) -> list[child.Command]:
        """Make secrets and data directories; returns what to start."""
        self.places.create()
        secrets.generate(self.places.secrets)
        self.postgres.end_leftover()
        self.postgres.prepare(self.superuser_password)
        self.broker.prepare()
        return [self.postgres.command(), self.broker.command()]

    @property
    def log(self) -> Path:
        """What the servers say, when `start` starts them."""
        return self.places.state / "servers.log"

    @property
    def superuser_password(self) -> str:
        return secrets.read(self.places.secrets, "db_superuser")

    def answer(self) -> bool:
        """Whether both take work now."""
        return (
            self.broker.answers()
            and self.postgres.is_ready()
            and database.answers(self.postgres.sockets, self.superuser_password)
        )

    def ensure_database(self, *, tests: bool = False) -> None:
        """Create the roles and the database, once PostgreSQL answers."""
        passwords = secrets.database_passwords(self.places.secrets)
        database.ensure(self.postgres.sockets, self.superuser_password, passwords, tests=tests)

    def start(self, *, tests: bool = False) -> None:
        """Start both, wait until they answer, and see that roles and database exist.

        Raises ServerFailed or ServerMissing; then nothing is left running.
        """
        try:
            commands = self.prepare()
            log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                for command in commands:
                    self._running.append((child.spawn(command, output=log), command))
            finally:
                os.close(log)
            self._wait_for(self.answer)
            self.ensure_database(tests=tests)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop both and wait until they have gone."""
        while self._running:
            child.stop(*self._running.pop())

    def _wait_for(self, answer: Callable[[], bool], patience: float = 60.0) -> None:
        until = time.monotonic() + patience
        while not answer():
            for process, command in self._running:
                if process.poll() is not None:
                    said = self.log.read_text(errors="replace").strip()
                    raise ServerFailed(f"{command.name} ended at once:\n{said}")
            if time.monotonic() > until:
                raise ServerFailed(f"PostgreSQL or Redis did not answer within {patience:.0f} s")
            time.sleep(0.05)
