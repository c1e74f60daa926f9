"""The story itself, told once from the first word to the closed tip, and what was seen on the way."""

import re
import time
from dataclasses import dataclass, field

from playwright.sync_api import expect

from tests.story.browsing import Coordinator, Sender, Windows
from tests.story.house import House, until
from tests.story.papers import Papers
from tests.story.phones import Page, Phones

TIP = "He said he will bring his uncle's gun to school tomorrow"
FOLLOW_UP = "he is loading it now"
REPLY = "Thank you for writing. Which entrance does he usually come through?"
NAME = "Marguerite Oyelaran"
REACH = "the green bookbag, locker 4417"
WHY = "The police ask whether the sender can be protected tonight"
NOTE = "Sergeant Kowalczyk met the family"
BETTER_CATEGORY = "Threat of violence"


@dataclass
class Story:
    """What was seen. Moments are seconds of the monotonic clock."""

    sender: Sender
    coordinator: Coordinator
    began: float  # seconds of the wall clock, which files are stamped with
    sent: float = 0.0
    receipt_shown: float = 0.0
    added: float = 0.0
    cookies: list[object] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    page: Page | None = None
    second_page: Page | None = None
    taken_sms: str = ""
    case: str = ""
    before_opening: str = ""
    read: str = ""
    highlighted: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    language: str = ""
    answers_before: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    read_again: str = ""
    details: str = ""
    page_after_details: str = ""
    corrected: list[str] = field(default_factory=list)
    timeline: str = ""
    closed: str = ""
    state_for_sender: str = ""


def tell(house: House, phones: Phones, windows: Windows, papers: Papers) -> Story:
    """Play it in two browsers: the sender's without JavaScript, the coordinator's with it."""
    story = Story(
        Sender(house, windows.open(scripts=False, width=390, height=800)),
        Coordinator(house, windows.open(), papers),
        began=time.time(),
    )
    _send(story, phones)
    _take(story, phones, house)
    _read_and_answer(story)
    _add(story, phones)
    _finish(story, phones)
    story.complaints = list(windows.complaints)
    return story


def _send(story: Story, phones: Phones) -> None:
    before = phones.last()
    story.sender.fill_in(TIP, name=NAME, reach=REACH)
    story.sent = time.monotonic()
    story.sender.send()
    story.receipt_shown = time.monotonic()
    story.page = phones.page(after=before)


def _take(story: Story, phones: Phones, house: House) -> None:
    assert story.page is not None
    before = phones.last()
    phones.take(story.page)
    story.taken_sms = phones.wait_for(lambda m: m["kind"] == "sms" and "yours" in m["body"], after=before)["body"]
    rows = until(lambda: house.ask("SELECT id FROM triage_case WHERE status = 'taken'"))
    story.case = str(rows[0][0])


def _read_and_answer(story: Story) -> None:
    she, page = story.coordinator, story.coordinator.page
    she.sign_in()
    she.go_to(story.case)
    story.before_opening = page.locator("main").inner_text()
    she.press("Open it")
    message = page.locator("#message-0")
    expect(message.locator(".tip-words")).to_be_visible()
    story.read = _plain(message.locator(".tip-words").inner_text())
    story.highlighted = page.locator("#message-0 mark.reason").all_inner_texts()
    story.reasons = message.locator("ol.reasons li").all_inner_texts()
    story.categories = page.locator("h1 + p .tag").all_inner_texts()
    story.language = page.locator("h1 + p .quiet").inner_text()
    she.page.get_by_label("Your answer").fill(REPLY)
    she.press("Send the answer")
    expect(she.notice).to_contain_text("Whoever has the seven words can read it")


def _add(story: Story, phones: Phones) -> None:
    story.answers = story.sender.look_for_an_answer()
    before = phones.last()
    story.added = time.monotonic()
    story.sender.add(FOLLOW_UP)
    story.second_page = phones.page(after=before)
    story.cookies = [*story.sender.context.cookies()]


def _finish(story: Story, phones: Phones) -> None:
    assert story.second_page is not None
    she, page = story.coordinator, story.coordinator.page
    phones.take(story.second_page)
    she.go_to(story.case)
    expect(page.locator("#message-1")).not_to_contain_text(FOLLOW_UP)
    she.press("Open what is new")
    expect(page.locator("#message-1 .tip-words")).to_be_visible()
    story.read_again = _plain(page.locator("#message-1 .tip-words").inner_text())

    fold = she.unfold("Submitter details: sealed")
    fold.get_by_label("Why do you need to know who it is?").fill(WHY)
    she.press("Show it once")
    story.details = page.locator(".card-danger", has_text="Submitter details").inner_text()
    she.go_to(story.case)
    story.page_after_details = page.locator("main").inner_text()

    fold = she.unfold("Correct level and category")
    fold.get_by_label("Urgent", exact=True).check()
    fold.get_by_label(BETTER_CATEGORY, exact=True).check()
    she.press("Correct it")
    expect(she.notice).to_contain_text("Corrected.")
    story.corrected = page.locator("h1 + p.row").inner_text().split("\n")
    story.timeline = page.locator("[aria-labelledby=timeline-title] ol.timeline").inner_text()

    she.press("I have read what endangers the sender")
    fold = she.unfold("Close it")
    fold.get_by_label("Passed on to those who act").check()
    fold.get_by_label("What to remember").fill(NOTE)
    she.press("Close it")
    expect(she.notice).to_contain_text("Closed.")
    page.get_by_role("link", name="Closed", exact=True).click()
    story.closed = page.locator(f"tr:has(#tip-{story.case})").inner_text()
    story.sender.look_for_an_answer()
    story.state_for_sender = story.sender.page.locator("p.notice[data-secret]").inner_text()


def _plain(text: str) -> str:
    """The words as they were sent: without the numbers of the reasons that stand between them."""
    return re.sub(r"(?<=\w)\d+(?=\W|$)", "", re.sub(r"\s+", " ", text)).strip()
