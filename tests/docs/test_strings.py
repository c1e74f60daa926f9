"""The strings for translators are those that people read today."""

import importlib.util
import shutil
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def the_script() -> ModuleType:
    loader = SourceFileLoader("strings", str(ROOT / "scripts" / "strings"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="no gettext on this machine")
def test_every_string_stands_in_the_template_for_translators():
    found = the_script().collected()

    assert found.count("\nmsgid ") > 1000
    assert (ROOT / "locale" / "django.pot").read_text(encoding="utf-8") == found, "run scripts/strings"
