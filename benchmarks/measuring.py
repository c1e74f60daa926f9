"""What processes cost and what this machine is, read from /proc."""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from uuid import UUID

from tipline.kernel import wraps

ROOT = Path(__file__).resolve().parents[1]
OPENINGS = 500
OPENING_MS = 0.074  # the design's figure: 2,000 in 148 ms
TICK = 1000 / os.sysconf("SC_CLK_TCK")  # milliseconds


def tree(root: int) -> set[int]:
    """A process and everything below it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        fields = _stat(int(stat.parent.name))
        if fields:
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, todo = set(), [root]
    while todo:
        pid = todo.pop()
        found.add(pid)
        todo += children.get(pid, [])
    return found


def cpu_ms(root: int) -> float:
    """Processor time of a process tree so far, in milliseconds: those that live and those it has buried."""
    return TICK * sum(sum(map(int, fields[11:15])) for pid in tree(root) if (fields := _stat(pid)))


def pss_mb(root: int) -> float:
    """Memory of a process tree in megabytes, shared pages divided among those who share them."""
    total = 0
    for pid in tree(root):
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024


def machine_busy_ms() -> float:
    """Processor time of the whole machine so far, in milliseconds, without waiting."""
    user, nice, system, _idle, _wait, irq, soft, steal = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return TICK * (user + nice + system + irq + soft + steal)


def slowness() -> float:
    """How many times longer opening a sealed key takes now, with all cores busy, than in the design's figures.

    A shared machine changes its speed by the minute. This is a hint for comparing two runs, not a way
    to correct one: Python need not slow down as much as the library does.
    """
    argv = [sys.executable, "-m", "benchmarks.measuring"]
    trials = [subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(os.cpu_count() or 1)]
    return statistics.median(float(trial.communicate()[0]) for trial in trials)


def _slowness_of_one_core() -> float:
    seed, holder = wraps.new_seed(), wraps.Holder(UUID(int=0), UUID(int=0), "benchmark", UUID(int=0))
    blob = wraps.wrap(bytes(32), public=wraps.public_key(seed), holder=holder)
    # The library's part alone, with the key already parsed: that is what was measured then.
    sealed, key, info = blob[2:], wraps._private(seed), holder.info(blob[0], blob[1])
    started = time.thread_time()
    for _ in range(OPENINGS):
        wraps._SUITE.decrypt(sealed, key, info=info)
    return (time.thread_time() - started) * 1000 / OPENINGS / OPENING_MS


def machine() -> list[str]:
    """The machine and the versions, as lines to print."""
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024
    names = ("django", "gunicorn", "psycopg", "cryptography", "celery")
    return [
        f"machine     {os.cpu_count()} x {cpu}, {memory} MB, Linux {platform.release()}, load {os.getloadavg()[0]:.1f}",
        f"versions    Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in names),
    ]


def disk_sync_ms(directory: Path, times: int = 30) -> float:
    """How long the disk takes to keep 8 KB for good: the floor under every commit. Median."""
    took = []
    with tempfile.TemporaryFile(dir=directory) as file:
        for _ in range(times):
            file.write(b"x" * 8192)
            file.flush()
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))] if ordered else float("nan")


def table(rows: Iterable[Sequence[object]]) -> str:
    """Columns side by side: the first to the left, numbers to the right."""
    cells = [[f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = []
    for row in cells:
        first, *rest = row
        lines.append("  ".join([first.ljust(widths[0]), *(c.rjust(w) for c, w in zip(rest, widths[1:], strict=True))]))
    return "\n".join(lines)


def verdict(value: float, target: float, *, at_least: bool = False) -> str:
    """The target beside a figure, and whether it was met."""
    met = value >= target if at_least else value <= target
    return f"{'>=' if at_least else '<='} {target:g}: {'met' if met else 'MISSED'}"


def _stat(pid: int) -> list[str] | None:
    try:
        # After the name, which may hold anything: state, ppid, …
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


if __name__ == "__main__":
    print(_slowness_of_one_core())
