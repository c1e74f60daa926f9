"""The documentation as a site: it builds without a warning, loads nothing from elsewhere, and no link is dead."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
LOADED = re.compile(r"""<(?:script|img|link|iframe|source)\b[^>]*\b(?:src|href)=["']?((?:https?:)?//[^"'\s>]+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", built],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return built


def test_every_page_is_in_the_site(site: Path) -> None:
    written = {file.relative_to(ROOT / "docs").with_suffix(".html") for file in (ROOT / "docs").rglob("*.md")}

    assert {page for page in written if page.parts[0] != "examples"} <= {
        page.relative_to(site) for page in site.rglob("*.html")
    }


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    loaded = {address for page in site.rglob("*.html") for address in LOADED.findall(page.read_text())}

    assert loaded == set()


@pytest.mark.parametrize("page", TOP, ids=lambda page: page.name)
def test_links_of_the_first_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text())

    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
