"""A real browser at made-up doors: every answer comes from the templates, nothing from a network."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import RequestFactory, override_settings
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.look.pages import PUBLIC, draw, draw_leave
from tests.story.browsing import POLICY
from tipline import styleguide
from tipline.middleware import HEADERS

# Nothing is looked up: every request is answered here. A secure origin, because some headers count only there.
ORIGIN = "https://tip.invalid"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
KINDS = {".css": "text/css", ".js": "text/javascript", ".png": "image/png"}
Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium. For one file of tests only: its event loop would be in Django's way elsewhere."""
    found = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def answers() -> dict[str, str]:
    """Path to page."""
    with override_settings(ROOT_URLCONF="tipline.styleguide"):
        guide = styleguide.styleguide(RequestFactory().get("/styleguide/")).content.decode()
    drawn = {f"/{name}": draw(name) for name in PUBLIC}
    return drawn | {"/": drawn["/form"], "/leave/": draw_leave(), "/styleguide": guide}


@pytest.fixture
def visit(chromium: Browser, answers: dict[str, str]) -> Iterator[Visit]:
    """visit("receipt", width=360, scripts=False, theme="dark"): open a page. `page.complaints` is the console.

    Whatever the test is about, it fails if the content security policy had to stop anything.
    """
    opened_pages: list[Page] = []

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path.replace("/logo.png", "/static/icon.png")
        headers = HEADERS | {"Cache-Control": "no-store"}
        if path.startswith("/static/") and (file := finders.find(path.removeprefix("/static/"))):
            kind = KINDS[Path(file).suffix]
            route.fulfill(body=Path(file).read_bytes(), headers=headers | {"Content-Type": kind})
        elif path in answers and route.request.method == "GET":
            route.fulfill(body=answers[path], headers=headers | {"Content-Type": "text/html; charset=utf-8"})
        else:
            route.fulfill(status=404, body="", headers=headers)

    with ExitStack() as opened:

        def _visit(
            name: str, *, width: int = 360, height: int = 800, scripts: bool = True, theme: Any = "light"
        ) -> Page:
            context = chromium.new_context(
                viewport={"width": width, "height": height}, java_script_enabled=scripts, color_scheme=theme
            )
            opened.callback(context.close)
            context.route("**/*", answer)
            page = context.new_page()
            page.complaints = []  # type: ignore[attr-defined]
            page.on("console", lambda message: page.complaints.append(message.text))  # type: ignore[attr-defined]
            page.on("pageerror", lambda error: page.complaints.append(str(error)))  # type: ignore[attr-defined]
            page.goto(f"{ORIGIN}/{name}")
            opened_pages.append(page)
            return page

        yield _visit
        said = [complaint for page in opened_pages for complaint in page.complaints]  # type: ignore[attr-defined]
        assert [complaint for complaint in said if POLICY in complaint] == []
