"""Every way in. A new channel is one function here: it sends something marked, and the searches do the rest."""

import json
from collections.abc import Callable

from tests.anonymity.marks import headers, mark, sentence
from tests.anonymity.walker import Walker
from tests.story.house import House, until

Channel = Callable[[House, Walker], None]


API_DETAILS = {"name": sentence("apiname", "Marguerite"), "reach": sentence("apireach", "the locker of")}


def form_alone(house: House, walker: Walker) -> None:
    """A tip that wakes somebody, without a word about the sender."""
    walker.send({"text": sentence("text", "Robin will stab the new boy at Westmoor school today, he showed the knife")})


def form_with_everything(house: House, walker: Walker) -> None:
    """A quiet tip with every field of the form filled in, and submitter details."""
    walker.send(
        {
            "text": sentence("quiet", "Somebody sells pills behind the rink on Fridays"),
            "danger": "no",
            "who_knows": sentence("knows", "only my sister"),
            "guessable": "yes",
            "worse_if_police": "unsure",
            "people": sentence("people", "a tall man called"),
            "vehicle": sentence("vehicle", "a red van"),
            "place": sentence("place", "the old rink"),
            "time": sentence("time", "every Friday"),
            "school": sentence("school", "the school on"),
            "name": sentence("name", "Marguerite"),
            "reach": sentence("reach", "the locker of"),
        }
    )


def form_for_other_people(house: House, walker: Walker) -> None:
    """A tip about the program's own people."""
    walker.send({"text": sentence("insider", "The sergeant sells what was seized"), "insider": "on"})


def form_refused(house: House, walker: Walker) -> None:
    """Sent with nothing in it, then with too much: shown again, and never stored."""
    nonce = walker.get().nonce
    assert walker.post("/", {"nonce": nonce, "text": "", "place": mark("refused") * 60}).status in {413, 422}
    too_long = (mark("toolong") + " ") * 8_000
    assert walker.post("/", {"nonce": nonce, "text": too_long}).status == 413
    assert walker.post("/", {"nonce": mark("nonce"), "text": mark("stale")}).status == 400


def return_visit(house: House, walker: Walker) -> None:
    """Back with the words: a follow-up that pages, details taken back, a wrong phrase."""
    words = walker.words[0]
    found = walker.come_back(words)
    added = walker.post(
        "/answers/add/",
        {"visit": found.visit, "nonce": found.nonce, "text": sentence("followup", "he is loading it now")},
    )
    assert added.status == 200
    assert walker.post("/answers/withdraw/", {"visit": added.visit}).status == 200
    wrong = {"phrase": f"{mark('phrase')} one two three four five six", "nonce": found.nonce}
    assert walker.post("/answers/", wrong).status == 404


def locked(house: House, walker: Walker) -> None:
    """A tip whose words are locked for ever, and the receipt left."""
    walker.send({"text": sentence("locked", "They keep stolen bicycles in the cellar")})
    found = walker.come_back(walker.words[-1])
    assert walker.post("/answers/lock/", {"visit": found.visit, "confirm": "yes"}).status == 200
    assert walker.post("/leave/", {"nonce": found.nonce}).status == 303


def api(house: House, walker: Walker) -> None:
    """The same through the API: a tip with details, a follow-up, the answers, a refusal, details taken back."""
    sent = walker.ask_api("tips", {"text": sentence("apitext", "A man follows the girls to the bus"), **API_DETAILS})
    assert sent.status == 201, sent.text
    words = json.loads(sent.text)["words"]
    words = words if isinstance(words, str) else " ".join(words)
    walker.words.append(words)
    assert walker.ask_api("conversation", None, words).status == 200
    more = {"text": sentence("apimore", "He is there again")}
    assert walker.ask_api("conversation/messages", more, words).status == 201
    assert walker.ask_api("conversation/withdraw", {"confirm": "yes"}, words).status == 204
    assert walker.ask_api("tips", {"text": mark("apirefused"), mark("apifield"): mark("apivalue")}).status == 422
    assert walker.ask_api("conversation", None, f"{mark('apiphrase')} one two three four five six").status == 404


def another_sites_page(house: House, walker: Walker) -> None:
    """A post that another site made a browser send."""
    assert walker.post("/", {"text": mark("foreign")}, Sec_Fetch_Site="cross-site").status == 403


def while_the_database_is_away(house: House, walker: Walker) -> None:
    """A tip that cannot be stored: the page says so, and nobody writes down what it was."""
    nonce = walker.get().nonce
    with house.held_down("postgres"):
        answer = walker.post("/", {"nonce": nonce, "text": sentence("unstored", "he has the gun with him right now")})
        assert answer.status == 503
        # They are shown what they wrote, so that nothing is lost.
        assert mark("unstored") in answer.text
    house.wait_until_whole()


