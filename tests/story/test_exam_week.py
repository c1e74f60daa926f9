"""Exam week: a rumour at a school, told three hundred times, and once with another hallway and a time."""

import itertools
import re
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.story.browsing import Coordinator, Sender, Windows
from tests.story.desk import Desk
from tests.story.house import House, until
from tests.story.papers import Papers
from tests.story.phones import Phones, milliseconds
from tests.story.street import Street

pytestmark = [pytest.mark.browser, pytest.mark.system]

RUMOUR = (
    "Ezekiel from grade twelve posted that he will bring his rifle to the exam tomorrow and shoot everybody "
    "in the science hallway. He showed the picture to his friends on the bus."
)
ALIKE = (
    RUMOUR,
    RUMOUR.upper(),
    "Please, " + RUMOUR,
    RUMOUR.replace("everybody", "evrybody"),
    "He showed the picture to his friends on the bus. " + RUMOUR.partition(". ")[0],
)
OTHER = RUMOUR.replace("science hallway", "music hallway") + " At 9:40."
ALL = 300
PATIENCE = 60.0  # seconds
AT_ONCE = 4
PAGES = "triage_escalation WHERE state <> 'ended'"


def test_three_hundred_alike_hide_nothing_of_the_one_that_is_not(
    house: House, street: Street, phones: Phones, windows: Windows, papers: Papers, desk: Desk
):
    before, began = phones.last(), time.monotonic()
    receipts = [street.send_until_received(RUMOUR)]
    first = phones.page(after=before, patience=PATIENCE)
    event = house.ask(f"SELECT incident FROM {PAGES} AND page_number = %s", first.number)[0][0]
    half = (ALL - 1) // 2

    receipts += _send(street, half)
    sender = Sender(house, windows.open(scripts=False, width=390, height=800))
    sender.fill_in(OTHER)
    since, sent = phones.last(), time.monotonic()
    sender.send()
    other = phones.page(after=since, patience=PATIENCE)
    print(f"\nthe one that is not alike paged {milliseconds(sent, other.arrived)} after Send")
    receipts += _send(street, ALL - 1 - half)
    until(lambda: house.ask("SELECT count(*) FROM intake_due") == [(0,)], PATIENCE)

    # Nobody is refused, and each tip keeps a page of its own.
    assert len(receipts) == ALL
    assert all(len(answer.words.split()) == 7 for answer in receipts)
    ours = f"SELECT count(*) FROM {PAGES} AND incident = %s"
    assert house.ask(ours, event) == [(ALL + 1,)]
    # What a person on call reads: the first, the one that is not alike, and a count now and then.
    minutes = (time.monotonic() - began) / 60
    heard = [each["body"] for each in phones.messages() if each["id"] > before and each["kind"] == "sms"]
    assert {int(each.split()[1]) for each in heard if " NOW. " in each} == {first.number, other.number}
    counted = [each for each in heard if re.fullmatch(r"TL: \d+ pages open, \d+ separate events?, .*", each)]
    assert len(counted) <= minutes + 2
    case = str(house.ask(f"SELECT case_id FROM {PAGES} AND page_number = %s", other.number)[0][0])

    _look(house, windows, papers, case)
    _open_all(desk, case, house)

    assert house.ask(ours, event) == [(0,)]
    assert windows.complaints == []


def _send(street: Street, count: int) -> list[object]:
    with ThreadPoolExecutor(AT_ONCE) as people:
        return list(people.map(lambda text: street.send_until_received(text, PATIENCE), islice(cycle(ALIKE), count)))


def _look(house: House, windows: Windows, papers: Papers, case: str) -> None:
    """A coordinator sees them side by side, with what differs, and says that three are one event."""
    page = windows.open()
    she = Coordinator(house, page, papers)
    she.sign_in()
    expect(page.locator("#rows")).to_contain_text(f"{ALL + 1} tips may be about the same event", timeout=60_000)
    page.goto(house.url("console", f"/events/{case}/"))
    expect(page.get_by_text("You have not opened 12 of these.")).to_be_visible()
    page.keyboard.press("e")
    other = page.locator("section", has=page.locator(f"#tip-{case}"))
    expect(other.locator("mark")).to_have_text(["music", "9:40"])
    expect(page.locator("section", has_text="Says nothing that the others here do not.")).to_have_count(11)
    boxes = page.get_by_label("Tells of the same event")
    for place in range(3):
        boxes.nth(place).focus()
        page.keyboard.press("Space")
    she.press("Put the ticked ones together")
    expect(she.notice).to_contain_text("3 tips put together.")
    page.goto(house.url("console"))
    expect(page.get_by_text("3 tips, one event")).to_have_count(1)
    page.set_viewport_size({"width": 360, "height": 740})
    for path in ("/", f"/events/{case}/"):
        page.goto(house.url("console", path))
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page).response["violations"]
            assert [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]] == []


def _open_all(desk: Desk, case: str, house: House) -> None:
    """They are read to the end, twelve at a time."""
    desk.sign_in()
    for number in itertools.count(1):
        shown = desk.get(f"/events/{case}/?page={number}")
        for pk in re.findall(r'name="sealed" value="([^"]+)"', shown.text):
            assert desk.post(f"/events/{pk}/open/", csrfmiddlewaretoken=shown.token, sealed=pk).status == 302
        if 'rel="next"' not in shown.text:
            return
