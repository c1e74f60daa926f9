"""Scene 5: a tip about the coordinator's cousin, the sergeant; and one night without a mouse."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.story.browsing import Coordinator, Windows
from tests.story.house import House, until
from tests.story.papers import Papers
from tests.story.street import Street
from tests.story.test_people import WithCode, sound

pytestmark = [pytest.mark.browser, pytest.mark.system]

TICKED = "The sergeant with the silver Corolla warns the dealers before each search"
UNTICKED = "My neighbour Teodor keeps stolen outboard motors in the boathouse"
BY_KEYS = "Somebody loosens the bolts of the swings behind the observatory"


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


def test_unticked_she_steps_aside_in_one_press_and_a_colleague_has_it(
    house: House, their_windows: Windows, her: Coordinator, street: Street
):
    case = _send(house, street, UNTICKED)
    colleague = _colleague(house, their_windows, her)
    page = her.page
    page.goto(house.url("console", f"/tips/{case}/"))
    her.press("Open it")
    expect(page.locator("#message-0 .tip-words")).to_contain_text("Teodor")
    her.press("I know these people")
    expect(her.notice).to_contain_text("You are out of it")
    assert case not in page.content()
    assert page.request.get(house.url("console", f"/tips/{case}/")).status == 404

    theirs = colleague.page
    theirs.goto(house.url("console", f"/tips/{case}/"))
    expect(theirs.get_by_text("First coordinator stepped aside.")).to_be_visible()
    colleague.press("Open it")
    expect(theirs.locator("#message-0 .tip-words")).to_contain_text("Teodor")
    theirs.goto(house.url("console", "/opened/"))
    expect(theirs.get_by_role("heading", name=re.compile("First coordinator"))).to_be_visible()


def test_from_the_sign_in_to_a_closed_tip_without_a_mouse(
    house: House, their_windows: Windows, her: Coordinator, papers: Papers, street: Street
):
    case = _send(house, street, BY_KEYS)
    page = their_windows.open()
    page.goto(house.url("console", "/sign-in/"))
    _to(page, "#id_username")
    page.keyboard.type(papers.name)
    _to(page, "#id_pass_phrase")
    page.keyboard.type(papers.words)
    page.keyboard.press("Enter")
    expect(page.locator("#id_code")).to_be_visible()
    _to(page, "#id_code")
    page.keyboard.type(papers.code())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Board")

    _to(page, f"#tip-{case}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Open it")).to_be_visible()
    page.wait_for_load_state()  # the script that hears the key comes after what is seen
    page.keyboard.press("e")
    expect(page.locator("#message-0 .tip-words")).to_be_visible()
    fold = page.locator("summary", has_text="Close it")
    _to_element(page, "summary:focus", "Close it")
    page.keyboard.press("Enter")
    expect(fold.locator("xpath=..")).to_have_attribute("open", "")
    _to(page, "#id_reason")
    page.keyboard.press("Space")
    _to_element(page, "button:focus", "Close it")
    page.keyboard.press("Enter")
    until(lambda: house.ask("SELECT status FROM triage_case WHERE id = %s", case) == [("closed",)], 15)


def _to(page: Page, wanted: str) -> None:
    """Press Tab until this has the focus; what has it on the way must show it."""
    for _ in range(200):
        page.keyboard.press("Tab")
        _shown(page)
        if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return
    raise AssertionError(f"Tab never comes to {wanted}")


def _to_element(page: Page, focused: str, text: str) -> None:
    for _ in range(200):
        page.keyboard.press("Tab")
        _shown(page)
        found = page.locator(focused)
        if found.count() and (found.text_content() or "").strip() == text:
            return
    raise AssertionError(f"Tab never comes to {text}")


def _shown(page: Page) -> None:
    page.wait_for_load_state()  # how it shows is said by the stylesheet
    width = page.evaluate(
        "() => { const one = document.activeElement; const style = getComputedStyle(one);"
        " return one === document.body ? 9 : parseFloat(style.outlineWidth) * (style.outlineStyle !== 'none') }"
    )
    assert width >= 2, page.evaluate("document.activeElement.outerHTML.slice(0, 120)")


def _colleague(house: House, windows: Windows, her: Coordinator) -> Coordinator:
    page = her.page
    page.goto(house.url("console", "/people/invite/"))
    if page.locator("#id_unlock_with").count():
        page.locator("#id_unlock_with").fill(her.papers.words)
        her.press("Unlock")
    page.get_by_label("Name", exact=True).fill("Xenia Marchetti")
    page.get_by_label("Sign-in name").fill("xenia")
    page.get_by_label("Coordinator", exact=True).check()
    her.press("Make the code")
    expect(page.get_by_role("heading", level=1)).to_have_text("One-time code for Xenia Marchetti")
    code = " ".join(page.locator("ol strong").all_text_contents())
    her.press("It is handed over")
    found = Coordinator(WithCode(house, code), windows.open(), Papers(name="xenia"))  # type: ignore[arg-type]
    found.sign_in()
    return found


def _send(house: House, street: Street, text: str, **fields: str) -> str:
    known = {case for (case,) in house.ask("SELECT id FROM triage_case")}
    nonce = street.nonce()
    until(lambda: street.send(text, nonce, **fields).status == 200, 30, pause=0.3)
    return str(until(lambda: {case for (case,) in house.ask("SELECT id FROM triage_case")} - known, 30).pop())
