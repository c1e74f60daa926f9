"""Whatever is killed, and whenever: the tip is kept, the page leaves, and nobody has to start anything again."""

import signal
import time
from collections.abc import Iterator

import pytest

from tests.story.desk import Desk
from tests.story.house import CELERY, NAMES, House, until
from tests.story.phones import Page, Phones, milliseconds
from tests.story.street import Answer, Street

pytestmark = pytest.mark.system

TEXT = "She has a knife and says she will stab him after school today, number {}"
# When a process matters most: before its own step for a door, else while the tip is on its way.
BEFORE_SENDING, ON_THE_WAY, BEFORE_TAKING, BEFORE_OPENING = "sending", "on the way", "taking", "opening"
MOMENTS = {"public": BEFORE_SENDING, "outbox": BEFORE_SENDING, "pager": BEFORE_TAKING, "console": BEFORE_OPENING}


@pytest.fixture(autouse=True)
def nothing_is_lost(house: House) -> Iterator[None]:
    """Begin with everything there; afterwards every tip was assessed, and every page had by somebody."""
    house.wait_until_whole()
    yield
    until(lambda: house.ask("SELECT count(*) FROM intake_due") == [(0,)])
    # What joins the pages of its event is told of by their digest.
    missed = house.ask(
        "SELECT id FROM triage_escalation e WHERE NOT joins AND NOT EXISTS (SELECT 1 FROM triage_notification n"
        " WHERE n.escalation_id = e.id AND n.state IN ('accepted', 'delivered'))"
    )
    assert missed == []


@pytest.mark.parametrize("name", NAMES)
def test_the_story_completes_though_one_process_is_killed(
    house: House, street: Street, phones: Phones, desk: Desk, name: str
):
    moment = MOMENTS.get(name, ON_THE_WAY)
    text, before = TEXT.format(name), phones.last()

    if moment == BEFORE_SENDING:
        house.kill(name)
    # The outbox has its messages in memory only: it numbers them anew.
    before = 0 if name == "outbox" else before
    street.send_until_received(text)
    received = time.monotonic()
    if moment == ON_THE_WAY:
        house.kill(name)
    page = phones.page(after=before, patience=30)
    if moment == BEFORE_TAKING:
        house.kill(name)
    case = _take(house, phones, page)
    if moment == BEFORE_OPENING:
        house.kill(name)
    read = desk.open(case)

    print(f"\n{name} killed before {moment}: page {milliseconds(received, page.arrived)} after the receipt")
    assert read == text
    # A duplicate beats silence, but of one kill there is at most one, by SMS and by mail.
    assert len([m for m in phones.messages() if m["id"] > before and m["duplicate_of"]]) <= 2
    assert house.ask("SELECT state FROM triage_escalation WHERE case_id = %s", case) == [("ended",)]


def test_the_page_leaves_with_redis_and_every_celery_process_dead(house: House, street: Street, phones: Phones):
    before = phones.last()

    with house.held_down("redis", *CELERY):
        nonce, sent = street.nonce(), time.monotonic()
        answer = street.send(TEXT.format("without a broker"), nonce)
        received = time.monotonic()
        page = phones.page(after=before)

    print(
        f"\nRedis and Celery dead: answered in {milliseconds(sent, received)}, "
        f"page {milliseconds(received, page.arrived)} after the receipt"
    )
    assert answer.status == 200
    _take(house, phones, page)


def test_with_redis_hung_the_sender_notices_nothing_and_the_page_leaves(house: House, street: Street, phones: Phones):
    before = phones.last()

    with house.hung("redis"):
        nonce, sent = street.nonce(), time.monotonic()
        answer = street.send(TEXT.format("with a hung broker"), nonce)
        received = time.monotonic()
        page = phones.page(after=before)

    print(
        f"\nRedis hung: answered in {milliseconds(sent, received)}, "
        f"page {milliseconds(received, page.arrived)} after the receipt"
    )
    assert answer.status == 200
    _take(house, phones, page)


def test_while_postgresql_is_away_the_form_keeps_the_text_and_afterwards_all_goes_on(
    house: House, street: Street, phones: Phones
):
    others = {name: house.pid(name) for name in NAMES if name != "postgres"}
    words = street.send_until_received("They sell pills behind the rink").words
    before, nonce, text = phones.last(), street.nonce(), TEXT.format("while PostgreSQL was away")

    with house.held_down("postgres", number=signal.SIGQUIT):
        refused = street.send(text, nonce)
        form = street.get("/")
        looked = street.post("/answers/", {"phrase": words})
    back = time.monotonic()
    answer = until(lambda: (again := street.send(text, refused.nonce)).status == 200 and again, 30, pause=0.2)
    page = phones.page(after=before, patience=20)

    print(f"\nPostgreSQL free to start again: page after {milliseconds(back, page.arrived)}")
    assert refused.status == 503
    assert f">\n{text}</textarea>" in refused.text
    assert "nothing was sent" in refused.text
    assert form.status == 200
    assert looked.status == 503
    assert len(answer.words.split()) == 7
    _take(house, phones, page)
    # Nobody restarted anything, and nothing had to die to notice.
    assert {name: house.pid(name) for name in others} == others


def test_a_web_process_killed_right_after_the_commit_loses_nothing(house: House, street: Street, phones: Phones):
    before, tips, nonce = phones.last(), _tips(house), street.nonce()
    text = TEXT.format("right after the commit")

    with house.armed_door("intake.after_commit") as port:
        sent = time.monotonic()
        assert street.send(text, nonce, port=port) == Answer()
        page = phones.page(after=before)
    again, once_more = street.send(text, nonce), street.send(text, nonce)

    print(f"\nweb killed after COMMIT: page {milliseconds(sent, page.arrived)} after sending")
    assert (again.status, len(again.words.split())) == (200, 7)
    assert once_more.words == again.words
    assert street.post("/answers/", {"phrase": again.words}).status == 200
    assert _tips(house) == tips + 1
    _take(house, phones, page)


def test_a_web_process_killed_before_the_commit_stores_nothing_and_the_retry_works(
    house: House, street: Street, phones: Phones
):
    tips, pages, nonce = _tips(house), _pages(house), street.nonce()
    text = TEXT.format("before the commit")

    with house.armed_door("intake.before_commit") as port:
        answer = street.send(text, nonce, port=port)
        time.sleep(1.5)  # three looks of an escalator

    assert answer == Answer()
    assert _tips(house) == tips
    # Rows, not telephones: thanks for the page taken before this may still be on their way to one.
    assert _pages(house) == pages
    before = phones.last()
    assert street.send(text, nonce).status == 200
    assert _tips(house) == tips + 1
    _take(house, phones, phones.page(after=before))


def _take(house: House, phones: Phones, page: Page) -> str:
    """Take a page by its code, so that it climbs no further; returns the case it was about."""
    phones.take(page, patience=30)
    taken = "SELECT case_id FROM triage_escalation WHERE page_number = %s AND state = 'taken'"
    return str(until(lambda: house.ask(taken, page.number), 20)[0][0])


def _pages(house: House) -> int:
    return int(house.ask("SELECT count(*) FROM triage_escalation")[0][0])


def _tips(house: House) -> int:
    return int(house.ask("SELECT count(*) FROM intake_tip")[0][0])
