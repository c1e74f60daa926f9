"""Signing in and out, locked screens and a found slip, in a real browser: the chair of the board at her own desk."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.story.browsing import Coordinator, Sender, Windows
from tests.story.house import House, until
from tests.story.papers import Papers
from tests.story.street import Street

pytestmark = [pytest.mark.browser, pytest.mark.system]

TIP = "The treasurer Quillfeather pays himself from the raffle money of the program"
ITS_WORDS = ["treasurer", "Quillfeather", "raffle"]
REPLY = "Thank you. We are looking into it with people from outside."
TYPED = "Half an answer that must not be lost"


class ByName:
    """The house by its name: browsers offer passkeys at localhost, and not at 127.0.0.1."""

    def __init__(self, house: House) -> None:
        self.one_time_code = house.one_time_code
        self._house = house

    def url(self, name: str, path: str = "/") -> str:
        return self._house.url(name, path).replace("127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def her_windows(chromium: Browser) -> Iterator[Windows]:
    windows = Windows(chromium)
    yield windows
    windows.close()


@pytest.fixture(scope="module")
def chair(house: House, her_windows: Windows, chairs_papers: Papers) -> Coordinator:
    """She signs in; the first time with a one-time code, six words on paper, app and ten spare codes."""
    page = her_windows.open(width=390, height=800)
    page.clock.install()
    _virtual_authenticator(page)
    chair = Coordinator(ByName(house), page, chairs_papers)
    chair.sign_in()
    return chair


@pytest.fixture(scope="module")
def earlier(house: House) -> set[str]:
    """The tips of another story."""
    return {case for (case,) in house.ask("SELECT id FROM triage_case")}


@pytest.fixture(scope="module")
def words(street: Street, earlier: set[str]) -> str:
    """The seven words of a tip about the program's own people, which the chair reads."""
    return street.send(TIP, street.nonce(), insider="yes").words


@pytest.fixture(scope="module")
def case(house: House, words: str, earlier: set[str]) -> str:
    return str(until(lambda: {case for (case,) in house.ask("SELECT id FROM triage_case")} - earlier, 30).pop())


@pytest.fixture(scope="module")
def opened(chair: Coordinator, case: str) -> str:
    """The tip after she has opened it."""
    chair.page.goto(_tip(chair, case))
    chair.press("Open it")
    expect(chair.page.locator("#message-0 .tip-words")).to_have_text(re.compile("Quillfeather"))
    return case


def test_after_a_rest_the_page_is_covered_and_she_goes_on_where_she_was(chair: Coordinator, opened: str):
    page = chair.page
    page.goto(_tip(chair, opened))
    page.locator("#id_text").fill(TYPED)
    page.locator("#id_text").scroll_into_view_if_needed()
    stood = page.evaluate("scrollY")
    assert stood > 0

    page.clock.fast_forward("09:30")
    assert not page.locator("#cover").is_visible()
    with page.expect_response(re.compile("/lock/$")):  # the cover does not wait for the server
        page.clock.fast_forward("00:45")

    expect(page.locator("#cover")).to_be_visible()
    expect(page).to_have_title("Locked")
    assert page.locator("main").is_hidden()
    assert [word for word in [*ITS_WORDS, TYPED] if word in page.locator("body").inner_text()] == []
    assert page.evaluate("document.activeElement.id") == "cover_words"
    beside = page.context.new_page()
    beside.goto(_tip(chair, opened))
    expect(beside.get_by_text("Locked: nothing can be read")).to_be_visible()
    beside.close()

    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("#cover")).to_be_visible()
    _uncover(page, "these are not the right words")
    expect(page.locator("#cover_error")).to_contain_text("These are not your words")
    _uncover(page, chair.papers.words)

    expect(page.locator("#cover")).to_be_hidden()
    assert page.locator("#id_text").input_value() == TYPED
    assert page.evaluate("document.activeElement.id") == "id_text"
    assert page.evaluate("scrollY") == stood
    page.locator("#id_text").fill(REPLY)
    chair.press("Send the answer")
    expect(chair.notice).to_contain_text("Sent.")


def test_whoever_types_is_at_work_and_is_not_locked_out(chair: Coordinator, opened: str):
    page = chair.page
    page.goto(_tip(chair, opened))
    for _ in range(4):
        page.locator("#id_text").press("a")
        page.clock.fast_forward("08:00")

    assert not page.locator("#cover").is_visible()
    assert page.locator("#id_text").input_value() == "aaaa"


