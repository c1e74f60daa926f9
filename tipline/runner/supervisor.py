"""Keeps a set of processes alive, prints what they say, and ends them all.

One thread, one loop. The processes are started from this thread only (see `child.spawn`).
"""

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tipline.runner import child, watchdog
from tipline.runner.output import RED, Output

BACK_OFF = (0.1, 1.0, 2.0, 5.0, 10.0)  # seconds before the first, second, … restart in a row
SETTLED = 20.0  # seconds after which a process counts as started well
TRIES_SHOWN = 2  # of a process that ends again and again, only the last line after these
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """Somebody asked the runner to stop (Ctrl-C, SIGTERM) while it was busy."""


@dataclass
class Kept:
    """One command and its present process."""

    command: child.Command
    layer: int
    restart: bool
    process: subprocess.Popen[bytes] | None = None
    pipe: int = -1
    rest: bytes = b""
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=15))
    started: float = 0.0
    due: float | None = None
    failures: int = 0
    status: int | None = None


class Supervisor:
    """Starts commands, restarts those that end, stops all. Use as a context manager."""

    def __init__(self, output: Output, *, record: Path, hold: int | None = None) -> None:
        """`record` lists our children for the next run; `hold` is a descriptor the watchdog keeps open."""
        self._output = output
        self._record = record
        self._hold = hold
        self._selector = selectors.DefaultSelector()
        self._kept: list[Kept] = []
        self._asked = 0
        self._stopping = False

    def __enter__(self) -> "Supervisor":
        self._end_leftovers()
        self._listen_to_signals()
        self._watchdog = self._start_watchdog()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def keep(self, command: child.Command, *, layer: int = 1) -> None:
        """Start a command and start it again whenever it ends. Higher layers are stopped first."""
        kept = Kept(command, layer, restart=True)
        self._kept.append(kept)
        self._start(kept)

    def run(self, command: child.Command) -> tuple[int, list[str]]:
        """Run a command to its end; returns its exit status and what it said. Raises Stopped.

        What a `quiet` command says is only returned.
        """
        kept = Kept(command, layer=2, restart=False, recent=deque(maxlen=1000))
        self._kept.append(kept)
        self._start(kept)
        try:
            self.wait_until(lambda: kept.process is None)
        finally:
            if kept.process is None:
                self._kept.remove(kept)
        return 1 if kept.status is None else kept.status, list(kept.recent)

    def wait_until(self, done: Callable[[], bool], patience: float = float("inf")) -> bool:
        """Look after the processes until `done()`; False after `patience` seconds. Raises Stopped."""
        until = time.monotonic() + patience
        while not done():
            if time.monotonic() > until:
                return False
            self._turn(0.1)
            if self._asked:
                raise Stopped
        return True

    def run_until_stopped(self) -> None:
        """Look after the processes until somebody asks us to stop."""
        while not self._asked:
            self._turn(1.0)

    def stop(self) -> None:
        """End every process, the last layer first, and wait until they have gone.

        A second Ctrl-C cuts the waiting short.
        """
        self._stopping = True
        asked_before = self._asked
        for layer in sorted({kept.layer for kept in self._kept}, reverse=True):
            there = [kept for kept in self._kept if kept.layer == layer]
            for kept in there:
                if kept.process is not None:
                    kept.process.send_signal(kept.command.stop_signal)
            started = time.monotonic()
            while waiting := [kept for kept in there if kept.process is not None]:
                waited = time.monotonic() - started
                for kept in waiting:
                    if waited > kept.command.grace or self._asked > asked_before + 1:
                        child.signal_group(kept.process.pid, signal.SIGKILL)  # type: ignore[union-attr]
                self._turn(0.1)
        self._watchdog.communicate()
        self._record.unlink(missing_ok=True)

    def alive(self, name: str) -> bool:
        """Whether the process of that name runs now."""
        return any(kept.command.name == name and kept.process is not None for kept in self._kept)

    def failures(self, name: str) -> int:
        """How often in a row the process of that name has ended soon after it was started."""
        return sum(kept.failures for kept in self._kept if kept.command.name == name)

    def _turn(self, patience: float) -> None:
        """One turn of the loop: print what was said, notice who ended, start who is due."""
        now = time.monotonic()
        due = [kept.due - now for kept in self._kept if kept.due is not None]
        for key, _ in self._selector.select(max(0.0, min([patience, *due]))):
            if isinstance(key.data, Kept):
                self._read(key.data)
            else:
                self._wakeups.recv(4096)
        for kept in self._kept:
            if kept.process is not None and kept.process.poll() is not None:
                self._ended(kept)
            elif kept.due is not None and kept.due <= time.monotonic() and not self._stopping:
                self._start(kept)
            elif kept.failures and kept.due is None and time.monotonic() - kept.started > SETTLED:
                kept.failures = 0

    def _start(self, kept: Kept) -> None:
        reading, writing = os.pipe()
        try:
            kept.process = child.spawn(kept.command, output=writing)
        finally:
            os.close(writing)
        os.set_blocking(reading, False)
        kept.pipe, kept.rest, kept.due, kept.status = reading, b"", None, None
        kept.started = time.monotonic()
        self._selector.register(reading, selectors.EVENT_READ, kept)
        self._tell_watchdog(f"started {kept.process.pid} {int(kept.command.stop_signal)}")
        with self._record.open("a") as record:
            record.write(f"{kept.process.pid} {child.birth(kept.process.pid)}\n")

    def _ended(self, kept: Kept) -> None:
        process = kept.process
        if process is None:
            return
        self._read(kept)
        if kept.rest:
            self._print(kept, kept.rest)
        self._close(kept)
        child.signal_group(process.pid, signal.SIGKILL)  # what it started must not outlive it
        self._tell_watchdog(f"ended {process.pid}")
        kept.process, kept.status = None, process.returncode
        if not kept.restart or self._stopping:
            return
        held_back = [*kept.recent][-1:] if kept.failures >= TRIES_SHOWN else []
        if kept.command.quiet:
            held_back = [*kept.recent]
        for line in held_back:
            self._output.line(kept.command.name, line)
        kept.failures = 1 if time.monotonic() - kept.started > SETTLED else kept.failures + 1
        pause = BACK_OFF[min(kept.failures, len(BACK_OFF)) - 1]
        kept.due = time.monotonic() + pause
        soon = "starting it again" if pause < 1 else f"starting it again in {pause:.0f} s"
        self._output.say(f"{kept.command.name} ended ({how(process.returncode)}); {soon}", style=RED)

    def _read(self, kept: Kept) -> None:
        while kept.pipe >= 0:
            try:
                block = os.read(kept.pipe, 65536)
            except BlockingIOError:
                return
            if not block:
                self._close(kept)
                return
            *lines, kept.rest = (kept.rest + block).split(b"\n")
            for line in lines:
                self._print(kept, line)

    def _print(self, kept: Kept, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        if not text:
            return
        kept.recent.append(text)
        if kept.command.quiet:
            return
        if not kept.restart:
            self._output.say(text)
        elif not (kept.failures >= TRIES_SHOWN or (self._stopping and kept.layer == 0)):
            self._output.line(kept.command.name, text)

    def _close(self, kept: Kept) -> None:
        if kept.pipe >= 0:
            self._selector.unregister(kept.pipe)
            os.close(kept.pipe)
            kept.pipe = -1

    def _listen_to_signals(self) -> None:
        self._wakeups, writing = socket.socketpair()
        self._wakeups.setblocking(False)
        writing.setblocking(False)
        self._writing = writing
        signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._wakeups, selectors.EVENT_READ, None)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake the loop
        for number in STOP_SIGNALS:
            signal.signal(number, self._asked_to_stop)

    def _asked_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._asked += 1

    def _start_watchdog(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", watchdog.__file__],
            stdin=subprocess.PIPE,
            pass_fds=[] if self._hold is None else [self._hold],
            env={},
            start_new_session=True,
        )

    def _tell_watchdog(self, line: str) -> None:
        try:
            self._watchdog.stdin.write(line.encode() + b"\n")  # type: ignore[union-attr]
            self._watchdog.stdin.flush()  # type: ignore[union-attr]
        except BrokenPipeError:
            pass  # somebody killed the watchdog; the kernel's parent-death signal is still there

    def _end_leftovers(self) -> None:
        """End the children of a run whose watchdog was killed with it."""
        try:
            lines = self._record.read_text().splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            pid, _, born = line.partition(" ")
            if born and child.birth(int(pid)) == born:
                child.signal_group(int(pid), signal.SIGTERM)
                child.end_leftover(int(pid), signal.SIGTERM, patience=5.0)
                child.signal_group(int(pid), signal.SIGKILL)
        self._record.unlink()


def how(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"exit status {status}"
    return f"killed by {signal.Signals(-status).name}"