def nonsense(house: House, walker: Walker) -> None:
    """What no browser sends, and every scanner does."""
    lines = "\r\n".join(f"{name}: {value}" for name, value in headers().items())
    host = "Host: localhost"
    for request in (
        f"GET /{mark('line')}\r\n\r\n",
        f"{mark('method').upper()} /{mark('path')} HTTP/1.1\r\n{host}\r\n{lines}\r\n\r\n",
        f"GET /{mark('path')}/%ff%00?{mark('query')} HTTP/1.1\r\n{host}\r\n{lines}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: {mark('host')}.example\r\n{lines}\r\n\r\n",
        f"GET / HTTP/1.1\r\n{host}\r\nBad Header\0: {mark('badheader')}\r\n{lines}\r\n\r\n",
        f"GET / HTTP/1.1\r\n{host}\r\nX-Huge: {mark('huge') * 2000}\r\n\r\n",
        f"GET /{mark('endless') * 900} HTTP/1.1\r\n{host}\r\n\r\n",
        f"TRACE / HTTP/1.1\r\n{host}\r\nX-Trace: {mark('trace')}\r\n\r\n",
        f"POST / HTTP/1.1\r\n{host}\r\n{lines}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: 60\r\n\r\n--y\r\nContent-Disposition: form-data; name={mark('multipart')}\r\n\r\n",
        f"POST / HTTP/1.1\r\n{host}\r\n{lines}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: 3\r\nContent-Length: 4\r\n\r\n{mark('twolengths')}",
        f"POST / HTTP/1.1\r\n{host}\r\n{lines}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{mark('chunk')}\r\n",
        f"POST / HTTP/1.1\r\n{host}\r\n{lines}\r\nContent-Type: text/{mark('type')}; charset={mark('charset')}\r\n"
        f"Content-Length: 7\r\n\r\n{mark('typed')}",
    ):
        walker.shout(request.encode("utf-8"))
    multipart = (
        f'--x\r\nContent-Disposition: form-data; name="text"; filename="{mark("file")}.jpg"\r\n\r\n{mark("content")}'
        "\r\n--x--\r\n"
    )
    head = (
        f"POST / HTTP/1.1\r\n{host}\r\n{lines}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {len(multipart)}\r\nConnection: close\r\n\r\n"
    )
    walker.shout((head + multipart).encode())
    # Who presses Send and loses the network: the body never comes whole.
    half = head.replace(str(len(multipart)), "90000") + mark("halfway") * 500
    walker.shout(half.encode(), listen=False)


def at_the_other_doors(house: House, walker: Walker) -> None:
    """The same headers at the coordinators' and the providers' door, which keep no address either."""
    for name in ("console", "pager"):
        there = Walker(house.port_of(name))
        for path in ("/", f"/sign-in/?next=/{mark('next')}", f"/{mark('path')}/", "/sms/gateway/"):
            there.get(path)
        there.post("/sms/gateway/", {"from": mark("from"), "text": mark("unsigned")})
        nonsense(house, there)


def sign_in_refused(house: House, walker: Walker) -> None:
    """A wrong name at the coordinators' door."""
    there = Walker(house.port_of("console"))
    shown = there.get("/sign-in/")
    assert shown.status == 200
    there.post("/sign-in/", {"username": "nobody", "pass_phrase": "one two three four five six"})


def another_program(house: House, walker: Walker) -> None:
    """The pages and the API of a second program, which begins while the first one is open."""
    house.manage("program", "--new", "lakeside", "name=Lakeside")
    there = Walker(walker.port, walker.words, base="/p/lakeside")
    until(lambda: there.get().status == 200, 30)
    there.send(
        {"text": sentence("lakeside", "He hides a rifle in the boat house"), "name": sentence("lakename", "Ann")}
    )
    words = there.words[-1]
    found = there.come_back(words)
    more = {"visit": found.visit, "nonce": found.nonce, "text": sentence("lakemore", "he is loading it now")}
    assert there.post("/answers/add/", more).status == 200
    assert there.post("/leave/", {"nonce": found.nonce}).status == 303
    assert there.ask_api("conversation", None, words).status == 200
    # At the first program they are words that nobody has.
    assert walker.ask_api("conversation", None, words).status == 404
    assert walker.get(f"/p/{mark('slug')}/{mark('slugpath')}/").status == 404


# In this order: what comes back needs words that were given before.
CHANNELS: tuple[Channel, ...] = (
    form_alone,
    form_with_everything,
    form_for_other_people,
    form_refused,
    return_visit,
    locked,
    api,
    another_sites_page,
    while_the_database_is_away,
    nonsense,
    at_the_other_doors,
    sign_in_refused,
    another_program,
)


def walk_all(house: House, walker: Walker) -> None:
    """Send through every channel, and wait until all of it is worked off."""
    for channel in CHANNELS:
        channel(house, walker)
    until(lambda: house.ask("SELECT count(*) FROM intake_due") == [(0,)], 60)
