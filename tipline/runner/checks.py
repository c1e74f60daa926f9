"""`scripts/test`: every check and every test, on servers of their own."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tipline.runner import testservers
from tipline.runner.output import BOLD, RED, Output

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Of our own environment, what a test run may know: a developer's gateways must not be paged.
KEPT = ("TIPLINE_VENV", "TIPLINE_TEST_")
DEPLOYED_ROLES = ("public", "console", "pager", "owner")


@dataclass(frozen=True)
class Check:
    """One command that must succeed."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Verdict:
    name: str
    passed: bool
    seconds: float
    said: str = ""


def main(arguments: list[str]) -> int:
    """Returns 0 if everything passed. With arguments: only pytest, with those.

    After `--faults` the fault matrix, after `--fuzz` the long run with made-up input.
    """
    output = Output()
    environment = _environment(output)
    pytest = [sys.executable, "-m", "pytest"]
    if arguments[:1] == ["--faults"]:
        # It starts a house of its own, as scripts/up does.
        os.execve(sys.executable, [sys.executable, "-m", "tests.faults.matrix", *arguments[1:]], environment)
    if arguments[:1] == ["--fuzz"]:
        os.execve(sys.executable, [sys.executable, "-m", "tests.fuzz.long", *arguments[1:]], environment)
    if arguments:
        os.execve(sys.executable, [*pytest, *arguments], environment)  # starts its own servers
    with testservers.running() as servers:
        environment |= servers
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            verdicts = list(pool.map(_run, _static_checks(environment)))
        for verdict in verdicts:
            _report(output, verdict)
        # sys.monitoring and xdist's workers: one data file each, put together at the end.
        options = ["-n", "auto", "--dist", "loadgroup", "--cov", "--cov-report=term:skip-covered"]
        verdicts.append(_run(Check("pytest", [*pytest, *options], environment), shown=True))
    output.say()
    for verdict in verdicts:
        style = None if verdict.passed else RED
        word = "passed" if verdict.passed else "FAILED"
        output.say(f"{word}  {verdict.name:<28} {verdict.seconds:6.1f} s", style=style)
    passed = all(verdict.passed for verdict in verdicts)
    output.say("Everything passed." if passed else "Something failed.", style=BOLD if passed else RED)
    return 0 if passed else 1


def _static_checks(environment: Mapping[str, str]) -> list[Check]:
    python = sys.executable
    manage = [python, "manage.py"]
    checks = [
        ("mypy", [python, "-m", "mypy"]),
        ("ruff check", [python, "-m", "ruff", "check", "--no-fix"]),
        ("ruff format", [python, "-m", "ruff", "format", "--check"]),
        ("import rules", [str(Path(python).with_name("lint-imports"))]),
        ("migrations are complete", [*manage, "makemigrations", "--check", "--dry-run"]),
    ]
    deploy = [*manage, "check", "--deploy", "--fail-level", "WARNING"]
    production = {"TIPLINE_ENV": "production", "TIPLINE_ALLOWED_HOSTS": "tips.example"}
    return [Check(name, argv, environment) for name, argv in checks] + [
        Check(f"deployment check, {role}", deploy, {**environment, **production, "TIPLINE_ROLE": role})
        for role in DEPLOYED_ROLES
    ]


def _run(check: Check, *, shown: bool = False) -> Verdict:
    started = time.monotonic()
    done = subprocess.run(
        check.argv,
        check=False,
        cwd=ROOT,
        env=dict(check.environment),
        stdin=subprocess.DEVNULL,
        stdout=None if shown else subprocess.PIPE,
        stderr=None if shown else subprocess.STDOUT,
    )
    said = (done.stdout or b"").decode(errors="replace").strip()
    return Verdict(check.name, done.returncode == 0, time.monotonic() - started, said)


def _report(output: Output, verdict: Verdict) -> None:
    if verdict.passed:
        output.say(f"passed  {verdict.name}")
    else:
        output.say(f"FAILED  {verdict.name}", style=RED)
        output.say(verdict.said)


def _environment(output: Output) -> dict[str, str]:
    environment = {n: v for n, v in os.environ.items() if not n.startswith("TIPLINE_") or n.startswith(KEPT)}
    environment["TIPLINE_ENV"] = "test"
    if chromium := _chromium():
        environment["TIPLINE_TEST_CHROMIUM"] = chromium
    else:
        environment.pop("TIPLINE_TEST_CHROMIUM", None)
        output.say(f"No Chromium ({', '.join(CHROMIUM)}, or CHROMIUM_PATH): browser tests are skipped.")
    return environment


def _chromium() -> str | None:
    named = os.environ.get("CHROMIUM_PATH") or os.environ.get("TIPLINE_TEST_CHROMIUM")
    return next(filter(None, map(shutil.which, [named] if named else CHROMIUM)), None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
