"""Scenes from the lives of people who use it: a family's phone, a found slip, a coordinator woken at night."""

import re
import time
from contextlib import suppress

import pytest
from playwright.sync_api import Error, Page, expect

from tests.story.browsing import Coordinator, Sender, Windows
from tests.story.house import House, until
from tests.story.papers import Papers
from tests.story.phones import Phones, milliseconds
from tests.story.street import Street
from tests.story.telling import Story

pytestmark = [pytest.mark.browser, pytest.mark.system]

QUIET = "Zebedee hides orange ledgers beneath the aquarium at Calloway and Sons"
ITS_WORDS = ["Zebedee", "ledgers", "aquarium", "Calloway"]
AT_NIGHT = "My brother took the shotgun to the mosque right now to kill people"
SETTLED = 700  # milliseconds; a page that the browser had kept comes back without saying so
NEUTRAL_TITLES = {"Contact", "New page", ""}


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
@pytest.mark.parametrize("way", ["Leave", "I have them", "Look for an answer"])
def test_on_a_family_phone_back_and_reload_bring_no_word_of_it(house: House, windows: Windows, scripts: bool, way: str):
    sender = Sender(house, windows.open(scripts=scripts, width=390, height=800))
    page = sender.page
    page.goto(house.url("public", "/answers/"))
    sender.fill_in(QUIET, name="Marguerite", reach="the Wrenfield lockers")
    # What is not found below could be found here.
    assert [word for word in [*ITS_WORDS, "Marguerite", "Wrenfield"] if word not in _what_stands_there(page)] == []
    sender.send()
    assert [word for word in sender.words.split() if f">{word}<" not in _what_stands_there(page)] == []

    page.get_by_role("button", name=way, exact=True).last.click()
    if way == "I have them":
        expect(page.get_by_role("heading", level=1)).to_have_text("Before you put the phone down")
        page.locator("main [data-leave]").first.click()
    elif way == "Look for an answer":
        expect(page.get_by_role("heading", level=1)).to_have_text("Our answers")
        page.locator("nav.bar [data-leave]").click()
    page.wait_for_url("**/leave/")

    seen = _back_three_times_and_reload(page)

    assert page.url in {"about:blank", house.url("public", "/answers/"), house.url("public")}
    for shown in seen:
        assert [word for word in [*ITS_WORDS, "Marguerite", "Wrenfield"] if word in shown] == []
        assert [word for word in sender.words.split() if f">{word}<" in shown] == []
    assert set(_titles_in_history(page)) <= NEUTRAL_TITLES


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_after_looking_for_an_answer_back_and_reload_bring_no_phrase_and_no_answer(
    house: House, street: Street, windows: Windows, scripts: bool
):
    sender = Sender(house, windows.open(scripts=scripts, width=390, height=800))
    sender.page.goto(house.url("public"))
    sender.words = street.send_until_received(QUIET).words
    sender.look_for_an_answer()
    sender.page.locator("nav.bar [data-leave]").click()
    sender.page.wait_for_url("**/leave/")

    seen = _back_three_times_and_reload(sender.page)

    for shown in seen:
        assert [word for word in ITS_WORDS if word in shown] == []
        assert sender.words not in shown
        assert "Our answers" not in shown
    assert set(_titles_in_history(sender.page)) <= NEUTRAL_TITLES


def test_the_form_sent_again_by_reload_is_no_second_tip(house: House, windows: Windows):
    sender = Sender(house, windows.open(scripts=False))
    sender.fill_in(QUIET)
    sender.send()
    before = house.ask("SELECT count(*) FROM intake_tip")

    sender.page.reload()

    expect(sender.page.get_by_role("heading", level=1)).to_have_text("We have your message.")
    assert house.ask("SELECT count(*) FROM intake_tip") == before


def test_a_follow_up_to_a_closed_tip_pages_again_and_brings_it_back(house: House, story: Story, phones: Phones):
    assert house.ask("SELECT status FROM triage_case WHERE id = %s", story.case) == [("closed",)]
    story.sender.look_for_an_answer()
    before = phones.last()

    story.sender.add("he is loading it now, he is in the parking lot with the gun")
    page = phones.page(after=before)

    assert house.ask("SELECT status FROM triage_case WHERE id = %s", story.case) == [("new",)]
    phones.take(page)
    until(lambda: house.ask("SELECT status FROM triage_case WHERE id = %s", story.case) == [("taken",)])


