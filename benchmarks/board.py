#!/usr/bin/env python3
"""What the console's pages take with many open tips: unlock and board, a tip's page, and sealing all again.

Starts a PostgreSQL of its own, sends --tips tips through the public room's own actions, assesses them as a worker
would store them, and asks for the pages in this process: server time, without network. Prints the median
of some rounds; exits with 1 if unlock and board together take longer than the target.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # not this directory, whose names are those of rooms

from benchmarks import measuring  # noqa: E402
from benchmarks.scratch import NotReady, scratch  # noqa: E402
from tipline.runner.ports import PortTaken  # noqa: E402

TARGET_S = 1.0
P95_MS = 150
QUERIES = 20


def main() -> int:
    """Returns 0, or 1 if the target was missed or it could not start."""
    wish = _options()
    if wish.crowd:
        return _crowd(wish)
    print(f"The console with {wish.tips} open tips", flush=True)
    for line in measuring.machine():
        print(line)
    try:
        with scratch(wish.port) as installation:
            found = json.loads(installation.owner("benchmarks.boardload", str(wish.tips), str(wish.rounds)))
    except (NotReady, PortTaken) as problem:
        print(problem, file=sys.stderr)
        return 1
    rows: list[tuple[str, ...]] = [("server time", "median ms", "slowest ms")]
    for name, times in found["pages"].items():
        rows.append((name, f"{statistics.median(times):.0f}", f"{max(times):.0f}"))
    print(measuring.table(rows))
    both = (statistics.median(found["pages"]["unlock"]) + statistics.median(found["pages"]["board"])) / 1000
    print(f"unlock and board: {both:.2f} s ({measuring.verdict(both, TARGET_S)})")
    print(f"re-wrap: {found['rewrap']:.0f} tips/s without its rests ({found['wraps']} wraps)")
    return 0 if both <= TARGET_S else 1


def _crowd(wish: argparse.Namespace) -> int:
    """A program of years: board and tip page with everybody signed in, and the queries of every page."""
    print(f"{wish.all} tips ({wish.tips} open), {wish.messages} messages, {wish.people} people signed in", flush=True)
    for line in measuring.machine():
        print(line)
    numbers = [str(each) for each in (wish.all, wish.tips, wish.messages, wish.people, wish.rounds)]
    try:
        with scratch(wish.port) as installation:
            found = json.loads(installation.owner("benchmarks.boardcrowd", *numbers))
    except (NotReady, PortTaken) as problem:
        print(problem, file=sys.stderr)
        return 1
    print(", ".join(f"{name} {count}" for name, count in found["rows"].items()))
    rows: list[tuple[str, ...]] = [("server time", "requests", "median ms", "p95 ms", "slowest ms", "processor ms", "")]
    late = 0
    for name, times in found["pages"].items():
        p95 = statistics.quantiles(times, n=20)[-1]
        said = measuring.verdict(p95, P95_MS) if name != "what moves on it" else ""
        late += bool(said) and p95 > P95_MS
        median, worked = statistics.median(times), statistics.median(found["worked"][name])
        rows.append((name, str(len(times)), f"{median:.0f}", f"{p95:.0f}", f"{max(times):.0f}", f"{worked:.0f}", said))
    print(measuring.table(rows))
    most = sorted(found["queries"].items(), key=lambda one: -one[1])
    print("queries: " + ", ".join(f"{name.removeprefix('console:')} {count}" for name, count in most))
    print(f"most queries of a page: {most[0][1]} ({measuring.verdict(most[0][1], QUERIES)})")
    return 1 if late or most[0][1] > QUERIES else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tips", type=int, default=2000, help="open tips (default 2000)")
    parser.add_argument("--crowd", action="store_true", help="a program of years, with many people signed in")
    parser.add_argument("--all", type=int, default=100_000, help="with --crowd: tips, open ones among them")
    parser.add_argument("--messages", type=int, default=250_000, help="with --crowd: tips, additions and answers")
    parser.add_argument("--people", type=int, default=50, help="with --crowd: people signed in (default 50)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each page is asked (default 5)")
    parser.add_argument("--port", type=int, default=18500, help="first port to use (default 18500)")
    return parser.parse_args()


if __name__ == "__main__":
    started = time.monotonic()
    status = main()
    print(f"took {time.monotonic() - started:.0f} s")
    sys.exit(status)
