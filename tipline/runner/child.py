"""One child process: started so that it cannot outlive us, stopped so that nothing is left."""

import contextlib
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tipline.runner.osuser import OsUser, die_with_parent


@dataclass(frozen=True)
class Command:
    """What to start, and how it wants to be asked to stop."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    user: OsUser | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 20.0  # seconds between stop_signal and SIGKILL
    quiet: bool = False  # say nothing of what it writes unless it ends unasked
    # Called before every start, also a restart: may clear up what a killed predecessor left.
    before: Callable[[], None] | None = field(default=None, compare=False)


def spawn(command: Command, *, output: int | None = None) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own. Call from the main thread only.

    The kernel ends the child when the *thread* that started it ends, so a helper thread would
    take its children with it. `output` is a file descriptor for stdout and stderr together.
    """
    if command.before is not None:
        command.before()
    parent = os.getpid()

    def in_child() -> None:
        # A core file is a copy of memory, and memory holds tips.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if command.user is not None:
            command.user.become()
        die_with_parent(command.stop_signal)  # after become(): a change of user clears it
        if os.getppid() != parent:  # we died before the line above took hold
            os._exit(1)

    return subprocess.Popen(
        list(command.argv),
        env=dict(command.environment),
        cwd=command.directory,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        start_new_session=True,
        preexec_fn=in_child,  # noqa: PLW1509 (the runner has one thread)
    )


def signal_group(pid: int, number: int) -> bool:
    """Signal a whole process group; False if nobody is left in it."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        # PermissionError is how some systems say that only a zombie is left.
        return False
    return True


def stop(process: subprocess.Popen[bytes], command: Command) -> None:
    """Ask a child to end, wait for it, then end it and whatever it started."""
    if process.poll() is None:
        process.send_signal(command.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(command.grace)
    signal_group(process.pid, signal.SIGKILL)
    process.wait()


def birth(pid: int) -> str | None:
    """When a process was started, as a word to compare: a pid alone may have been given anew.

    None if there is no such process (a zombie counts as none).
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return None
        return _ps("lstart=", pid) or None  # a system without /proc
    return None if fields[0] in "ZX" else fields[19]


def _ps(column: str, pid: int) -> str:
    found = subprocess.run(["ps", "-o", column, "-p", str(pid)], check=False, capture_output=True, text=True)
    return found.stdout.strip()


def command_line(pid: int) -> str:
    """The command line of a process, empty if there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _ps("command=", pid)


def end_leftover(pid: int, *signals: signal.Signals, patience: float = 10.0) -> None:
    """End a process that is not our child: each signal in turn, with `patience` seconds each."""
    born = birth(pid)
    for number in (*signals, signal.SIGKILL):
        until = time.monotonic() + patience
        if born is None or birth(pid) != born:
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        while birth(pid) == born and time.monotonic() < until:
            time.sleep(0.05)
