"""Who comes and who goes, in a real browser: invited, let in, the recovery kit on paper, let go."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.story.browsing import Coordinator, Windows
from tests.story.house import House, WithCode, until
from tests.story.papers import Papers
from tests.story.street import Street

pytestmark = [pytest.mark.browser, pytest.mark.system]

NAME, USERNAME = "Wilhelmina Featherstonehaugh-Okonkwo", "wilhelmina"
BEFORE_SHE_CAME = "Somebody paints the kiosk behind the velodrome at night"
AFTER_SHE_LEFT = "The lock of the chemistry cupboard was cut open"
OVERFLOWING = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def their_windows(chromium: Browser) -> Iterator[Windows]:
    windows = Windows(chromium)
    yield windows
    windows.close()


@pytest.fixture(scope="module")
def first(house: House, their_windows: Windows, papers: Papers) -> Coordinator:
    """The coordinator who is there already, at a phone."""
    first = Coordinator(house, their_windows.open(width=360, height=740), papers)
    first.sign_in()
    return first


@pytest.fixture(scope="module")
def earlier(house: House, street: Street) -> str:
    """A tip that was sent before the second person came."""
    return _send(house, street, BEFORE_SHE_CAME)


@pytest.fixture(scope="module")
def code(first: Coordinator, earlier: str) -> str:
    """The one-time code that the first makes for the second."""
    page = first.page
    page.get_by_role("link", name="People", exact=True).click()
    page.get_by_role("link", name="Let somebody in").click()
    sound(page, "invite")
    page.get_by_label("Name", exact=True).fill(NAME)
    page.get_by_label("Sign-in name").fill(USERNAME)
    page.get_by_label("Coordinator", exact=True).check()
    page.get_by_label("May also open submitter details").check()
    first.press("Make the code")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"One-time code for {NAME}")
    return " ".join(page.locator("ol strong").all_text_contents())


@pytest.fixture(scope="module")
def second(house: House, their_windows: Windows, code: str) -> Coordinator:
    """The second person, at a desk, after her first sign-in: six words, app, ten recovery codes."""
    page = their_windows.open(width=1440)
    second = Coordinator(WithCode(house, code), page, Papers(name=USERNAME))
    second.sign_in()
    return second


def test_the_code_for_the_next_one_is_shown_once(first: Coordinator, code: str):
    page = first.page
    assert len(code.split()) == 6
    sound(page, "handed code")

    first.press("It is handed over")
    expect(page.get_by_role("heading", level=1)).to_have_text("People")
    expect(_card(page)).to_contain_text("not used yet")
    page.goto(first.house.url("console", "/people/code/"))

    expect(page.get_by_role("heading", level=1)).to_have_text("People")
    assert [word for word in code.split() if f">{word}<" in page.content()] == []
    sound(page, "people")


def test_whoever_was_let_in_reads_what_was_sent_before(first: Coordinator, second: Coordinator, earlier: str):
    assert BEFORE_SHE_CAME in _read(second, earlier)
    second.page.get_by_role("link", name="Your sign-in").click()
    expect(second.page.get_by_text("10 are left.")).to_be_visible()
    sound(second.page, "you")

    first.page.reload()
    expect(_card(first.page)).not_to_contain_text("One-time code")
    expect(_card(first.page).locator("dd").last).to_contain_text("submitter details", ignore_case=True)


def test_the_recovery_kit_counts_once_each_sheet_is_on_paper(first: Coordinator):
    page = first.page
    page.get_by_role("link", name="Recovery kit").click()
    expect(page.get_by_text("It was never printed.")).to_be_visible()
    sound(page, "kit")
    first.press("Make the sheets")
    expect(page.get_by_role("heading", level=1)).to_have_text("Print each sheet")
    links = page.locator("a[download]")
    expect(links).to_have_count(3)

    sheets = []
    for link in links.all():
        with page.expect_download() as download:
            link.click()
        sheets.append(download.value.path().read_bytes())
        answer = page.request.get(str(download.value.url))
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/pdf", "no-store")
    assert [sheet[:5] for sheet in sheets] == [b"%PDF-"] * 3
    assert [re.findall(rb"/Type /Page\b", sheet) for sheet in sheets] == [[b"/Type /Page"]] * 3
    assert len(set(sheets)) == 3

    checks = [_check_word(sheet) for sheet in sheets]
    for number, check in enumerate([*checks[:2], "another"], start=1):
        page.get_by_label(f"Check word of sheet {number}").fill(check)
    first.press("All sheets are on paper")
    expect(page.locator(".errors")).to_contain_text("This is not the word on sheet 3.")
    sound(page, "kit sheets")
    page.get_by_label("Check word of sheet 3").fill(checks[2].upper())
    first.press("All sheets are on paper")

    expect(first.notice).to_contain_text("The kit counts from now on.")
    expect(page.locator("main dl.facts")).to_contain_text("2 of 3 sheets")
    expect(page.locator(".notice-warn")).to_contain_text("Whoever holds it adds it")
    sound(page, "kit printed")
    page.goto(first.house.url("console", "/kit/sheets/"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery kit")
    assert page.request.get(first.house.url("console", "/kit/sheets/1/")).status == 404


def test_the_words_of_whoever_left_open_nothing_and_work_on_the_keys_comes_to_an_end(
    house: House, first: Coordinator, second: Coordinator, street: Street, earlier: str
):
    page, hers = first.page, second.page
    page.goto(house.url("console", "/people/"))
    _card(page).get_by_role("link", name="Leaves").click()
    sound(page, "leave")
    with house.hung("custodian"):
        first.press(f"Let {NAME} go")
        expect(first.notice).to_contain_text(f"{NAME} has left.")
        expect(_card(page)).to_have_count(0)
        page.goto(house.url("console", "/jobs/"))
        expect(page.locator("progress").first).to_have_attribute("value", "0")
        sound(page, "work")
    # The page moves by itself.
    expect(page.locator("#work[hx-get]")).to_have_count(0, timeout=30_000)
    shown = page.locator("progress").evaluate_all("bars => bars.map(bar => bar.value)")
    assert shown
    assert set(shown) == {100}
    expect(page.locator("#work .card").first).to_contain_text("Finished.")
    sound(page, "work done")

    hers.reload()
    expect(hers.get_by_role("heading", level=1)).to_have_text("Sign in")
    hers.get_by_label("Your sign-in name").fill(USERNAME)
    hers.get_by_label("Your six words").fill(second.papers.words)
    second.press("Go on to the code")
    expect(hers.locator(".errors")).to_contain_text("nothing was unlocked")

    assert AFTER_SHE_LEFT in _read(first, _send(house, street, AFTER_SHE_LEFT))
    assert BEFORE_SHE_CAME in _read(first, earlier)


def test_no_page_of_theirs_complained(first: Coordinator, second: Coordinator, their_windows: Windows):
    # 422 is the answer to a form that was not right, and 404 to a sheet that is no more.
    expected = re.compile(r"status of (422|404)")

    assert [said for said in their_windows.complaints if not expected.search(said)] == []


def sound(page: Page, what: str) -> None:
    """Nothing sticks out on a phone or a desk, and a checker finds no fault, in light and in the dark."""
    page.wait_for_load_state()  # a click waits for the answer's first byte only
    before = page.viewport_size
    for width in (360, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(OVERFLOWING) == 0, (what, width)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            found = Axe().run(page).response["violations"]
            assert [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]] == [], what
    page.emulate_media(color_scheme="no-preference")
    assert before is not None
    page.set_viewport_size(before)


def _card(page: Page) -> Locator:
    """What stands about the second person on the page of people."""
    return page.locator("section.card", has=page.get_by_role("heading", name=NAME))


def _check_word(sheet: bytes) -> str:
    found = re.search(rb"Check word: (\w+)\)", sheet)
    assert found
    return found[1].decode()


def _read(reader: Coordinator, case: str) -> str:
    """Open a tip where it was not opened yet; returns what was sent."""
    page = reader.page
    page.goto(reader.house.url("console", f"/tips/{case}/"))
    if not page.locator("#message-0 .tip-words").count():
        reader.press("Open it")
    expect(page.locator("#message-0 .tip-words")).to_be_visible()
    return re.sub(r"(?<=\w)\d+(?=\W|$)", "", page.locator("#message-0 .tip-words").inner_text())


def _send(house: House, street: Street, text: str) -> str:
    """Send a tip; returns its case."""
    known = {case for (case,) in house.ask("SELECT id FROM triage_case")}
    street.send_until_received(text)
    return str(until(lambda: {case for (case,) in house.ask("SELECT id FROM triage_case")} - known, 30).pop())
