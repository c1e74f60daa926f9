"""The first change of the developer's guide, walked through in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "developer-guide.md"

pytestmark = pytest.mark.system


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert found
    return found[1]


def run(copy: Path, command: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """A command as somebody types it in the copy, with an environment of its own."""
    environment = {"PATH": os.environ["PATH"], "TIPLINE_VENV": sys.prefix, "HOME": str(copy)}
    identity = {"GIT_AUTHOR_NAME": "N", "GIT_AUTHOR_EMAIL": "n@example.org"}
    identity |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in identity.items()}
    return subprocess.run(
        ["/bin/sh", "-c", command], cwd=copy, env=environment | identity,
        input=given, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    copy = tmp_path / "tipline"
    left_out = shutil.ignore_patterns(".git", "var", ".venv", "__pycache__", ".*_cache", "*.npz", "screenshots")
    shutil.copytree(ROOT, copy, ignore=left_out)
    for command in ("git init --quiet", "git add --all", "git commit --quiet --message start"):
        assert run(copy, command).returncode == 0
    return copy


def test_the_first_change_goes_as_the_guide_says(copy: Path) -> None:
    find, test, commit = (
        line
        for line in GUIDE.read_text().splitlines()
        if line.startswith(("grep ", "scripts/test tests/test_lost.py", "git commit"))
    )
    assert "templates/404.html" in run(copy, find).stdout
    (copy / "tests" / "test_lost.py").write_text(block("python"))
    before = run(copy, test)
    assert "1 failed" in before.stdout, before.stdout + before.stderr

    patched = run(copy, "git apply -", block("diff"))

    assert patched.returncode == 0, patched.stderr
    after = run(copy, test)
    assert "1 passed" in after.stdout, after.stdout + after.stderr
    assert run(copy, "git add --all && " + commit).returncode == 0
