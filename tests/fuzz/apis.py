"""schemathesis at an API that runs: every check it has, input that fits and input that does not, links followed."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "docs" / "openapi"
CONFIG = Path(__file__).with_name("schemathesis.toml")
COUNT = re.compile(r"(\d+) generated")


@dataclass(frozen=True)
class Found:
    """What came of a run."""

    passed: bool
    cases: int
    said: str


def run(schema: str, url: str, *, cases: int, directory: Path, token: str = "", seed: int = 0) -> Found:
    """Try an API with this many cases for each operation and phase; `directory` takes what it writes.

    `token` goes with each call. A seed of 0 takes another every time.
    """
    command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIG)]
    command += ["run", str(SCHEMAS / schema), "--url", url]
    command += ["--checks", "all", "--max-examples", str(cases), "--continue-on-failure", "--no-color"]
    command += ["--request-timeout", "30", "--suppress-health-check", "all", "--warnings", "off"]
    command += ["--header", f"Authorization: Bearer {token}"] if token else []
    command += ["--seed", str(seed)] if seed else []
    told = {"PATH": os.environ["PATH"], "HOME": str(directory), "PYTHONUTF8": "1"}
    done = subprocess.run(command, cwd=directory, env=told, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    return Found(done.returncode == 0, sum(map(int, COUNT.findall(said))), said)
