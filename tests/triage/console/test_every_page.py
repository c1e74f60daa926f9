"""Every page of the console that can be looked at, drawn with tips in it, under a checker, in light and in the dark.

The pages are made first and shown to a browser afterwards: its event loop and Django's do not go together.
"""

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.staticfiles import finders
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, Route, sync_playwright

from tipline.middleware import HEADERS
from triage.console import permissions_page, rows
from triage.console.permissions import RULES, About
from triage.models import QualityReview, Role

pytestmark = [pytest.mark.django_db, pytest.mark.browser]

ORIGIN = "https://tip.invalid"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
KINDS = {".css": "text/css", ".js": "text/javascript", ".png": "image/png"}
WIDTHS = (360, 1440)
WIDER_THAN_THE_WINDOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def pages(adas, sign_in, make_person, chair, bob, case_of, monkeypatch) -> dict[str, str]:
    """Name to page: of a coordinator with tips, and what other roles see of the pages that differ."""
    tips = [case_of(f"They sell pills behind the rink, place {number}") for number in range(3)]
    tips.append(case_of("He said he will bring his uncle's gun to school tomorrow", name="Sam", who_knows="his class"))
    for case in tips[1:]:
        adas.post(f"/tips/{case.pk}/open/")
    read = tips[-1]
    adas.post(f"/tips/{read.pk}/reply/", {"text": "Thank you. Which school?", "after": 0})
    bobs = sign_in(bob)
    bobs.post(f"/tips/{tips[0].pk}/step-aside/")
    QualityReview.objects.create(program=read.program, case=read, drawn_on=timezone.now().date(), number=0)
    adas.post("/people/invite/", {"name": "Ben", "username": "ben", "role": "coordinator", "identity": "yes"})
    adas.post("/kit/begin/", {"sheets": 3, "threshold": 2})
    things = {"case_id": read.pk, "user_id": bob.user.pk, "number": 1}
    found = {}
    for name, parts in permissions_page.addresses():
        rule = RULES[name]
        if Role.COORDINATOR in rule.look and rule.about is not About.THE_DOOR and parts <= set(things):
            _keep(found, name, adas.get(reverse(name, kwargs={part: things[part] for part in parts})))
    adas.post("/views/save/", {"name": "Night by level", "who": "nobody", "level": "routine"})
    monkeypatch.setattr(rows, "PER_PAGE", 2)
    _keep(found, "board of many pages with a view", adas.get("/?category=drugs&page=2"))
    _keep(found, "a tip nobody opened", adas.get(f"/tips/{tips[0].pk}/"))
    _keep(found, "why", bobs.post(f"/tips/{read.pk}/open/"))
    _keep(found, "phone receipt", adas.post("/phone/", {"text": "They sell pills", "key": "k" * 32}))
    _keep(found, "phone refused", adas.post("/phone/", {"text": "", "key": "k" * 32}))
    _keep(found, "refused invitation", adas.post("/people/invite/", {"name": ""}))
    chiefs = sign_in(make_person("Chief", role="supervisor"))
    for name, address in (("keeping", "/keeping/"), ("keeping of a tip", f"/keeping/tips/{read.pk}/")):
        _keep(found, name, chiefs.get(address))
    audrey = sign_in(make_person("Audrey", role="auditor"))
    for name, address in (("start of an auditor", "/start/"), ("opened, an auditor", "/opened/"), ("no", "/kit/")):
        _keep(found, name, audrey.get(address))
    adas.post("/lock/")
    for name, address in (("locked board", "/"), ("locked tip", f"/tips/{read.pk}/"), ("unlock", "/unlock/")):
        _keep(found, name, adas.get(address))
    return found


def chromium() -> str:
    found = os.environ.get("TIPLINE_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on this machine")
    return found


def _keep(found, name, answer):
    page = answer.content.decode(errors="replace")
    if answer.status_code in (200, 403, 422) and page.lstrip().lower().startswith("<!doctype html"):
        found[name] = page


def test_no_page_has_a_fault_that_a_checker_knows_or_is_wider_than_its_window(pages):
    assert len(pages) > 30
    wrong = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for width in WIDTHS:
            window = browser.new_context(viewport={"width": width, "height": 800})
            window.route("**/*", _answering(pages))
            page = window.new_page()
            for place, name in enumerate(pages):
                page.goto(f"{ORIGIN}/{place}")
                wrong += _faults(page, f"{name}, {width}")
            window.close()
        browser.close()

    assert wrong == []


def _answering(pages):
    drawn = list(pages.values())

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path.startswith("/static/") and (file := finders.find(path.removeprefix("/static/"))):
            kind = KINDS.get(Path(file).suffix, "application/octet-stream")
            route.fulfill(body=Path(file).read_bytes(), headers=HEADERS | {"Content-Type": kind})
        elif path[1:].isdigit():
            body = drawn[int(path[1:])]
            route.fulfill(body=body, headers=HEADERS | {"Content-Type": "text/html; charset=utf-8"})
        else:
            # What a page asks for by itself; nothing on it moves.
            route.fulfill(status=204, body="")

    return answer


def _faults(page: Page, name: str) -> list[str]:
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        said = Axe().run(page).response["violations"]
        found += [f"{name}, {theme}: {rule['id']}: {node['html'][:120]}" for rule in said for node in rule["nodes"]]
        if pictures := os.environ.get("TIPLINE_TEST_PICTURES"):
            file = f"{name}, {theme}".replace(":", "-").replace(", ", "-").replace(" ", "-")
            page.screenshot(path=Path(pictures) / f"{file}.png", full_page=True)
    wider = page.evaluate(WIDER_THAN_THE_WINDOW)
    return [*found, *([f"{name}: {wider} px wider than the window"] if wider else [])]
