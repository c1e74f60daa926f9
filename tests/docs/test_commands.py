"""Every command the documentation tells people to type is run by a test, or stands here with the reason why not."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
STARTS = re.compile(
    r"(sudo|apt|git|docker|systemctl|journalctl|systemd-\w+|install|cp|curl|node|grep|python3?|\.venv/bin/\w+|scripts/\w+"
    r"|\.ci/run|manage\.py) |(scripts/\w+|\.ci/run)$"
)

# What a command begins with: the test that runs it. The longest beginning counts.
PROVEN = {
    ".ci/run": "tests/docs/test_commands.py",  # this very run
    "scripts/test": "tests/docs/test_commands.py",  # and this
    "scripts/test --faults": "tests/faults/test_quick.py",
    "scripts/test tests/test_lost.py": "tests/docs/test_first_change.py",
    "scripts/up": "tests/runner/test_up.py",
    "scripts/up --demo": "tests/triage/test_commands.py",
    "scripts/manage": "tests/docs/test_commands.py",  # that it exists; what it does is tested where it lives
    "manage.py": "tests/docs/test_commands.py",
    "scripts/manage program": "tests/triage/test_second_program.py",
    "scripts/manage doctor": "tests/triage/doctor/test_doctor.py",
    "scripts/manage backup": "tests/triage/backup/test_drill.py",
    "scripts/manage restore": "tests/triage/backup/test_drill.py",
    "scripts/manage audit": "tests/triage/audit/test_anchors.py",
    "scripts/screenshots": "tests/docs/test_commands.py",
    "scripts/strings": "tests/docs/test_strings.py",
    "grep -rn": "tests/docs/test_first_change.py",
    "git commit": "tests/docs/test_first_change.py",
    "python -m mkdocs": "tests/docs/test_site.py",
    "python -m tipline.runner.units": "tests/runner/test_units.py",
    "python3 -m tipline.runner.secrets": "tests/docs/test_walk.py",
    "python3 -m tipline.runner.postgres": "tests/docs/test_walk.py",
    "install -D -m 644 ops/systemd/": "tests/runner/test_units.py",
    "cp ops/systemd/": "tests/docs/test_walk.py",
    "systemctl enable": "tests/docs/test_walk.py",
    "journalctl -u tipline-migrate": "tests/docs/test_walk.py",
    "docker compose": "tests/runner/test_processes.py",
}
# What no test may do to its machine, or needs a machine of its own.
BY_HAND = {
    "apt install": "installs packages of the system",
    "git clone": "needs an address of the repository",
    "git pull": "needs an address of the repository",
    "python3 -m venv": "what scripts/up does too, in every run on a fresh machine",
    ".venv/bin/pip install": "what scripts/up does too, in every run on a fresh machine",
    "sudo -u postgres psql": "changes a password of the system's PostgreSQL",
    "systemctl restart": "needs systemd as the first process",
    "systemctl daemon-reload": "needs systemd as the first process",
    "systemd-sysusers": "makes users of the system",
    "systemd-tmpfiles": "makes directories of the system",
    "python -m benchmarks": "measures for minutes; run by hand, figures with their date in the README",
    "python benchmarks/": "measures for minutes; run by hand, figures with their date in the README",
}


def typed(page: Path) -> Iterator[str]:
    """Each command on a page: lines of blocks without a language, and pieces of code inside the text."""
    text = re.sub(r"<!-- walk:.*?-->\n```.*?```", "", page.read_text(), flags=re.DOTALL)
    blocks = re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    blocks += re.findall(r"(?:^    [^\n]*\n)+", text, re.MULTILINE)
    outside = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", outside)
    for line in lines:
        for command in line.split("  #")[0].split(" > ")[0].split(" && "):
            if STARTS.match(command.strip()):
                yield command.strip()


COMMANDS = [(page.relative_to(ROOT), command) for page in PAGES for command in dict.fromkeys(typed(page))]


def proof_of(command: str) -> str:
    known = [start for start in (*PROVEN, *BY_HAND) if command.startswith(start)]
    return max(known, key=len, default="")


@pytest.mark.parametrize(("where", "command"), COMMANDS, ids=[f"{page}: {command[:60]}" for page, command in COMMANDS])
def test_a_command_of_the_documentation_is_run_or_says_why_not(where: Path, command: str) -> None:
    assert proof_of(command), f"no test runs `{command}` of {where}: add it to PROVEN or BY_HAND here"


@pytest.mark.parametrize("test", sorted(set(PROVEN.values())))
def test_the_tests_named_here_exist(test: str) -> None:
    assert (ROOT / test).is_file()


def test_the_search_finds_commands() -> None:
    assert {"scripts/up --demo", "docker compose up --detach", "scripts/manage recovery_drill"} <= {
        command for _, command in COMMANDS
    }


@pytest.mark.parametrize(
    "name",
    sorted(
        {command.split()[1] for _, command in COMMANDS if re.match(r"(scripts/manage|manage\.py) [a-z_]+", command)}
    ),
)
def test_a_command_of_scripts_manage_exists(name: str) -> None:
    from django.core.management import get_commands

    assert name in get_commands()


def test_scripts_named_in_the_documentation_can_be_run() -> None:
    scripts = {command.split()[0] for _, command in COMMANDS if command.startswith(("scripts/", ".ci/"))}

    assert scripts
    assert [script for script in scripts if not (ROOT / script).stat().st_mode & 0o100] == []
