"""The threat model names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"`((?:\w+/)*test_\w+\.py)?::(test_\w+)`")


def _lines() -> list[str]:
    return (ROOT / "docs/threat-model.md").read_text().splitlines()


def _named() -> list[tuple[str, str]]:
    """File and test of each name; `::test_…` alone is in the file named before it."""
    found = []
    for line in _lines():
        file = ""
        for match in NAMED.finditer(line):
            file = match[1] or file
            found.append((file, match[2]))
    return found


def test_every_test_that_the_threat_model_names_exists():
    missing = []
    for file, name in _named():
        sources = [path.read_text() for path in (ROOT / "tests").rglob("*.py") if f"/{path}".endswith(f"/{file}")]
        if not any(f"def {name}(" in source for source in sources):
            missing.append(f"{file}::{name}")

    assert len(_named()) >= 20
    assert missing == []
