"""Ends what a killed runner leaves behind. A process of its own, standard library only.

The runner writes a line for every child it starts and every child that has ended. Its end of the
pipe closes when it dies, however it dies; then everything still on the list is asked to stop, and
after a while made to. The kernel's parent-death signal reaches only the children themselves;
this reaches what they started too.
"""

import os
import signal
import sys
import time

GRACE = 8.0  # seconds


def follow() -> dict[int, int]:
    """Read the list until the runner has gone; returns {process group: signal it stops on}."""
    alive: dict[int, int] = {}
    for line in sys.stdin:
        match line.split():
            case ["started", pid, number]:
                alive[int(pid)] = int(number)
            case ["ended", pid]:
                alive.pop(int(pid), None)
    return alive


def send(pid: int, number: int) -> bool:
    """Signal a process group; False if it has gone."""
    try:
        os.killpg(pid, number)
    except OSError:
        return False
    return True


def end(alive: dict[int, int], grace: float = GRACE) -> None:
    """Stop every group in the list: first as each likes it, then for good."""
    for pid, number in alive.items():
        send(pid, number)
    until = time.monotonic() + grace
    while time.monotonic() < until and any(send(pid, 0) for pid in alive):
        time.sleep(0.1)
    for pid in alive:
        send(pid, signal.SIGKILL)


def main() -> None:
    """Outlive what ends the runner: the terminal's signals are not for us."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    end(follow())


if __name__ == "__main__":
    main()
