#!/usr/bin/env python3
"""How long the form takes while --slow others hold connections open: bodies half sent, heads half sent, silence.

Asks for the form --n times, each on a connection of its own, with nobody else and then with the slow ones: at
the door as it is, and with gunicorn's own threads, which read from the sockets themselves. A request that is
not answered within --patience seconds counts as that long. Exits with 1 if the door as it is leaves one unanswered.
"""

import argparse
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # not this directory, whose names are those of rooms

from benchmarks import measuring  # noqa: E402
from benchmarks.scratch import NotReady, scratch  # noqa: E402
from tipline.runner.ports import PortTaken  # noqa: E402
from tipline.runner.processes import Process, named  # noqa: E402

HOST = "127.0.0.1"
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
BODY = (
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 5000\r\n\r\ntext=half"
)
BEGUN = (BODY, BODY, BODY, b"POST / HTTP/1.1\r\nHost: loc", b"")


def main() -> int:
    """Returns 0, or 1 if the form went unanswered or the door did not start."""
    wish = _options()
    print("How long the form takes beside slow senders", flush=True)
    for line in measuring.machine():
        print(line)
    public = named("public")
    theirs = replace(public, command=(*public.command, "--worker-class", "gthread"))
    rows: list[tuple[str, ...]] = [("door", "slow senders", "median ms", "worst ms", "unanswered")]
    try:
        found = [_measure(process, wish) for process in (public, theirs)]
    except (NotReady, PortTaken) as problem:
        print(problem, file=sys.stderr)
        return 1
    for name, took in zip(("ours", "gthread"), found, strict=True):
        for slow, times in took.items():
            late = sum(each >= wish.patience for each in times)
            ordered = sorted(times)
            middle, worst = ordered[len(ordered) // 2] * 1000, ordered[-1] * 1000
            rows.append((name, str(slow), f"{middle:.1f}", f"{worst:.1f}", f"{late} of {len(times)}"))
    print(measuring.table(rows))
    return 1 if any(each >= wish.patience for times in found[0].values() for each in times) else 0


def _measure(process: Process, wish: argparse.Namespace) -> dict[int, list[float]]:
    with scratch(wish.port) as installation:
        installation.start(process)
        installation.wait_for_doors(["public"])
        took = {0: [_ask(wish) for _ in range(wish.n)]}
        with _slow(wish):
            took[wish.slow] = [_ask(wish) for _ in range(wish.n)]
        return took


@contextmanager
def _slow(wish: argparse.Namespace) -> Iterator[None]:
    held = [socket.create_connection((HOST, wish.port), timeout=20) for _ in range(wish.slow)]
    try:
        for number, connection in enumerate(held):
            connection.sendall(BEGUN[number % len(BEGUN)])
        time.sleep(1)
        yield
    finally:
        for connection in held:
            connection.close()


def _ask(wish: argparse.Namespace) -> float:
    started = time.perf_counter()
    try:
        with socket.create_connection((HOST, wish.port), timeout=wish.patience) as connection:
            connection.sendall(GET)
            while connection.recv(65536):
                pass
    except TimeoutError:
        return float(wish.patience)
    return time.perf_counter() - started


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slow", type=int, default=200, help="connections that never finish (default 200)")
    parser.add_argument("--n", type=int, default=20, help="how often the form is asked for (default 20)")
    parser.add_argument("--patience", type=float, default=3.0, help="seconds to wait for the form (default 3)")
    parser.add_argument("--port", type=int, default=18500, help="first port to use (default 18500)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
