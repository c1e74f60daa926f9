"""`scripts/test --fuzz [--cases 2000]`: the long run, against a whole house as scripts/up starts it."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz import apis
from tests.story.desk import Desk
from tests.story.house import House, free_base_port, until
from tests.story.papers import Papers

TIP = "They sell pills behind the rink"


def main(arguments: list[str]) -> int:
    """Returns 0 if nothing failed anywhere."""
    wish = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="tipline-fuzz-") as scratch:
        directory = Path(scratch)
        house = House(directory, free_base_port())
        try:
            house.start()
            passed = [_try(name, house, directory, wish) for name in wish.only]
            left = house.said
        finally:
            house.stop()
            shutil.rmtree(directory / "state", ignore_errors=True)
    faults = [line for line in left.splitlines() if "Traceback" in line or '"level": "error"' in line]
    print(f"lines of errors the house printed: {len(faults)}")
    for line in faults[:20]:
        print(f"  {line[:300]}")
    return 0 if all(passed) else 1


def _try(name: str, house: House, directory: Path, wish: argparse.Namespace) -> bool:
    started = time.monotonic()
    if name == "forms":
        told = os.environ | {"TIPLINE_TEST_FUZZ_CASES": str(wish.cases)}
        argv = [sys.executable, "-m", "pytest", "tests/fuzz/test_forms.py", "-q"]
        done = subprocess.run(argv, env=told, cwd=apis.ROOT, capture_output=True, text=True, check=False)
        found = apis.Found(done.returncode == 0, wish.cases, done.stdout + done.stderr)
    elif name == "public":
        url = house.url("public", "")
        found = apis.run("public-v1.json", url, cases=wish.cases, directory=directory, seed=wish.seed)
    else:
        url, token = house.url("console", ""), token_of(house)
        found = apis.run("console-v1.json", url, cases=wish.cases, directory=directory, token=token, seed=wish.seed)
    if not found.passed or wish.verbose:
        print(found.said)
    took = time.monotonic() - started
    print(f"{name}: {'passed' if found.passed else 'FAILED'}, {found.cases} cases, {took:.0f} s", flush=True)
    return found.passed


def token_of(house: House, desk: Desk | None = None) -> str:
    """A token that takes and reads, made on the pages, with a tip there to look at."""
    if desk is None:
        send = [sys.executable, str(apis.ROOT / "docs/examples/send_tip.py"), house.url("public"), TIP]
        subprocess.run(send, check=True, capture_output=True)
        until(lambda: house.ask("SELECT 1 FROM triage_case"), 30)
        desk = Desk(house, Papers())
        desk.sign_in()
    page = desk.get("/you/tokens/")
    desk.post(
        "/you/tokens/make/",
        csrfmiddlewaretoken=page.token,
        name=f"fuzz {time.monotonic_ns()}",
        may_take="yes",
        reads="yes",
        days="7",
    )
    shown = re.search(r"<code>(tipline_[\w-]+)</code>", desk.get("/you/tokens/made/").text)
    assert shown
    return shown[1]


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/test --fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=2000, help="cases for each operation and form (default 2000)")
    parser.add_argument(
        "--only", nargs="+", choices=["public", "console", "forms"], default=["public", "console", "forms"]
    )
    parser.add_argument("--seed", type=int, default=0, help="repeat a run of schemathesis")
    parser.add_argument("--verbose", action="store_true", help="also show what passed")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
