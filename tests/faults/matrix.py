"""The fault matrix: every fault put into one running house, one after the other, and a table at the end.

`scripts/test --faults` keeps each up for a short while, `--faults --full` as long as the design says;
numbers after it choose single faults, `--slack 2` allows twice the lateness on a slow machine.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from tests.faults import broker, carriers, clocks, database, disk, loads, people, processes
from tests.faults.bench import Bench
from tests.faults.registry import ALL, CannotPutIn, Fault
from tests.story.house import House, free_base_port

GROUPS = (processes, broker, database, disk, carriers, clocks, people, loads)
PASSED, FAILED, NOT_RUN = "passed", "FAILED", "not run"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    fault: Fault
    verdict: str
    late: float | None = None
    duplicates: int | None = None
    note: str = ""
    seconds: float = 0.0


def main(arguments: list[str]) -> int:
    """Run the faults and print the table; returns 1 if one failed."""
    wish = _parser().parse_args(arguments)
    chosen = [ALL[number] for number in sorted(ALL) if not wish.number or number in wish.number]
    directory = Path(tempfile.mkdtemp(prefix="tipline-faults-"))
    directory.chmod(0o755)
    house, rows = House(directory, free_base_port()), []
    try:
        house.start()
        bench = Bench(house, full=wish.full)
        for each in chosen:
            rows.append(put_in(bench, each, slack=wish.slack))
            print(line(rows[-1]), flush=True)
    finally:
        status, left = house.stop(), house.left_over()
        if any(row.verdict == FAILED for row in rows):
            print(f"\nWhat the processes said last:\n{house.said[-6000:]}")
        shutil.rmtree(directory, ignore_errors=True)
    print(f"\n{table(rows)}\n\n{os.cpu_count()} processors; times in seconds.")
    failed = [row for row in rows if row.verdict == FAILED]
    if (status, left) != (0, []):
        print(f"The house did not stop cleanly: {status}, {left}")
        return 1
    return 1 if failed else 0


def put_in(bench: Bench, fault: Fault, *, slack: float = 1.0) -> Row:
    """Put one fault in and judge what came of it."""
    if fault.run is None:
        return Row(fault, NOT_RUN, note=fault.why)
    begun = time.monotonic()
    late = duplicates = None
    try:
        bench.begin()
        found = fault.run(bench)
        late, duplicates, note, verdict = found.late, bench.duplicates, found.note, PASSED
        bench.check()
        if late is not None and fault.late is not None:
            assert late <= fault.late * slack, f"{late:.1f} s late, {fault.late:.0f} allowed"
        assert duplicates <= fault.duplicates, f"{duplicates} duplicates, {fault.duplicates} allowed"
    except CannotPutIn as lack:
        return Row(fault, NOT_RUN, note=str(lack))
    except Exception as wrong:
        ours = [
            each for each in traceback.extract_tb(wrong.__traceback__) if Path(each.filename).parent.name == "faults"
        ]
        last = ours[-1]
        verdict, note = FAILED, f"{type(wrong).__name__}: {str(wrong)[:200]} ({Path(last.filename).name}:{last.lineno})"
    try:
        bench.house.wait_until_whole()
        bench.clear()
    except Exception as wrong:
        verdict, note = FAILED, f"{note}; afterwards {type(wrong).__name__}"
    return Row(fault, verdict, late, duplicates, note, time.monotonic() - begun)


def line(row: Row) -> str:
    """One fault, while the others still run."""
    late = "" if row.late is None else f", {row.late:.2f} s late"
    return f"{row.fault.number:>2} {row.verdict}{late}: {row.fault.name} ({row.seconds:.0f} s) {row.note}"


def table(rows: list[Row]) -> str:
    """All of it as a Markdown table."""
    heads = ("#", "Fault", "Injected how", "Expected", "Late by (allowed)", "Duplicates (allowed)", "Verdict")
    lines = [f"| {' | '.join(heads)} |", "|--:|---|---|---|--:|--:|---|"]
    for row in rows:
        fault = row.fault
        allowed = "" if fault.late is None else f" ({fault.late:.0f})"
        late = "" if row.late is None else f"{row.late:.2f}{allowed}"
        duplicates = "" if row.duplicates is None else f"{row.duplicates} ({fault.duplicates})"
        verdict = f"{row.verdict}: {row.note}" if row.note else row.verdict
        cells = (str(fault.number), fault.name, fault.injected, fault.expected, late, duplicates, verdict)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("scripts/test --faults", description=__doc__)
    parser.add_argument("number", type=int, nargs="*", help="only these faults")
    parser.add_argument("--full", action="store_true", help="as long as the design says, not at most a minute each")
    parser.add_argument("--slack", type=float, default=1.0, help="allow so many times the lateness")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
