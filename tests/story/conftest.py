"""One house for all of this directory: started once, and gone at the end whatever happened in between.

tests/conftest.py keeps the directory in one worker of xdist.
"""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.story.browsing import Windows
from tests.story.desk import Desk
from tests.story.house import House, free_base_port
from tests.story.papers import Papers
from tests.story.phones import Phones
from tests.story.street import Street
from tests.story.telling import Story, tell

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[object]:
    """Show with a failure what the processes said last."""
    report = yield
    house = getattr(item, "funcargs", {}).get("house")
    if report.failed and house is not None and house.log.exists():  # type: ignore[attr-defined]
        report.sections.append(("scripts/up", "\n".join(house.said.splitlines()[-40:])))  # type: ignore[attr-defined]
    return report


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("house")
    house = House(directory, free_base_port())
    try:
        house.start()
        yield house
    finally:
        status = house.stop()
        left = house.left_over()
        shutil.rmtree(directory, ignore_errors=True)
    # After all that was killed in it, the house still stops cleanly.
    assert (status, left) == (0, [])


@pytest.fixture(scope="package")
def phones(house: House) -> Phones:
    return Phones(house)


@pytest.fixture(scope="package")
def street(house: House) -> Street:
    return Street(house)


@pytest.fixture(scope="package")
def papers() -> Papers:
    return Papers()


@pytest.fixture(scope="package")
def chairs_papers() -> Papers:
    """Those of who reads what is about the program's own people."""
    return Papers(name="chair")


@pytest.fixture(scope="package")
def desk(house: House, papers: Papers) -> Desk:
    """The coordinator, signed in and unlocked, without a browser."""
    desk = Desk(house, papers)
    desk.sign_in()
    return desk


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium. Gone when this directory is done: its event loop is in Django's way elsewhere."""
    found = os.environ.get("TIPLINE_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        # What Back brings is part of the story, so the browser keeps pages for it as people's browsers do.
        keeps_pages = ["--disable-back-forward-cache"]
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS, ignore_default_args=keeps_pages)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def story_windows(chromium: Browser) -> Iterator[Windows]:
    windows = Windows(chromium)
    yield windows
    windows.close()
    assert windows.violations == []


@pytest.fixture
def windows(chromium: Browser) -> Iterator[Windows]:
    """Windows for one test. Whatever it was about, nothing in them broke the content security policy."""
    windows = Windows(chromium)
    yield windows
    windows.close()
    assert windows.violations == []


@pytest.fixture(scope="package")
def story(house: House, phones: Phones, story_windows: Windows, papers: Papers) -> Story:
    """The story of the sender and the coordinator, from the first word to the closed tip."""
    return tell(house, phones, story_windows, papers)
