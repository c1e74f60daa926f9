"""The board's sound in a real browser: after one press it rings for a page, also in a tab that nobody looks at."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from playwright.sync_api import Page, Route, expect, sync_playwright

from tests.triage.console.test_every_page import FLAGS, KINDS, ORIGIN, chromium
from tipline.middleware import HEADERS

pytestmark = [pytest.mark.django_db, pytest.mark.browser]

# A headless browser shows every tab it has: to the page, this one is in the background.
IN_THE_BACKGROUND = "Object.defineProperty(document, 'hidden', {get: () => true})"


@pytest.fixture
def boards(adas, case_of) -> dict[str, str]:
    """The board while all is quiet, and its rows when a page waits: drawn before the browser starts."""
    case_of("They sell pills behind the rink")
    quiet = adas.get("/").content.decode()
    case_of("He said he will bring his uncle's gun to school tomorrow")
    waiting = adas.get("/rows/").content.decode()
    assert 'data-title-count="0"' in quiet
    assert 'data-title-count="1"' in waiting
    return {"/": quiet, "/rows/": waiting}


def test_it_rings_in_the_background_after_one_press_and_keeps_no_wish(boards):
    asked = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page()
        page.add_init_script(IN_THE_BACKGROUND)
        page.route("**/*", lambda route: _answer(route, boards, asked))
        page.goto(f"{ORIGIN}/")
        sound = page.locator("[data-sound]")
        expect(sound).to_have_text("Sound is off")

        sound.click()

        expect(sound).to_have_text("Sound is on")
        expect(sound).to_have_attribute("data-rung", "1")  # so that one hears what it will be like
        # The worker's clock looks for new rows; the page's own would sleep in the background.
        expect(sound).to_have_attribute("data-rung", "2", timeout=30_000)
        assert "/rows/" in asked

        _press_and_expect(page, "Sound is off")
        page.reload()
        expect(sound).to_have_text("Sound is off")
        kept = page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]")
        assert [name for name in kept if not name.startswith("htmx")] == []
        browser.close()


def _press_and_expect(page: Page, text: str) -> None:
    page.locator("[data-sound]").click()
    expect(page.locator("[data-sound]")).to_have_text(text)


def _answer(route: Route, boards: dict[str, str], asked: list[str]) -> None:
    path = urlsplit(route.request.url).path
    asked.append(path)
    if path.startswith("/static/") and (file := finders.find(path.removeprefix("/static/"))):
        kind = KINDS.get(Path(file).suffix, "application/octet-stream")
        route.fulfill(body=Path(file).read_bytes(), headers=HEADERS | {"Content-Type": kind})
    elif path in boards:
        route.fulfill(body=boards[path], headers=HEADERS | {"Content-Type": "text/html; charset=utf-8"})
    else:
        route.fulfill(status=204, body="")
