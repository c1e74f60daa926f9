"""The systemd units, held against the one table of processes and against systemd itself."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.runner.conftest import ROOT
from tipline.runner import secrets, units
from tipline.runner.processes import Process

DIRECTORY = ROOT / "ops" / "systemd"
BY_PROCESS = pytest.mark.parametrize("process", units.DEPLOYED, ids=lambda process: process.name)


def lines(name: str) -> list[str]:
    return (DIRECTORY / name).read_text().splitlines()


def credentials(name: str) -> list[str]:
    return [match[1] for line in lines(name) if (match := re.match(r"LoadCredential=(\w+):", line))]


def test_the_units_that_lie_here_are_those_of_the_table() -> None:
    written = {file.name: file.read_text() for file in DIRECTORY.iterdir()}

    assert written == units.units(), "python -m tipline.runner.units ops/systemd writes them anew"


@BY_PROCESS
def test_a_unit_gives_its_process_its_secrets_and_no_others(process: Process) -> None:
    assert credentials(f"tipline-{process.name}.service") == list(process.secrets)


def test_the_migration_knows_every_secret() -> None:
    assert credentials("tipline-migrate.service") == list(secrets.ALL)


@BY_PROCESS
def test_only_who_pages_can_reach_the_world(process: Process) -> None:
    closed = "IPAddressDeny=any" in lines(f"tipline-{process.name}.service")

    assert closed != process.outbound


@BY_PROCESS
def test_no_unit_leaves_a_copy_of_its_memory_on_a_disk(process: Process) -> None:
    assert {"LimitCORE=0", "MemorySwapMax=0"} <= set(lines(f"tipline-{process.name}.service"))


@BY_PROCESS
def test_processes_of_one_role_are_one_user_and_nobody_is_root(process: Process) -> None:
    assert f"User=tipline-{process.role}" in lines(f"tipline-{process.name}.service")


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze on this machine")
    for file in DIRECTORY.iterdir():
        # /opt/tipline is not here; that its Python is missing is all that may be wrong.
        (tmp_path / file.name).write_text(file.read_text().replace(f"{units.CODE}/.venv/bin/python", "/bin/true"))
    files = sorted(file for file in tmp_path.iterdir() if file.suffix in {".service", ".target", ".timer"})

    done = subprocess.run(
        [analyze, "verify", "--man=no", "--recursive-errors=no", *files], capture_output=True, text=True, check=False
    )

    assert [line for line in done.stderr.splitlines() if str(tmp_path) in line or "tipline" in line] == []