def test_a_lock_in_one_tab_covers_the_others(chair: Coordinator, opened: str):
    page = chair.page
    page.goto(_tip(chair, opened))
    page.locator("#id_text").fill(TYPED)
    beside = page.context.new_page()
    beside.goto(chair.house.url("console"))

    beside.get_by_role("button", name="Lock", exact=True).click()

    expect(page.locator("#cover")).to_be_visible()
    beside.close()
    _uncover(page, chair.papers.words)
    expect(page.locator("#cover")).to_be_hidden()
    assert page.locator("#id_text").input_value() == TYPED


def test_without_javascript_the_next_press_asks_for_the_words_and_then_is_done(
    house: House, chair: Coordinator, opened: str, windows: Windows
):
    page = windows.open(scripts=False, width=390, height=800, storage_state=chair.page.context.storage_state())
    page.goto(_tip(chair, opened))
    page.locator("#id_text").fill(TYPED)
    beside = page.context.new_page()
    beside.goto(chair.house.url("console"))
    beside.get_by_role("button", name="Lock", exact=True).click()
    before = house.ask("SELECT count(*) FROM intake_reply")

    page.get_by_role("button", name="Send the answer", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Unlock")
    assert house.ask("SELECT count(*) FROM intake_reply") == before
    page.get_by_label("Your six words").fill(chair.papers.words)
    page.get_by_role("button", name="Unlock", exact=True).click()

    expect(page.locator("#messages")).to_contain_text("Sent.")
    assert page.locator(".talk-us .talk-body").last.inner_text() == TYPED


def test_who_finds_the_slip_sees_answers_and_no_tip_and_cannot_tell_a_locked_code_from_a_wrong_one(
    house: House, chair: Coordinator, words: str, opened: str, windows: Windows
):
    finder = Sender(house, windows.open(width=390, height=800))
    finder.words = words
    answers = finder.look_for_an_answer()
    assert REPLY in answers
    assert [word for word in ITS_WORDS if word in finder.page.content()] == []
    assert "Remove my name and how to reach me" in finder.page.content()

    she = Sender(house, windows.open(scripts=False, width=390, height=800))
    she.words = words
    she.look_for_an_answer()
    she.page.get_by_text("Lock my code for ever").first.click()
    she.page.get_by_label("Yes. Nobody may see the answers again").check()
    she.page.get_by_role("button", name="Lock my code for ever").click()
    expect(she.page.get_by_role("heading", level=1)).to_have_text("Your code is locked.")

    finder.page.locator("#id_text").fill("Who are you?")
    finder.page.get_by_role("button", name="Send", exact=True).click()
    after_locking = _said(finder.page)
    locked = _look(finder, words)
    wrong = _look(finder, " ".join([*words.split()[:-1], words.split(maxsplit=1)[0]]))

    assert locked == wrong
    assert "We find nothing under these words." in locked[1]
    assert after_locking[1] == wrong[1]
    assert [word for word in [*ITS_WORDS, "Thank you"] if word in locked[1]] == []


def test_a_passkey_stands_in_for_the_code_after_the_six_words(chair: Coordinator):
    page = chair.page
    page.goto(chair.house.url("console", "/you/passkeys/add/"))
    _words_again(page, chair.papers.words)
    page.get_by_label("What you call it").fill("my phone")
    chair.press("Make the passkey")
    expect(chair.notice).to_contain_text("Added.")
    chair.press("Sign out")

    _give_words(chair)
    chair.press("Use my passkey instead")

    expect(page.get_by_text("Unlocked: you can read")).to_be_visible()


def test_a_passkey_alone_takes_a_page_and_opens_nothing(house: House, street: Street, chair: Coordinator):
    page = chair.page
    before = len(house.ask("SELECT id FROM triage_case WHERE oversight"))
    street.send("The treasurer takes raffle money again", street.nonce(), insider="yes")
    until(lambda: len(house.ask("SELECT id FROM triage_case WHERE oversight")) > before, 30)
    page.goto(chair.house.url("console"))
    chair.press("Sign out")

    page.get_by_role("link", name="Only take a page, with a passkey").click()
    chair.press("Use my passkey")
    expect(page.get_by_role("heading", level=1)).to_have_text("Board")
    expect(page.get_by_text("Locked: nothing can be read")).to_be_visible()
    # That somebody waits for the sender is no word of the sender's.
    assert set(page.locator(".queue .tag").all_text_contents()) - {"waits for the sender"} == {"sealed"}
    page.get_by_role("button", name=re.compile("^Take ")).first.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Unlock")
    assert house.ask("SELECT count(*) FROM triage_case WHERE oversight AND status = 'taken'") == [(1,)]
    page.goto(chair.house.url("console", "/you/"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Unlock")
    _words_again(page, chair.papers.words)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your sign-in")


def test_without_scripts_a_passkey_cannot_be_pressed_and_the_page_says_why(house: House, windows: Windows):
    page = windows.open(scripts=False)
    page.goto(house.url("console", "/sign-in/passkey/"))

    expect(page.get_by_role("button", name="Use my passkey")).to_be_disabled()
    # Scripts that are stopped from outside, as here, leave <noscript> folded; switched off in a browser it is shown.
    assert "A passkey takes a browser with JavaScript." in page.request.get(page.url).text()


def test_a_recovery_code_stands_in_for_a_lost_phone_once(chair: Coordinator):
    page = chair.page
    page.goto(chair.house.url("console", "/you/"))
    chair.press("Make ten new ones")
    codes = page.locator("ol code").all_text_contents()
    assert len(set(codes)) == 10
    chair.press("I have them")
    chair.press("Sign out")

    _give_words(chair)
    page.locator("#id_code").fill(codes[0])
    chair.press("Sign in")

    expect(chair.notice).to_contain_text("9 recovery codes are left.")
    chair.press("Sign out")
    _give_words(chair)
    page.locator("#id_code").fill(codes[0])
    chair.press("Sign in")
    expect(page.get_by_role("alert").or_(page.locator(".errors")).first).to_be_visible()
    assert "it was used already" in page.content()


def test_she_signs_in_and_reads_while_redis_is_down(house: House, chair: Coordinator, opened: str):
    with house.held_down("redis"):
        chair.sign_in()
        chair.page.goto(_tip(chair, opened))
        expect(chair.page.locator("#message-0 .tip-words")).to_have_text(re.compile("Quillfeather"))


def test_signing_out_everywhere_ends_the_other_browser_too(chair: Coordinator, her_windows: Windows):
    page = chair.page
    elsewhere = Coordinator(chair.house, her_windows.open(), chair.papers)
    elsewhere.sign_in()
    elsewhere.page.get_by_role("link", name="Your sign-in").click()
    expect(elsewhere.page.locator("#sessions-title ~ ul li")).to_have_count(2)

    elsewhere.press("Sign out everywhere")

    expect(elsewhere.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_no_page_of_hers_complained(chair: Coordinator, her_windows: Windows):
    # 422 and 423 are answers the pages expect; a browser notes them all the same.
    expected = re.compile(r"status of 42[23]")

    assert [said for said in her_windows.complaints if not expected.search(said)] == []


def _tip(chair: Coordinator, case: str) -> str:
    return chair.house.url("console", f"/tips/{case}/")


def _virtual_authenticator(page: Page) -> None:
    """A phone that keeps passkeys and always finds the right finger on it."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    more = {"isUserVerified": True, "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": {**options, **more}})


def _uncover(page: Page, words: str) -> None:
    page.locator("#cover_words").fill(words)
    page.locator("#cover").get_by_role("button", name="Unlock").click()


def _words_again(page: Page, words: str) -> None:
    """Answer, where it is asked, who one is."""
    if page.locator("#id_unlock_with").count():
        page.locator("#id_unlock_with").fill(words)
        page.get_by_role("button", name="Unlock", exact=True).click()


def _give_words(chair: Coordinator) -> None:
    """Sign in as far as the second factor."""
    chair.page.goto(chair.house.url("console", "/sign-in/"))
    chair.page.get_by_label("Your sign-in name").fill(chair.papers.name)
    chair.page.get_by_label("Your six words").fill(chair.papers.words)
    chair.press("Go on to the code")
    expect(chair.page.locator("#id_code")).to_be_visible()


def _look(finder: Sender, words: str) -> tuple[str, str]:
    finder.page.goto(finder.house.url("public", "/answers/"))
    finder.page.fill("#id_phrase", words)
    finder.page.get_by_role("button", name="Look", exact=True).click()
    return _said(finder.page)


def _said(page: Page) -> tuple[str, str]:
    page.wait_for_load_state()
    return page.title(), page.locator("main").inner_text()
