"""The coordinator's part: every tip is read, one is answered, one corrected and closed, and she signs out."""

import re

from tests.anonymity.marks import mark, sentence
from tests.anonymity.walker import Walker
from tests.story.desk import Desk
from tests.story.house import House, until
from tests.story.papers import Papers
from tipline.kernel.receipts import Phrase
from tipline.runner.secrets import read


def read_and_answer(house: House, walker: Walker) -> None:
    """Read and answer, look at the answer as the sender, and sign out."""
    desk = Desk(house, Papers())
    desk.sign_in()
    first = _case_of(house, walker.words[0])
    assert mark("text") in desk.open(first)
    path = f"/tips/{first}/"
    token = desk.get(path).token
    answered = desk.post(
        f"{path}reply/", csrfmiddlewaretoken=token, text=sentence("reply", "Which entrance"), after="1"
    )
    assert answered.status == 302, answered.text[:3000]
    assert mark("reply") in walker.come_back(walker.words[0]).text
    quiet = _case_of(house, walker.words[1])
    desk.open(quiet)
    # What endangers the sender is read before anything is done with the tip.
    assert desk.post(f"/tips/{quiet}/risk/", csrfmiddlewaretoken=token).status == 302
    shown = desk.get(f"/tips/{quiet}/").text
    version = re.search(r'name="version" value="(\d+)"', shown)
    assert version
    finished = {"version": version[1], "reason": "passed_on", "note": sentence("note", "Given to the day team")}
    closed = desk.post(f"/tips/{quiet}/close/", csrfmiddlewaretoken=token, **finished)
    assert closed.status == 302, closed.text[:3000]
    _take_by_phone(house, desk)
    assert desk.post("/sign-out/", csrfmiddlewaretoken=token).status == 302


def _take_by_phone(house: House, desk: Desk) -> None:
    """A caller, whose words she types while they speak."""
    shown = desk.get("/phone/")
    key = re.search(r'name="key" value="([^"]+)"', shown.text)
    assert key, shown.text[:3000]
    spoken = {"text": sentence("spoken", "He says that the man hides the money under the stairs"), "key": key[1]}
    taken = desk.post("/phone/", csrfmiddlewaretoken=shown.token, **spoken)
    assert taken.status == 200, taken.text[:3000]
    assert desk.post("/phone/read-out/", csrfmiddlewaretoken=shown.token, key=key[1]).status == 302
    until(lambda: house.ask("SELECT count(*) FROM intake_due") == [(0,)], 60)


def _case_of(house: House, words: str) -> str:
    """The case of a receipt, found as the public door finds it: with the pepper."""
    phrase = Phrase.parse(words)
    assert phrase is not None
    lookup = phrase.lookup(pepper=read(house.places.secrets, "receipt_pepper").encode())
    asked = "SELECT its.id FROM triage_case its JOIN intake_receipt got ON got.tip_id = its.tip_id WHERE lookup = %s"
    return str(until(lambda: house.ask(asked, lookup))[0][0])