def test_who_finds_the_slip_cannot_tell_a_locked_code_from_a_wrong_one(street: Street):
    words = street.send_until_received(QUIET).words
    found = street.post("/answers/", {"phrase": words})
    assert found.status == 200
    assert [word for word in ITS_WORDS if word in found.text] == []
    nobodys = " ".join([*words.split()[:-1], words.split()[0]])

    street.post("/answers/lock/", {"visit": found.visit, "confirm": "yes"})
    locked, wrong = street.post("/answers/", {"phrase": words}), street.post("/answers/", {"phrase": nobodys})

    assert (locked.status, _but_for_its_nonce(locked.text)) == (wrong.status, _but_for_its_nonce(wrong.text))
    assert len(locked.text) == len(wrong.text)
    assert "We find nothing under these words." in locked.text


def test_who_finds_the_slip_learns_no_more_through_the_api(street: Street):
    words = street.send_until_received(QUIET).words
    found = street.get("/api/v1/conversation/", Tipline_Receipt=words)
    assert found.status == 200
    assert [word for word in ITS_WORDS if word in found.text] == []

    opened = street.post("/answers/", {"phrase": words})
    street.post("/answers/lock/", {"visit": opened.visit, "confirm": "yes"})
    locked = street.get("/api/v1/conversation/", Tipline_Receipt=words)
    wrong = street.get("/api/v1/conversation/", Tipline_Receipt=" ".join([*words.split()[1:], words.split()[0]]))

    assert (locked.status, locked.text) == (wrong.status, wrong.text)
    assert locked.status == 404


def test_a_coordinator_woken_at_night_gets_from_the_page_to_the_words_on_a_phone(
    house: House, story: Story, phones: Phones, street: Street, windows: Windows, papers: Papers
):
    before, sent = phones.last(), time.monotonic()
    street.send_until_received(AT_NIGHT)
    phones.page(after=before)
    page = windows.open(width=360, height=740, is_mobile=True, has_touch=True, color_scheme="dark")
    she = Coordinator(house, page, papers)
    too_wide = []

    def look() -> None:
        page.wait_for_load_state()  # how wide it is is said by the stylesheet
        if page.evaluate("document.documentElement.scrollWidth") > 360:
            too_wide.append(page.url)

    woken = time.monotonic()
    page.goto(house.url("console"))
    look()
    she.sign_in()
    look()
    page.get_by_role("button", name="Take it", exact=True).first.tap()
    expect(she.notice).to_contain_text("It is yours.")
    look()
    page.get_by_role("button", name="Open it", exact=True).tap()
    expect(page.locator("#message-0 .tip-words")).to_be_visible()
    look()
    print(
        f"\npage {milliseconds(sent, woken)} after sending began; "
        f"from the phone in hand to the words {milliseconds(woken)}"
    )

    assert "shotgun" in page.locator("#message-0 .tip-words").inner_text()
    assert page.locator("#message-0 mark.reason").count() > 0
    assert too_wide == []
    assert windows.complaints == []


def _back_three_times_and_reload(page: Page) -> list[str]:
    """Do what somebody does who wants to know what was on this phone; returns all that came to stand there."""
    seen = [_what_stands_there(page)]
    for _ in range(3):
        with suppress(Error):  # a page that could only be sent for again, which the browser asks about first
            page.go_back(timeout=SETTLED)
        seen.append(_what_stands_there(page))
        with suppress(Error):
            page.reload(timeout=SETTLED)
        seen.append(_what_stands_there(page))
    return seen


def _what_stands_there(page: Page) -> str:
    """The page as it is now, with what stands in its fields."""
    with suppress(Error):
        page.wait_for_load_state(timeout=SETTLED)

    def look() -> str:
        with suppress(Error):  # still on its way from one page to the next
            fields = page.locator("textarea, input").evaluate_all("all => all.map(field => field.value)")
            return "\n".join([page.url, page.content(), *fields])
        return ""

    return str(until(look, 10))


def _titles_in_history(page: Page) -> list[str]:
    """The titles a person sees in the list of where this window has been."""
    history = page.context.new_cdp_session(page).send("Page.getNavigationHistory")
    return [entry["title"] for entry in history["entries"]]


def _but_for_its_nonce(page: str) -> str:
    """What a page says: each has a nonce of its own, made of chance and the hour."""
    return re.sub(r'(?<=name="nonce" value=")[^"]+', "", page)
