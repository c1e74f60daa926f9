"""`scripts/up`: the whole of Tipline on this machine, on loopback, until Ctrl-C."""

import argparse
import os
import sys
import time
from pathlib import Path

from tipline.runner import child, ports
from tipline.runner.environment import Installation
from tipline.runner.fingerprint import Stamp
from tipline.runner.lock import AlreadyRunning, Lock
from tipline.runner.output import BOLD, RED, Output
from tipline.runner.places import NotOurs, Places
from tipline.runner.ports import PortTaken
from tipline.runner.postgres import ServerFailed, ServerMissing
from tipline.runner.processes import PROCESSES, Process, named
from tipline.runner.servers import Servers
from tipline.runner.supervisor import Stopped, Supervisor

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 90.0  # seconds
TRIES = 4  # of a door that ends as soon as it is started
HIGHEST_BASE = 65535 - 25


class StepFailed(Exception):
    """A step of the preparation failed; what it said was printed."""


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0 after Ctrl-C, 1 if it could not start."""
    options = _options(arguments)
    output = Output()
    try:
        here = places()
        here.create()
        with Lock(here.state / "up.lock", options.port) as lock:
            ports.check(options.port)
            installation = Installation(here, options.port, dict(os.environ))
            record = here.sockets / "children"
            with Supervisor(output, record=record, hold=lock.descriptor) as supervisor:
                try:
                    _Up(installation, supervisor, output, demo=options.demo).run()
                except Stopped:
                    output.say("Stopping …", style=BOLD)
                    return 0
    except (AlreadyRunning, PortTaken, NotOurs, ServerFailed, ServerMissing, StepFailed) as problem:
        output.say(str(problem), style=RED)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def places() -> Places:
    """Where the installation of this clone keeps things, or the one the environment names."""
    state = Path(os.environ.get("TIPLINE_STATE_DIR") or ROOT / "var")
    return Places.of(state, run=_given("TIPLINE_RUN_DIR"), secrets=_given("TIPLINE_SECRETS_DIR"))


class _Up:
    def __init__(self, installation: Installation, supervisor: Supervisor, output: Output, *, demo: bool):
        self._installation = installation
        self._places = installation.places
        self._supervisor = supervisor
        self._output = output
        self._demo = demo

    def run(self) -> None:
        """Prepare, start everything, say so, and stay. Raises Stopped at the end."""
        started = time.monotonic()
        if os.geteuid() == 0:
            self._output.progress("Running as root: good for a trial, never for tips of real people.")
        self._start_servers()
        told = self._prepare()
        try:
            self._open_doors()
        except BaseException:
            self._tell(told)  # a one-time sign-in is worth having, whatever came after it
            raise
        self._say_ready(time.monotonic() - started)
        self._tell(told)
        self._supervisor.run_until_stopped()
        raise Stopped

    def _open_doors(self) -> None:
        for process in PROCESSES:
            self._supervisor.keep(self._command(process))
        self._output.progress("Opening the doors …")
        waiting = {process.name: process for process in PROCESSES if process.door is not None}

        def all_open() -> bool:
            for name, process in list(waiting.items()):
                if self._supervisor.failures(name) >= TRIES:
                    raise StepFailed(f"{name} cannot start; the lines above say why.")
                if self._supervisor.alive(name) and ports.healthy(self._installation.port, process):
                    del waiting[name]
            return not waiting

        if not self._supervisor.wait_until(all_open, READY_WITHIN):
            raise StepFailed(f"Not open after {READY_WITHIN:.0f} s: {', '.join(waiting)}; see above why.")

    def _start_servers(self) -> None:
        first = not self._places.postgres.exists()
        self._output.progress("Making a database cluster …" if first else "Starting PostgreSQL and Redis …")
        servers = Servers(self._places)
        for command in servers.prepare():
            self._supervisor.keep(command, layer=0)
        if not self._supervisor.wait_until(servers.answer, 60):
            raise StepFailed("PostgreSQL or Redis did not answer within 60 s.")
        servers.ensure_database()

    def _prepare(self) -> list[str]:
        """Tables, grants, static files, the first program; returns what `setup` said."""
        self._output.progress("Preparing tables, pages and the first program …")
        static = Stamp(self._places.state / "static.stamp", (ROOT / "static", ROOT / "requirements.txt"))
        steps = ["migrate --noinput --verbosity 0", "grant_roles"]
        if not static.current():
            steps.append("collectstatic --noinput --clear --verbosity 0")
        steps.append("setup")
        told = self._steps(*steps)
        static.renew()
        if self._demo:
            self._output.progress("Loading sample tips …")
            self._steps("load_demo", shown=True)  # takes a while, and says how far it is
        return told

    def _steps(self, *steps: str, shown: bool = False) -> list[str]:
        command = child.Command(
            name="preparing",
            argv=[sys.executable, "-m", "tipline.runner.steps", *steps],
            environment=self._installation.owner_environment(),
            directory=ROOT,
            quiet=not shown,
        )
        status, said = self._supervisor.run(command)
        if status != 0:
            raise StepFailed("\n".join([*said, "", "The preparation failed; the lines above say why."]))
        return said

    def _command(self, process: Process) -> child.Command:
        argv, environment = self._installation.command(process), self._installation.environment(process)
        return child.Command(process.name, argv, environment, ROOT)

    def _tell(self, told: list[str]) -> None:
        for line in told:
            self._output.say(f"  {line}")
        self._output.say()

    def _say_ready(self, seconds: float) -> None:
        say, url = self._output.say, self._installation.url
        pages = {
            "public": "Send a tip",
            "console": "Coordinators",
            "outbox": "Pages sent",
            "pager": "SMS callbacks",
        }
        say()
        say(f"Ready after {seconds:.1f} s. Ctrl-C stops everything.", style=BOLD)
        for name, title in pages.items():
            say(f"  {title:<14} {url(named(name).door or 0)}/")


def _given(name: str) -> Path | None:
    return Path(os.environ[name]) if os.environ.get(name) else None


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/up", description=__doc__)
    parser.add_argument("--demo", action="store_true", help="load 200 varied sample tips, once")
    parser.add_argument(
        "--port",
        type=int,
        default=8000,
        metavar="N",
        help="first port (default 8000): public N, console N+1, pager N+2, outbox N+3, its mail N+25",
    )
    options = parser.parse_args(arguments)
    if not 0 < options.port <= HIGHEST_BASE:
        parser.error(f"--port must be between 1 and {HIGHEST_BASE}")
    return options


if __name__ == "__main__":
    sys.exit(main())
