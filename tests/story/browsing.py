"""People in a real browser: the sender at the public door, the coordinator at the console."""

import re
from contextlib import ExitStack
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.story.house import House
from tests.story.papers import Papers

PATIENCE = 15_000  # milliseconds
POLICY = "Content Security Policy"  # stands in what a browser says when the policy stops something
# A test can be in a field before the page is painted and the browser would have put it there: no fault of the page.
BEFORE_IT_WAS_PAINTED = "Autofocus processing was blocked because a document already has a focused element."


class Windows:
    """Opens browser windows, and notes whatever any of their pages complained about."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._opened = ExitStack()
        self.complaints: list[str] = []

    @property
    def violations(self) -> list[str]:
        """What the content security policy stopped, in any of these windows, with scripts or without."""
        return [each for each in self.complaints if POLICY in each]

    def open(self, *, scripts: bool = True, width: int = 1440, height: int = 900, **options: Any) -> Page:
        """A window of its own, with cookies and a history of its own."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height}, java_script_enabled=scripts, **options
        )
        self._opened.callback(context.close)
        context.set_default_timeout(PATIENCE)
        # A violation of the content security policy is an error on the console too.
        context.on("console", self._note_message)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("requestfailed", self._note_failure)
        return context.new_page()

    def close(self) -> None:
        self._opened.close()

    def _note_message(self, message: Any) -> None:
        if message.text != BEFORE_IT_WAS_PAINTED:
            self.complaints.append(f"{message.page.url}: {message.text}")

    def _note_failure(self, request: Any) -> None:
        # A page that is left while its rows are being asked for is no fault.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"{request.url}: {request.failure}")


class Sender:
    """Somebody who writes to the program."""

    def __init__(self, house: House, page: Page) -> None:
        self.house = house
        self.page = page
        self.words = ""

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    def fill_in(self, text: str, *, name: str = "", reach: str = "") -> None:
        """Fill in the form without sending it."""
        self.page.goto(self.house.url("public"))
        self.page.fill("#id_text", text)
        if name or reach:
            self.page.get_by_text("Your name: better not").click()
            self.page.fill("#id_name", name)
            self.page.fill("#id_reach", reach)

    def send(self) -> None:
        """Press Send and look at the receipt."""
        self.page.get_by_role("button", name="Send", exact=True).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("We have your message.")
        self.words = " ".join(self.page.locator("ol.secrets").first.locator("[data-secret]").all_text_contents())

    def look_for_an_answer(self) -> list[str]:
        """Come back with the seven words; returns the answers."""
        self.page.goto(self.house.url("public", "/answers/"))
        self.page.fill("#id_phrase", self.words)
        self.page.get_by_role("button", name="Look", exact=True).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Our answers")
        return self.page.locator("li.talk-them .talk-body").all_text_contents()

    def add(self, text: str) -> None:
        """Add something to the conversation that is open."""
        self.page.fill("#id_text", text)
        self.page.get_by_role("button", name="Send", exact=True).click()
        expect(self.page.get_by_role("status")).to_contain_text("We have what you added.")


class Coordinator:
    """Somebody who is on call."""

    def __init__(self, house: House, page: Page, papers: Papers) -> None:
        self.house = house
        self.page = page
        self.papers = papers

    def sign_in(self) -> None:
        """Sign in with six words and a code; the first time with the one-time code."""
        page = self.page
        if not self.papers.words:
            self._first()
        else:
            page.goto(self.house.url("console", "/sign-in/"))
            page.get_by_label("Your sign-in name").fill(self.papers.name)
            page.get_by_label("Your six words").fill(self.papers.words)
            page.get_by_role("button", name="Go on to the code").click()
            page.locator("#id_code").fill(self.papers.code())
            page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Board")
        expect(page.get_by_text("Unlocked: you can read")).to_be_visible()

    def go_to(self, case: str) -> None:
        """From the board to the page of one tip, as one does: by pressing on it."""
        self.page.goto(self.house.url("console"))
        self.page.locator(f"#tip-{case}").click()
        expect(self.page.get_by_role("heading", name="Next step")).to_be_visible()

    def press(self, name: str) -> None:
        """Press a button; who reads many tips, or one in a colleague's hands, is asked why, and says it."""
        self.page.get_by_role("button", name=name, exact=True).click()
        self.page.wait_for_load_state()
        why = self.page.get_by_label("Why do you open it?")
        if why.count():
            why.fill("To read it together")
            self.page.get_by_role("button", name=name, exact=True).click()

    def unfold(self, summary: str) -> Locator:
        """Open a folded part of the page; returns it."""
        fold = self.page.locator("details", has=self.page.get_by_text(summary, exact=True)).last
        fold.locator("summary").click()
        return fold

    @property
    def notice(self) -> Locator:
        """What the last press did, in words."""
        return self.page.locator("#messages")

    def _first(self) -> None:
        page = self.page
        page.goto(self.house.url("console"))
        page.get_by_role("link", name="Sign in for the first time").click()
        page.get_by_label("Your sign-in name").fill(self.papers.name)
        page.get_by_label(re.compile("one-time code")).fill(self.house.one_time_code(self.papers.name))
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Write down your six words")
        self.papers.words = " ".join(page.locator("ol strong").all_text_contents())
        page.get_by_label("Now type the six words from your paper").fill(self.papers.words)
        page.get_by_role("button", name="They are on paper").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Pair your authenticator app")
        self.papers.secret = page.locator("figcaption code").text_content() or ""
        page.locator("#id_code").fill(self.papers.code())
        page.get_by_role("button", name="Pair it").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Ten codes for the day your phone is lost")
        page.get_by_role("button", name="I have them").click()
