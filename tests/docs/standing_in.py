"""A stand-in for systemd: starts the units of ops/systemd on this machine, with the paths and ports of a test."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tipline.runner import child, units
from tipline.runner.processes import Process

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / "ops" / "systemd"


@dataclass
class Machine:
    """One server: where its directories really are, and which port stands in for each one of a unit."""

    directory: Path
    ports: dict[str, str]
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.directory / "journal"
        for place in (self.settings, self.state / "keys", self.state / "pins", self.state / "static"):
            place.mkdir(parents=True, exist_ok=True)

    @property
    def settings(self) -> Path:
        return self.directory / "etc"

    @property
    def state(self) -> Path:
        return self.directory / "state"

    @property
    def journal(self) -> str:
        return self.log.read_text(errors="replace")

    def migrate(self) -> str:
        """Run what runs before every start; returns what it said."""
        said = ""
        commands, environment = self._read("tipline-migrate")
        for command in commands:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=180
            )
            assert done.returncode == 0, done.stderr
            said += done.stdout
        return said

    @contextmanager
    def started(self) -> Iterator[None]:
        """Every other unit of the target, until the end of the block."""
        with ExitStack() as running, self.log.open("ab") as journal:
            for process in units.DEPLOYED:
                command = self._command(process)
                one = child.spawn(command, output=journal.fileno())
                running.callback(child.stop, one, command)
            yield

    def _command(self, process: Process) -> child.Command:
        (argv,), environment = self._read(f"tipline-{process.name}")
        return child.Command(process.name, argv, environment, ROOT)

    def _read(self, name: str) -> tuple[list[list[str]], dict[str, str]]:
        """The command lines and the environment of a unit: systemd.service(5), systemd.exec(5)."""
        credentials = self.directory / "credentials" / name
        credentials.mkdir(parents=True, exist_ok=True)
        commands, environment = [], {"PATH": os.environ["PATH"]}
        for key, value in re.findall(r"(?m)^(\w+)=(.*)$", (DIRECTORY / f"{name}.service").read_text()):
            told = self._here(value, credentials)
            if key == "Environment":
                environment |= [told.split("=", 1)]
            elif key == "EnvironmentFile":
                lines = Path(told).read_text().splitlines()
                environment |= dict(line.split("=", 1) for line in lines)
            elif key == "LoadCredential":
                secret, path = told.split(":", 1)
                (credentials / secret).write_bytes(Path(path).read_bytes())
            elif key == "RuntimeDirectory":
                (self.directory / "run" / told).mkdir(mode=0o700, parents=True, exist_ok=True)
            elif key == "ExecStart":
                commands.append(shlex.split(told))
        if "celery" in str(commands) and os.geteuid() == 0:
            environment["PYTHONWARNINGS"] = "ignore:You're running the worker with superuser privileges"
        return commands, environment

    def _here(self, value: str, credentials: Path) -> str:
        for theirs, ours in (
            ("%d", str(credentials)),
            ("%%", "%"),
            (f"{units.CODE}/.venv/bin/python", sys.executable),
            (units.SETTINGS, str(self.settings)),
            (units.STATE, str(self.state)),
            ("/run/", f"{self.directory}/run/"),
            *((f"127.0.0.1:{port}", f"127.0.0.1:{other}") for port, other in self.ports.items()),
        ):
            value = value.replace(theirs, ours)
        return value
