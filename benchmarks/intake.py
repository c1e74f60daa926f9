#!/usr/bin/env python3
"""What one tip costs: get the form, send a tip of 1 KB, read the receipt page.

Starts a PostgreSQL and the public door of its own, as scripts/up does and with production
settings (memory hygiene, row-level security, commits that wait for the disk), sends tips over
keep-alive connections from a separate process, and counts afterwards that every tip is stored.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # not this directory, whose names are those of rooms

from benchmarks import measuring  # noqa: E402
from benchmarks.scratch import NotReady, Scratch, scratch  # noqa: E402
from tipline.runner.ports import PortTaken  # noqa: E402
from tipline.runner.processes import PROCESSES, named  # noqa: E402

CPU_TARGET_MS, RATE_TARGET, P99_TARGET_MS = 8.0, 150.0, 200.0
TARGETS_AT = 16  # connections
WARM_UP = 2.0  # seconds


@dataclass(frozen=True)
class Round:
    """One measurement at one concurrency."""

    concurrency: int
    count: int
    rate: float
    p50: float
    p95: float
    p99: float
    web_ms: float
    postgres_ms: float
    client_ms: float
    others: float  # per cent of the machine that neither we nor the client used
    slowness: float
    errors: int

    @property
    def server_ms(self) -> float:
        return self.web_ms + self.postgres_ms


def main() -> int:
    """Returns 0, or 1 if a submission failed, a row is missing or it could not start."""
    wish = _options()
    print("What one tip costs, from the form to the receipt page", flush=True)
    for line in measuring.machine():
        print(line)
    try:
        with scratch(wish.port) as installation:
            return _measure(installation, wish)
    except (NotReady, PortTaken) as problem:
        print(problem, file=sys.stderr)
        return 1


def _measure(installation: Scratch, wish: argparse.Namespace) -> int:
    version = installation.query("SHOW server_version")[0][0]
    sync = measuring.disk_sync_ms(installation.installation.places.state)
    print(f"database    PostgreSQL {version}, fsync on, row-level security; the disk takes {sync:.2f} ms to keep 8 KB")
    _start(installation, wish)
    environment = installation.installation.environment(named("public"))
    workers, threads = environment.get("TIPLINE_WORKERS", "2"), environment.get("TIPLINE_THREADS", "8")
    hygiene = "without memory hygiene" if wish.no_hygiene else "with memory hygiene"
    also = "with all worker processes" if wish.with_workers else "no worker processes"
    print(f"server      gunicorn gthread, {workers} processes of {threads} threads, {hygiene}; {also}")
    print(
        f"client      raw sockets, keep-alive, same machine; {wish.seconds:g} s a round, {wish.rounds} rounds, medians"
    )
    print(flush=True)

    sent, errors = 0, []
    medians = []
    for concurrency in wish.concurrency:
        rounds = []
        for number in range(wish.rounds):
            if number == 0:
                warm = _visit(installation, concurrency, WARM_UP)
                sent, errors = sent + len(warm["took_ms"]), errors + warm["errors"]
            before = time.monotonic()
            measured, answer = _round(installation, concurrency, wish.seconds)
            sent, errors = sent + measured.count, errors + answer["errors"]
            rounds.append(measured)
            if wish.verbose:
                print(f"  {measured} ({time.monotonic() - before:.1f} s)", flush=True)
        medians.append(_median(rounds))
    _print_rounds(medians)
    _print_memory(installation)
    stored = _stored(installation)
    whole = all(rows == sent for rows in stored.values())
    print(f"errors      {len(errors)}" + (f": {', '.join(sorted(set(errors)))}" if errors else ""))
    print(f"stored      {sent} submissions; rows: " + ", ".join(f"{table} {rows}" for table, rows in stored.items()))
    print("            " + ("every submission is stored once" if whole else "ROWS AND SUBMISSIONS DIFFER"))
    _print_targets(medians)
    return 0 if whole and not errors else 1


def _start(installation: Scratch, wish: argparse.Namespace) -> None:
    if wish.with_workers:
        installation.start_server("redis")
        wanted = [process for process in PROCESSES if process.name != "public"]
        for process in wanted:
            installation.start(process)
        installation.wait_for_doors(process.name for process in wanted if process.door is not None)
    else:
        installation.owner("benchmarks.epoch")
    installation.start(named("public"), hygiene=not wish.no_hygiene)
    installation.wait_for_doors(["public"])


def _visit(installation: Scratch, concurrency: int, seconds: float) -> dict:
    argv = [sys.executable, "-m", "benchmarks.visitor", str(installation.port), str(concurrency), str(seconds)]
    done = subprocess.run(argv, cwd=ROOT, check=True, stdout=subprocess.PIPE, timeout=seconds + 90)
    return json.loads(done.stdout)


def _round(installation: Scratch, concurrency: int, seconds: float) -> tuple[Round, dict]:
    slowness = measuring.slowness()
    web, postgres = installation.pid("public"), installation.pid("postgres")
    web_before, postgres_before = measuring.cpu_ms(web), measuring.cpu_ms(postgres)
    busy_before, started = measuring.machine_busy_ms(), time.monotonic()
    answer = _visit(installation, concurrency, seconds)
    capacity = (time.monotonic() - started) * 1000 * (os.cpu_count() or 1)
    busy = measuring.machine_busy_ms() - busy_before
    web_ms = measuring.cpu_ms(web) - web_before
    postgres_ms = measuring.cpu_ms(postgres) - postgres_before
    took = answer["took_ms"]
    count = len(took) or 1
    others = max(0.0, (busy - web_ms - postgres_ms - answer["cpu_ms"]) / capacity)
    measured = Round(
        concurrency=concurrency,
        count=len(took),
        rate=len(took) / answer["elapsed"],
        p50=measuring.percentile(took, 0.50),
        p95=measuring.percentile(took, 0.95),
        p99=measuring.percentile(took, 0.99),
        web_ms=web_ms / count,
        postgres_ms=postgres_ms / count,
        client_ms=answer["cpu_ms"] / count,
        others=others * 100,
        slowness=(slowness + measuring.slowness()) / 2,
        errors=len(answer["errors"]),
    )
    return measured, answer


def _median(rounds: list[Round]) -> Round:
    fields = {name: statistics.median(getattr(one, name) for one in rounds) for name in Round.__dataclass_fields__}
    return Round(**fields)


def _stored(installation: Scratch) -> dict[str, int]:
    """How many rows of each kind stand in the database; each must equal the submissions."""
    queries = {
        "tips": "SELECT count(*) FROM intake_tip",
        "receipts": "SELECT count(*) FROM intake_receipt",
        "keys": "SELECT count(*) FROM intake_submissionkey",
        "content wraps": "SELECT count(*) FROM intake_wrap WHERE purpose = 'content'",
        "identity wraps": "SELECT count(*) FROM intake_wrap WHERE purpose = 'identity'",
    }
    return {name: installation.query(sql)[0][0] for name, sql in queries.items()}


def _print_rounds(medians: list[Round]) -> None:
    rows: list[tuple[str, ...]] = [
        (
            "connections",
            "tips/s",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "web",
            "PostgreSQL",
            "server",
            "client",
            "others",
            "slowness",
        )
    ]
    for one in medians:
        times = (f"{value:.1f}" for value in (one.rate, one.p50, one.p95, one.p99))
        cpu = (f"{value:.2f} ms" for value in (one.web_ms, one.postgres_ms, one.server_ms, one.client_ms))
        rows.append((f"{one.concurrency:.0f}", *times, *cpu, f"{one.others:.0f} %", f"{one.slowness:.2f}"))
    print(measuring.table(rows))
    print("web, PostgreSQL, server (both together), client: processor time of one complete submission.")
    print("others: what other programs took of the machine meanwhile. slowness: how many times longer opening a")
    print("sealed key takes now, with all cores busy, than in the design's figures. It compares runs; it excuses none.")
    print()


def _print_memory(installation: Scratch) -> None:
    web, postgres = (measuring.pss_mb(installation.pid(name)) for name in ("public", "postgres"))
    print(f"memory      web {web:.0f} MB, PostgreSQL {postgres:.0f} MB (PSS, afterwards)")


def _print_targets(medians: list[Round]) -> None:
    at = next((one for one in medians if one.concurrency == TARGETS_AT), None)
    if at is None:
        return
    print()
    rows = [
        ("CPU of the server, ms", f"{at.server_ms:.2f}", measuring.verdict(at.server_ms, CPU_TARGET_MS)),
        ("submissions/s", f"{at.rate:.0f}", measuring.verdict(at.rate, RATE_TARGET, at_least=True)),
        ("p99, ms", f"{at.p99:.0f}", measuring.verdict(at.p99, P99_TARGET_MS)),
    ]
    print(f"targets at {TARGETS_AT} connections, two cores shared with the client")
    print(measuring.table(rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of one round (default 10)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds at each concurrency (default 3)")
    parser.add_argument(
        "--concurrency",
        type=lambda text: [int(part) for part in text.split(",")],
        default=[1, 4, 16],
        help="connections, e.g. 1,4,16",
    )
    parser.add_argument("--no-hygiene", action="store_true", help="without what keeps freed bodies out of memory")
    parser.add_argument("--with-workers", action="store_true", help="with all other processes running")
    parser.add_argument("--port", type=int, default=18100, help="first port to use (default 18100)")
    parser.add_argument("--verbose", action="store_true", help="also print every round")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
