"""A coordinator's day and night: a page, a call, questions, a change of shift, and a second person by noon."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.story.browsing import Coordinator, Sender, Windows
from tests.story.house import House, WithCode, until
from tests.story.papers import Papers
from tests.story.phones import Phones
from tests.story.street import Street

pytestmark = [pytest.mark.browser, pytest.mark.system]

AT_SCHOOL = "Percival says he will stab the twins at Larkmoor School today, he showed a knife behind the greenhouse"
SINCE = "he has the knife with him now and walks to the gym, he wants to kill them"
AT_NIGHT = "I have pills, he hits me. I am nine and deaf and my stepfather is home, I want to die"
MATES = "Tonight my cousin shoots everybody at the Hollins Road temple, he loads the rifle now"
# What stands in these tips and must stand in nothing that is in clear.
THEIR_WORDS = ("Percival", "Larkmoor", "greenhouse", "stepfather")

# A thumb on glass, half awake. Source: 36 words a minute on phones (Palin et al., MobileHCI 2019), taken at half of it.
LETTERS_A_SECOND = 1.5
SECONDS_A_TAP = 1.5


@pytest.fixture(scope="module")
def day_windows(chromium: Browser) -> Iterator[Windows]:
    windows = Windows(chromium)
    yield windows
    windows.close()
    assert windows.violations == []


@pytest.fixture(scope="module")
def ada(house: House, day_windows: Windows, papers: Papers) -> Coordinator:
    """The one who is on call."""
    ada = Coordinator(house, day_windows.open(), papers)
    ada.sign_in()
    return ada


@pytest.fixture(scope="module")
def ben(house: House, day_windows: Windows, ada: Coordinator) -> Coordinator:
    """Who comes in the morning: invited, and signed in for the first time."""
    page = ada.page
    page.goto(house.url("console", "/people/invite/"))
    page.get_by_label("Name", exact=True).fill("Ben Achterberg")
    page.get_by_label("Sign-in name").fill("ben")
    page.get_by_label("Coordinator", exact=True).check()
    ada.press("Make the code")
    code = " ".join(page.locator("ol strong").all_text_contents())
    ada.press("It is handed over")
    ben = Coordinator(WithCode(house, code), day_windows.open(width=360, height=740), Papers(name="ben"))  # type: ignore[arg-type]
    ben.sign_in()
    return ben


def test_from_the_page_to_the_second_look_a_day_is_worked_and_stands_on_record(
    house: House, phones: Phones, windows: Windows, ada: Coordinator, ben: Coordinator
):
    page = ada.page
    sender = Sender(house, windows.open(scripts=False, width=390, height=800))
    before = phones.last()
    sender.fill_in(AT_SCHOOL)
    sender.send()
    phones.take(phones.page(after=before, patience=30))
    case = _taken(house)

    # Open, and call: what endangers the sender first, then who was told.
    ada.go_to(case)
    ada.press("Open it")
    card = page.locator(".call-card")
    expect(card).to_contain_text("One anonymous, unverified source.")
    expect(card).to_contain_text("Take it that both are so.")
    expect(card.get_by_role("button", name="Told: Police control room")).to_have_count(0)
    ada.press("I have read what endangers the sender")
    card.get_by_role("button", name="Told: Police control room").click()
    expect(ada.notice).to_contain_text("On record: Police control room was told")

    # Ask back with a ready answer; one that repeats the tip is held back first.
    ada.page.get_by_label("Your answer").fill("Is it at Larkmoor?")
    expect(page.get_by_text("This stands in the tip: Larkmoor")).to_be_visible()
    ada.press("Send the answer")
    expect(page.locator("#errors-title")).to_be_visible()
    page.get_by_label("Your answer").fill("")
    fold = ada.unfold("Ready answers")
    fold.get_by_role("button", name="Put in: Ask for danger").click()
    assert "call 911" in page.get_by_label("Your answer").input_value()
    ada.press("Send the answer")
    expect(ada.notice).to_contain_text("Whoever has the seven words can read it")
    expect(page.get_by_text("Waiting for the sender.")).to_be_visible()

    # The sender answers, and it is urgent: that pages as a new tip would.
    assert "Is somebody in danger right now?" in sender.look_for_an_answer()[0]
    before = phones.last()
    sender.add(SINCE)
    phones.take(phones.page(after=before, patience=30))
    ada.go_to(case)
    expect(page.get_by_text("The sender has answered.")).to_be_visible()
    ada.press("Open what is new")
    expect(page.locator("#message-1 .tip-words")).to_contain_text("walks to the")

    # A note, and the end of the shift.
    page.locator("#notes").get_by_label("A note", exact=True).fill("The head has locked the gym. Call the office")
    ada.press("Keep the note")
    page.goto(house.url("console", "/hand-over/"))
    page.get_by_label("To whom").select_option(label="Ben Achterberg")
    page.get_by_label("What they should know").fill("Ask at eleven whether they found the knife")
    ada.press("Hand all over")
    expect(ada.notice).to_contain_text("from you now")

    ben.page.goto(house.url("console"))
    expect(ben.page.locator(f"tr:has(#tip-{case})")).to_contain_text("given to you")
    ben.go_to(case)
    ben.press("Open it")
    expect(ben.page.locator("#notes")).to_contain_text("Ask at eleven")
    fold = ben.unfold("Close it")
    fold.get_by_label("Resolved").check()
    ben.press("Close it")
    expect(ben.notice).to_contain_text("a second person looks at it by noon tomorrow")
    _undo_and_close_again(ben)

    # By noon the second person has looked.
    page.goto(house.url("console", "/checks/"))
    page.locator(f"a[href='/tips/{case}/']").click()
    ada.press("It is right")
    expect(ada.notice).to_contain_text("On record, with your name.")
    assert house.ask("SELECT count(*) FROM triage_pendingcheck WHERE case_id = %s", case) == [(0,)]

    events = _events(house, case)
    assert [each for each in events if each in THE_DAY] == THE_DAY
    _nothing_in_clear(house)


THE_DAY = [
    "taken", "tip_opened", "risk_read", "told", "replied", "taken", "tip_opened", "noted", "handed_over",
    "tip_opened", "closed", "undone", "closed", "checked",
]  # fmt: skip


def test_alone_at_night_a_childs_half_sentence_finds_its_steps_and_every_step_is_on_record(
    house: House, phones: Phones, windows: Windows, ada: Coordinator, ben: Coordinator
):
    page = ada.page
    child = Sender(house, windows.open(scripts=False, width=320, height=640))
    child.page.goto(house.url("public"))
    # Help by text stands above the box, for everyone, whatever is written below it.
    danger = child.page.locator(".card-danger").first.inner_text()
    assert re.search(r"[Tt]ext", danger)
    assert "988" in danger
    before = phones.last()
    child.fill_in(AT_NIGHT)
    child.page.locator("[name=worse_if_police][value=yes]").check()
    child.send()
    phones.take(phones.page(after=before, patience=30))
    case = _taken(house)

    ada.go_to(case)
    ada.press("Open it")
    card = page.locator(".call-card")
    expect(card.locator(".risk")).to_have_text(re.compile("It could get worse for the sender if police come today"))
    for whom in ("Crisis line", "Child protection"):
        expect(card).to_contain_text(whom)
    # One person, one page: what is said and what is not.
    card.get_by_role("link", name="This card on one page, to print").click()
    expect(page.get_by_text("Do not say")).to_be_visible()
    assert page.evaluate("document.querySelector('main').innerText").count("pills") == 0
    page.emulate_media(media="print")
    page.wait_for_load_state()
    # A page of A4 at 96 dots an inch, without margins of 1.5 cm.
    assert page.evaluate("document.documentElement.scrollHeight") <= 1010
    page.emulate_media(media="screen")
    page.go_back()
    ada.press("I have read what endangers the sender")
    for whom in ("Told: Child protection", "Told: Crisis line"):
        card.get_by_role("button", name=whom).click()
        expect(ada.notice).to_contain_text("On record")

    # She is answered in writing, with help one can text.
    fold = ada.unfold("Ready answers")
    fold.get_by_role("button", name="Put in: Somebody is unwell").click()
    ada.press("Send the answer")
    assert "988" in child.look_for_an_answer()[0]

    # It cannot be closed before the duty to report is recorded.
    if page.locator("#duty").count() == 0:
        _say_that_it_is_child_abuse(ada)
    _close(ada, "Passed on to those who act")
    expect(page.locator("#errors-title")).to_be_visible()
    page.locator("#duty").get_by_label("Reported to").fill("Child protection, night desk")
    ada.press("Put it on record")
    _close(ada, "Passed on to those who act")
    expect(ada.notice).to_contain_text("a second person looks at it by noon tomorrow")

    ben.page.goto(house.url("console", "/checks/"))
    ben.page.locator(f"a[href='/tips/{case}/']").click()
    ben.press("Open it")
    ben.press("It is right")
    expect(ben.notice).to_contain_text("On record, with your name.")

    events = _events(house, case)
    assert {"taken", "tip_opened", "risk_read", "told", "replied", "duty_recorded", "closed", "checked"} <= set(events)
    assert events.count("told") == 2
    _nothing_in_clear(house)


def test_from_the_page_on_a_phone_to_the_words_takes_a_minute_of_her_time(
    house: House, phones: Phones, street: Street, windows: Windows, ada: Coordinator, papers: Papers
):
    before = phones.last()
    street.send_until_received(MATES)
    phones.page(after=before, patience=30)
    code = papers.code()  # the app is open before the clock runs: the wait for a fresh code is the test's, not hers
    page = windows.open(width=360, height=740, is_mobile=True, has_touch=True)
    letters, taps, machine = 0, 0, 0.0
    too_wide: list[str] = []

    def type_in(label: str, text: str) -> None:
        nonlocal letters, taps
        page.get_by_label(label).fill(text)
        letters, taps = letters + len(text), taps + 1

    def tap(name: str, then: str) -> None:
        nonlocal taps, machine
        pressed = time.monotonic()
        page.get_by_role("button", name=name, exact=True).first.tap()
        page.locator(then).first.wait_for()
        taps, machine = taps + 1, machine + time.monotonic() - pressed
        page.wait_for_load_state()  # how wide it is is said by the stylesheet
        if page.evaluate("document.documentElement.scrollWidth") > 360:
            too_wide.append(page.url)

    began = time.monotonic()
    page.goto(house.url("console"))
    taps, machine = taps + 1, time.monotonic() - began  # her icon on the home screen
    type_in("Your sign-in name", papers.name)
    type_in("Your six words", papers.words)
    tap("Go on to the code", "#id_code")
    page.locator("#id_code").fill(code)
    letters, taps = letters + len(code), taps + 1
    tap("Sign in", "#rows")
    tap("Take it", "#messages")
    tap("Open it", "#message-0 .tip-words")

    hers = letters / LETTERS_A_SECOND + taps * SECONDS_A_TAP
    print(
        f"\nfrom the page to the words at 360 px: {taps} taps, {letters} letters and digits; {hers:.0f} s of hers at "
        f"{LETTERS_A_SECOND} a second and {SECONDS_A_TAP} s a tap, and {machine:.1f} s of the machine's"
    )
    assert "temple" in page.locator("#message-0 .tip-words").inner_text()
    assert hers <= 60
    assert too_wide == []
    assert windows.complaints == []


def _undo_and_close_again(who: Coordinator) -> None:
    who.press("Undo the closing")
    expect(who.notice).to_contain_text("Not closed.")
    _close(who, "Resolved")


def _close(who: Coordinator, why: str) -> None:
    fold = who.page.locator("details", has=who.page.get_by_text("Close it", exact=True)).last
    if fold.get_attribute("open") is None:
        fold.locator("summary").click()
    fold.get_by_label(why).check()
    who.press("Close it")


def _say_that_it_is_child_abuse(who: Coordinator) -> None:
    fold = who.unfold("Correct level and category")
    fold.get_by_label("Child abuse", exact=True).check()
    who.press("Correct it")


def _taken(house: House) -> str:
    newest = "SELECT case_id FROM triage_escalation WHERE state = 'taken' ORDER BY opened_at DESC LIMIT 1"
    rows = until(lambda: house.ask(newest), 20)
    return str(rows[0][0])


def _events(house: House, case: str) -> list[str]:
    rows = house.ask(
        "SELECT event FROM triage_auditentry WHERE tip_id = (SELECT tip_id FROM triage_case WHERE id = %s)"
        " ORDER BY number",
        case,
    )
    return [str(event) for (event,) in rows]


def _nothing_in_clear(house: House) -> None:
    """No row that a step left holds a word of the tip, sealed or not."""
    tables = ("triage_auditentry", "triage_note", "triage_pendingcheck", "triage_case", "triage_notification")
    for table in tables:
        stored = str(house.ask(f"SELECT string_agg(t::text, ' ') FROM {table} t")[0][0])
        assert [word for word in THEIR_WORDS if word in stored or word.encode().hex() in stored] == [], table
