"""The supervisor, over small shell scripts."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

from tests.runner.conftest import Watched, alive, until

Supervised = Callable[[dict[str, str]], Watched]
SAY_PID_AND_WAIT = "echo pid $$; while true; do sleep 0.1; done"


def pids(runner: Watched, name: str) -> list[int]:
    return [int(pid) for pid in re.findall(rf"\b{name} \| pid (\d+)", runner.output)]


def test_what_a_process_says_stands_behind_its_name(supervised: Supervised) -> None:
    runner = supervised({"left": "echo good evening; sleep 60", "right": "printf 'no line end'; sleep 60"})

    assert runner.says(r"\bleft \| good evening$")
    assert runner.end(signal.SIGTERM) == 0
    assert re.search(r"\bright \| no line end$", runner.output)


def test_a_killed_process_is_started_again(supervised: Supervised) -> None:
    runner = supervised({"door": SAY_PID_AND_WAIT})
    assert runner.says(r"door \| pid")

    os.kill(pids(runner, "door")[0], signal.SIGKILL)

    assert until(lambda: len(pids(runner, "door")) == 2)
    assert "door ended (killed by SIGKILL); starting it again" in runner.output


def test_a_process_that_cannot_start_is_tried_more_and_more_slowly(supervised: Supervised) -> None:
    runner = supervised({"broken": "echo pid $$; echo the reason; exit 3"})

    assert runner.says(r"broken ended \(exit status 3\); starting it again in 2 s")
    # What it says in full is said twice; then the last line is enough.
    assert len(pids(runner, "broken")) == 2
    assert runner.output.count("the reason") == 3


def test_what_a_killed_process_had_started_ends_with_it(supervised: Supervised) -> None:
    runner = supervised({"parent": "sh -c 'echo pid $$; sleep 60' & wait"})
    assert runner.says(r"parent \| pid")
    grandchild = pids(runner, "parent")[0]
    group = os.getpgid(grandchild)

    os.kill(group, signal.SIGKILL)

    assert until(lambda: not alive(grandchild))


def test_ctrl_c_ends_everything_and_is_no_failure(supervised: Supervised) -> None:
    runner = supervised({"one": SAY_PID_AND_WAIT, "two": "sh -c 'echo pid $$; sleep 60' & wait"})
    assert runner.says(r"one \| pid")
    assert runner.says(r"two \| pid")

    assert runner.end(signal.SIGINT) == 0

    assert not any(alive(pid) for pid in pids(runner, "one") + pids(runner, "two"))


def test_a_process_that_will_not_stop_is_made_to(supervised: Supervised) -> None:
    runner = supervised({"stubborn": f"trap '' TERM; {SAY_PID_AND_WAIT}"})
    assert runner.says(r"stubborn \| pid")

    assert runner.end(signal.SIGTERM, patience=10) == 0

    assert not alive(pids(runner, "stubborn")[0])


def test_nothing_outlives_a_killed_runner(supervised: Supervised) -> None:
    runner = supervised(
        {
            "plain": SAY_PID_AND_WAIT,
            "family": "trap '' TERM; sh -c 'echo pid $$; while true; do sleep 0.1; done' & sleep 60",
        }
    )
    assert runner.says(r"plain \| pid")
    assert runner.says(r"family \| pid")
    left = pids(runner, "plain") + pids(runner, "family")

    runner.end(signal.SIGKILL)

    assert until(lambda: not any(alive(pid) for pid in left), patience=20)


def test_leftovers_of_a_run_whose_watchdog_died_too_are_ended_first(supervised: Supervised, tmp_path: Path) -> None:
    before = supervised({"first": f"trap '' TERM; {SAY_PID_AND_WAIT}"})
    assert before.says(r"first \| pid")
    leftover = pids(before, "first")[0]
    watchdogs = [
        int(path.name)
        for path in Path("/proc").glob("[0-9]*")
        if f"PPid:\t{before.process.pid}\n" in _read(path / "status") and "watchdog.py" in _read(path / "cmdline")
    ]
    assert len(watchdogs) == 1
    os.kill(watchdogs[0], signal.SIGKILL)
    before.end(signal.SIGKILL)
    assert alive(leftover)

    after = supervised({"second": SAY_PID_AND_WAIT})

    assert after.says(r"second \| pid", patience=20)
    assert not alive(leftover)


def test_no_process_may_leave_a_core_file(supervised: Supervised) -> None:
    runner = supervised({"door": "echo core $(ulimit -c); sleep 60"})

    assert runner.says(r"door \| core 0$")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
