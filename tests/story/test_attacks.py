"""Two nights: nobody hears the SMS and the telephone rings; and somebody who pretends to be her."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.story.browsing import Coordinator, Windows
from tests.story.desk import Desk
from tests.story.house import House, until
from tests.story.papers import Papers
from tests.story.phones import Message, Phones, milliseconds
from tests.story.street import Street

pytestmark = [pytest.mark.browser, pytest.mark.system]

FIRST_NIGHT = "Rory says he will stab his stepfather tonight at 9 Fennel Close, he has the knife in his bag"
SECOND_NIGHT = "My cousin has a gun and is walking to the synagogue on Birch Road now to kill them"
THIRD_NIGHT = "She took forty of her mother's pills just now and will not open the bathroom door, 3 Moss Lane"
FINDER = "+14165559999"
CARRIERS = ("smtp", "gateway", "twilio", "voice")


@pytest.fixture(autouse=True)
def carriers(phones: Phones):
    """Whatever a night did to them, the carriers are well again in the morning."""
    yield
    phones.misbehave(**{name: {"mode": "ok"} for name in CARRIERS})


def test_the_sms_reaches_nobody_so_the_telephone_wakes_her_and_she_reads_in_minutes(
    house: House, street: Street, phones: Phones, windows: Windows, papers: Papers, desk: Desk
):
    phones.misbehave(gateway={"mode": "undelivered"}, twilio={"mode": "undelivered"}, smtp={"mode": "refuse"})
    before, sent = phones.last(), time.monotonic()
    street.send_until_received(FIRST_NIGHT)
    call = phones.wait_for(lambda message: message["kind"] == "voice", after=before, patience=30)
    rung = time.monotonic()
    case = _newest(house)

    # Taking is not opening: four digits half asleep, and five minutes later the ladder climbs on.
    assert phones.answer(call, f"{_digits(desk)}#") in (200, 204)
    until(lambda: _state(house, case) == "taken", 20)
    assert house.ask("SELECT status FROM triage_case WHERE id = %s", case) == [("taken",)]
    _time_passes(house, case)
    until(lambda: _state(house, case) == "open", 20)
    again = phones.wait_for(lambda message: message["kind"] == "voice", after=call["id"], patience=30)
    assert phones.answer(again, f"{_digits(desk)}#") in (200, 204)
    until(lambda: _state(house, case) == "taken", 20)

    page = windows.open(width=360, height=740, is_mobile=True, has_touch=True, color_scheme="dark")
    she = Coordinator(house, page, papers)
    she.sign_in()
    page.goto(house.url("console", f"/tips/{case}/"))
    expect(page.get_by_role("heading", name="Who was called")).to_be_visible()
    page.get_by_role("button", name="Open it", exact=True).tap()
    expect(page.locator("#message-0 .tip-words")).to_contain_text("Fennel Close")
    opened = time.monotonic()

    assert _state(house, case) == "ended"
    assert opened - rung < 300, "from the ringing to the words in five minutes, sign-in and a second call included"
    print(f"\ntelephone {milliseconds(sent, rung)} after sending; words {milliseconds(rung, opened)} after ringing")
    assert windows.complaints == []


def test_somebody_with_her_number_and_guessed_codes_takes_nothing_and_the_ladder_goes_on(
    house: House, street: Street, phones: Phones
):
    before = phones.last()
    street.send_until_received(SECOND_NIGHT)
    page = phones.page(after=before, patience=30)
    case, number = _newest(house), page.number

    # From her number, with a code that is none; and from a number that is not hers, with the right one.
    for guess in ("AAAAAA", "BBBBBB"):
        assert phones.answer(page.sms, f"{number} {guess}") in (200, 204)
    assert phones.answer(page.sms, page.code, sender=FINDER) in (200, 204)
    assert phones.answer(page.sms, f"{number} PASS", sender=FINDER) in (200, 204)
    until(lambda: house.ask("SELECT count(*) FROM triage_pagerevent") == [(0,)], 30)
    assert _state(house, case) == "open"

    # One guess more, and the code itself is worth nothing: nobody can try them all. The ladder climbs on.
    assert phones.answer(page.sms, f"{number} CCCCCC") in (200, 204)
    assert phones.answer(page.sms, page.code) in (200, 204)
    until(lambda: house.ask("SELECT count(*) FROM triage_pagerevent") == [(0,)], 30)
    assert _state(house, case) == "open"
    climbed = _the_next_step_comes(house, phones, case, after=page.sms["id"])
    assert climbed["body"].partition("Reply ")[2] != page.sms["body"].partition("Reply ")[2]
    assert house.ask("SELECT status FROM triage_case WHERE id = %s", case) == [("new",)]
    _end(house, case)


def test_with_her_stolen_number_he_takes_the_page_and_still_the_next_people_hear_of_it(
    house: House, street: Street, phones: Phones, windows: Windows
):
    before = phones.last()
    street.send_until_received(THIRD_NIGHT)
    page = phones.page(after=before, patience=30)
    case = _newest(house)

    phones.take(page)
    until(lambda: _state(house, case) == "taken", 20)
    # He holds her number, not her words: the console shows him a sign-in and nothing else.
    his = windows.open(width=390, height=800)
    for path in ("/", f"/tips/{case}/", f"/tips/{case}/calls/"):
        his.goto(house.url("console", path))
        expect(his.get_by_role("heading", level=1)).to_have_text("Sign in")
        assert "Moss Lane" not in his.content()
    _time_passes(house, case)

    until(lambda: _state(house, case) == "open", 20)
    phones.wait_for(lambda m: m["kind"] == "sms" and " NOW. " in m["body"], after=page.sms["id"], patience=30)
    # Nothing that was sent has a link for a look-alike page to imitate.
    links = [message for message in phones.messages() if re.search(r"https?://|www\.", message["body"])]
    assert links == []
    _end(house, case)


def _newest(house: House) -> str:
    return str(until(lambda: house.ask("SELECT case_id FROM triage_escalation ORDER BY opened_at DESC LIMIT 1"))[0][0])


def _state(house: House, case: str) -> str:
    return str(house.ask("SELECT state FROM triage_escalation WHERE case_id = %s", case)[0][0])


def _digits(desk: Desk) -> str:
    """Her own four digits, as they stand under her sign-in."""
    found = re.search(r'<p class="number"><strong>(\d{4})', desk.get("/you/").text)
    assert found
    return found[1]


def _the_next_step_comes(house: House, phones: Phones, case: str, *, after: int) -> Message:
    _time_passes(house, case)
    return phones.wait_for(lambda m: m["kind"] == "sms" and " NOW. " in m["body"], after=after, patience=30)


def _time_passes(house: House, case: str) -> None:
    """The time until the next step is over: its row says so."""
    with house.connect() as connection:
        connection.execute("UPDATE triage_escalation SET next_at = clock_timestamp() WHERE case_id = %s", [case])


def _end(house: House, case: str) -> None:
    """Let nothing climb into the next test."""
    with house.connect() as connection:
        connection.execute("UPDATE triage_escalation SET state = 'ended', next_at = NULL WHERE case_id = %s", [case])
