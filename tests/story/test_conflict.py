"""Scene 5: a tip about the coordinator's cousin, the sergeant, ticked as being about the police."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.story.browsing import Coordinator, Windows
from tests.story.house import House, until
from tests.story.papers import Papers
from tests.story.street import Street
from tests.story.test_people import sound

pytestmark = [pytest.mark.browser, pytest.mark.system]

TICKED = "The sergeant with the silver Corolla warns the dealers before each search"


@pytest.fixture(scope="module")
def their_windows(chromium: Browser) -> Iterator[Windows]:
    windows = Windows(chromium)
    yield windows
    windows.close()


@pytest.fixture(scope="module")
def her(house: House, their_windows: Windows, papers: Papers) -> Coordinator:
    """The coordinator, whose cousin it is."""
    her = Coordinator(house, their_windows.open(), papers)
    her.sign_in()
    return her


def test_what_is_ticked_she_cannot_see_or_count_and_the_chair_reads_it(
    house: House, their_windows: Windows, her: Coordinator, chairs_papers: Papers, street: Street
):
    case = _send(house, street, TICKED, insider="yes")
    chair = Coordinator(house, their_windows.open(), chairs_papers)
    chair.sign_in()
    her.page.goto(house.url("console"))

    assert case not in her.page.content()
    answer = her.page.request.get(house.url("console", f"/tips/{case}/"))
    assert answer.status == 404
    page = chair.page
    page.goto(house.url("console", f"/tips/{case}/"))
    chair.press("Open it")
    expect(page.locator("#message-0 .tip-words")).to_contain_text("silver Corolla")
    expect(page.locator(".watermark span").first).to_have_attribute("data-name", re.compile("chair"))
    sound(page, "an opened tip")
    page.goto(house.url("console", "/opened/"))
    expect(page.get_by_role("heading", name="Chair of the board")).to_be_visible()
    her.page.goto(house.url("console", "/opened/"))
    expect(her.page.get_by_role("heading", name="Chair of the board")).to_have_count(0)
    sound(her.page, "who opened what")


def _send(house: House, street: Street, text: str, **fields: str) -> str:
    known = {case for (case,) in house.ask("SELECT id FROM triage_case")}
    nonce = street.nonce()
    until(lambda: street.send(text, nonce, **fields).status == 200, 30, pause=0.3)
    return str(until(lambda: {case for (case,) in house.ask("SELECT id FROM triage_case")} - known, 30).pop())
