"""A routine tip drawn for a second look, and the open tips sorted anew, with every process at work."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.story.browsing import Coordinator, Windows
from tests.story.house import House, until
from tests.story.papers import Papers
from tests.story.street import Street

pytestmark = [pytest.mark.browser, pytest.mark.system]

ROUTINE = "Somebody sprayed green paint on the wall of the Fitzwilliam library last week"
PATIENCE = 60.0  # seconds


@pytest.fixture
def case(house: House, street: Street) -> str:
    """A routine tip in the sample of the day: this one, or one of another story."""
    street.send_until_received(ROUTINE)
    until(lambda: house.ask("SELECT 1 FROM triage_assessment WHERE urgency = 'routine'"), PATIENCE)
    # Drawn once a day, and when it starts.
    house.kill("escalator-triage")
    # Chance may draw the one she stepped aside from in another story: that she cannot see.
    sample = (
        "SELECT case_id FROM triage_qualityreview WHERE level = '' AND NOT oversight"
        " AND case_id NOT IN (SELECT case_id FROM triage_recusal)"
    )
    return str(until(lambda: house.ask(sample), PATIENCE)[0][0])


def test_a_second_look_and_sorting_anew(house: House, windows: Windows, papers: Papers, case: str):
    page = windows.open(width=360, height=740)
    she = Coordinator(house, page, papers)
    she.sign_in()
    page.get_by_role("link", name="Read them again").click()
    _fits_everyone(page)
    page.goto(house.url("console", f"/quality/{case}/"))
    _fits_everyone(page)
    page.keyboard.press("e")
    expect(page.locator(".tip-words").first).to_be_visible()
    _fits_everyone(page)
    page.get_by_label("Urgent").focus()
    page.keyboard.press("Space")
    page.get_by_label("What to remember").fill("The wall of a school, seen twice")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(she.notice).to_contain_text("Its level is raised")
    assert house.ask("SELECT urgency FROM triage_case WHERE id = %s", case) == [("urgent",)]

    page.goto(house.url("console", "/jobs/"))
    _fits_everyone(page)
    she.press("Sort them anew")
    expect(page.locator("#work")).to_contain_text("Finished.", timeout=PATIENCE * 1000)
    assert house.ask("SELECT urgency FROM triage_case WHERE id = %s", case) == [("urgent",)]
    assert house.ask("SELECT broken FROM triage_job WHERE kind = 'reassess'") == [(0,)]
    assert windows.complaints == []


def _fits_everyone(page: Page) -> None:
    """No wider than a phone, and without a fault that axe knows, in light and dark."""
    page.wait_for_load_state()  # a click waits for the answer's first byte only
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, page.url
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page).response["violations"]
        assert [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]] == [], page.url
