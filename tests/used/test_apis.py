"""What docs/api.md and docs/examples say, done to the letter against a running house."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.fuzz import apis, long
from tests.story.desk import Desk
from tests.story.house import ROOT, House, until
from tipline.kernel.receipts import Phrase

pytestmark = pytest.mark.system

TEXT = "They sell pills behind the rink, and one said he would bring a knife"
EXAMPLES = ROOT / "docs" / "examples"


def commands(part: str) -> list[str]:
    """The commands of one part of the page, as they stand there."""
    page = (ROOT / "docs" / "api.md").read_text()
    found = re.split(r"^## ", page, flags=re.MULTILINE)
    return re.findall(
        r"^```sh\n(.*?)^```", next(each for each in found if each.startswith(part)), re.MULTILINE | re.DOTALL
    )


def run(argv: list[str], **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, **more)  # type: ignore[call-overload]


def test_every_command_of_the_public_part_works_in_its_order(house: House, tmp_path):
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl on this machine")
    script = "set -eu\n" + "\necho\n".join(commands("The public API"))

    done = run(["sh", "-c", script], cwd=tmp_path, env={"TIPLINE": house.url("public", ""), "PATH": "/usr/bin:/bin"})

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"status":"received"' in done.stdout
    assert '"repeated":false' in done.stdout


@pytest.mark.parametrize(("program", "file"), [(sys.executable, "send_tip.py"), ("node", "send-tip.mjs")])
def test_the_example_sends_a_tip_and_shows_words_that_open_it(house: House, program: str, file: str):
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"no {program} on this machine")

    done = run([found, str(EXAMPLES / file), house.url("public"), TEXT])

    assert done.returncode == 0, done.stderr
    words, numbers, answers = done.stdout.splitlines()
    assert Phrase.parse(words.partition(":")[2]) == Phrase.parse(numbers.partition(":")[2]) is not None
    assert answers == "Answers so far: 0"


@pytest.mark.parametrize(("program", "file"), [(sys.executable, "send_tip.py"), ("node", "send-tip.mjs")])
def test_the_example_says_why_it_was_refused(house: House, program: str, file: str):
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"no {program} on this machine")

    done = run([found, str(EXAMPLES / file), house.url("public"), "  "])

    assert done.returncode == 1
    assert "Each error names its place" in done.stderr
    assert "#/text" in done.stderr


def test_the_example_locks_what_it_sent(house: House):
    """The module is also to be used from other programs."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); import send_tip as t; s = sys.argv[1];"
        "r = t.send(s, {'text': 'x', 'danger': 'no'}); t.add(s, r['words'], 'more'); t.lock(s, r['numbers']);"
        "\ntry: t.look(s, r['words'])\nexcept t.Refused as r: print(r.problem['status'])"
    )

    done = run([sys.executable, "-c", code, house.url("public", ""), str(EXAMPLES)])

    assert (done.returncode, done.stdout.strip()) == (0, "404"), done.stderr


def test_every_command_of_the_console_part_works_with_a_token_from_the_pages(house: House, desk: Desk, tmp_path):
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl on this machine")
    run([sys.executable, str(EXAMPLES / "send_tip.py"), house.url("public"), TEXT])
    until(lambda: house.ask("SELECT 1 FROM triage_case WHERE status = 'new'"), 30)
    page = desk.get("/you/tokens/")
    made = desk.post(
        "/you/tokens/make/", csrfmiddlewaretoken=page.token, name="wall", may_take="yes", reads="yes", days="7"
    )
    assert made.status == 302, made.text
    shown = re.search(r"<code>(tipline_[\w-]+)</code>", desk.get("/you/tokens/made/").text)
    assert shown

    script = "set -eu\n" + "\necho\n".join(commands("The API of the console"))
    told = {"CONSOLE": house.url("console", ""), "TOKEN": shown[1], "PATH": "/usr/bin:/bin"}
    done = run(["sh", "-c", script], cwd=tmp_path, env=told)

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"status":"taken"' in done.stdout
    assert '"messages":[{"number":0' in done.stdout
    assert house.ask("SELECT 1 FROM triage_auditentry WHERE event = 'token_read'")


FEW = int(os.environ.get("TIPLINE_TEST_FUZZ_CASES") or 10)


def test_the_public_api_stands_what_nobody_thought_of(house: House, tmp_path):
    found = apis.run("public-v1.json", house.url("public", ""), cases=FEW, directory=tmp_path)

    assert found.passed, found.said
    assert found.cases > 100


def test_the_console_api_stands_what_nobody_thought_of(house: House, desk: Desk, tmp_path):
    token = long.token_of(house, desk)

    found = apis.run("console-v1.json", house.url("console", ""), cases=FEW, directory=tmp_path, token=token)

    assert found.passed, found.said
    assert found.cases > 50
