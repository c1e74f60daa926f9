"""Carriers that refuse, hang, lie, dawdle or are impersonated."""

import http.client
import json
import re
import time

from tests.faults.bench import Bench, Finding
from tests.faults.registry import fault
from tests.story.house import until
from tests.story.phones import Message
from tipline.runner.secrets import read
from triage.escalation.signatures import sign_gateway


@fault(
    19,
    "Mail server refuses connections",
    "the mail port turns everybody away",
    "SMS at once; mail later",
    late=2,
)
def mail_refused(bench: Bench) -> Finding:
    bench.carriers(smtp="refuse")
    sent = bench.send()
    page = bench.first(sent, kind="sms")
    bench.carriers()
    bench.first(sent, kind="mail", patience=40)
    return Finding(bench.late(sent, page))


@fault(
    20,
    "Mail server takes the mail and never says so",
    "no 250 after the data",
    "SMS now; the mail is unknown",
    late=2,
    duplicates=1,
    quick=True,
)
def mail_hangs(bench: Bench) -> Finding:
    bench.carriers(smtp={"mode": "hang", "seconds": 12, "count": 1})
    sent = bench.send()
    page = bench.first(sent, kind="sms")
    until(lambda: "unknown" in _states(bench, "email"), 30)
    return Finding(bench.late(sent, page))


@fault(
    21,
    "Mail server defers, or knows no such mailbox",
    "4xx once; 5xx once",
    "it comes later; contact flagged",
    late=2,
)
def mail_fails(bench: Bench) -> Finding:
    bench.carriers(smtp={"mode": "greylist", "count": 1})
    sent = bench.send()
    page = bench.first(sent, kind="sms")
    bench.first(sent, kind="mail", patience=40)
    bench.clear()
    # Every mail until it is seen: a warning of the watcher that arrives at the same address would clear the flag.
    bench.carriers(smtp={"mode": "mailbox_gone"})
    other = bench.send()
    second = bench.first(other, kind="sms")
    flagged = "SELECT count(*) FROM triage_contact WHERE failing"
    until(lambda: bench.ask(flagged) != [(0,)], 20)
    bench.carriers()
    bench.clear()
    healed = bench.send()
    bench.first(healed, kind="mail", patience=20)
    until(lambda: bench.ask(flagged) == [(0,)], 20)
    return Finding(max(bench.late(sent, page), bench.late(other, second)))


@fault(
    22,
    "SMS gateway answers 500, 429, slowly, with rubbish, or 200 with an error inside",
    "each for one page",
    "the second provider takes it",
    late=7,
    duplicates=5,  # one for each way: an answer that cannot be understood may have been a yes
)
def gateway_fails(bench: Bench) -> Finding:
    found = {}
    for mode in ("500", "429", "garbage", "error_body", "drip"):
        bench.carriers(gateway={"mode": mode, "seconds": 8})
        # Who has just met its failures asks the other provider first.
        bench.house.kill("page-worker")
        bench.house.kill("escalator-page")
        bench.house.wait_until_whole()
        sent = bench.send()
        found[mode] = bench.late(sent, bench.first(sent, kind="sms", patience=40))
        bench.clear()
    slowest = max(found, key=lambda mode: found[mode])
    return Finding(found[slowest], f"slowest: {slowest}")


@fault(23, "SMS taken over and never delivered", "no receipt comes", "the person's next channel after 90 s", late=96)
def never_delivered(bench: Bench) -> Finding:
    # A person of whom only number and mail address are tried at first: the ladder of "urgent".
    bench.carriers(gateway="no_callback", twilio="no_callback", voice="no_callback")
    sent = bench.send()
    first = bench.first(sent, kind="sms")
    until(lambda: "unknown" in _states(bench, "sms"), 130, pause=0.5)
    return Finding(time.monotonic() - first["arrived_ns"] / 1e9)


@fault(
    24,
    "Receipts early, twice, out of order, forged",
    "posted to the pager door by hand",
    "the right state stays; forged ones get 403, the others 2xx",
    late=2,
)
def receipts(bench: Bench) -> Finding:
    bench.carriers(twilio="500", gateway="no_callback")
    sent = bench.send()
    sms = bench.first(sent, kind="sms")
    unknown = {"id": "nobody-knows", "reference": "0" * 32, "status": "delivered"}
    assert _receipt(bench, unknown) in (200, 204)
    delivered = {"id": sms["provider_reference"], "reference": sms["reference"], "status": "delivered"}
    assert _receipt(bench, delivered, secret="forged") == 403
    assert "delivered" not in _states(bench, "sms")
    assert _receipt(bench, delivered) in (200, 204)
    assert _receipt(bench, delivered) in (200, 204)
    until(lambda: "delivered" in _states(bench, "sms"), 20)
    assert _receipt(bench, delivered | {"status": "sent"}) in (200, 204)
    time.sleep(2)
    assert "delivered" in _states(bench, "sms")
    return Finding(bench.late(sent, sms))


@fault(30, "A mail scanner opens every link", "HEAD and GET of each", "not taken", late=2, quick=True)
def scanner(bench: Bench) -> Finding:
    sent = bench.send()
    mail = bench.first(sent, kind="mail")
    links = re.findall(r"https?://[^\s>\"]+", mail["body"] + json.dumps(mail["headers"]))
    for link in links:
        for method in ("HEAD", "GET"):
            talk = http.client.HTTPConnection(link.split("/")[2], timeout=5)
            talk.request(method, "/" + "/".join(link.split("/")[3:]))
            talk.getresponse().read()
            talk.close()
    time.sleep(1)
    assert bench.ask("SELECT state FROM triage_escalation WHERE state = 'taken'") == []
    return Finding(bench.late(sent, mail), f"{len(links)} links in the mail")


def _states(bench: Bench, channel: str) -> list[str]:
    return [
        state
        for (state,) in bench.ask(
            "SELECT note.state FROM triage_notification note JOIN triage_escalation page"
            " ON page.id = note.escalation_id WHERE page.state <> 'ended' AND note.channel = %s",
            channel,
        )
    ]


def _receipt(bench: Bench, content: Message, secret: str = "") -> int:
    body, stamp = json.dumps(content).encode(), str(int(time.time()))
    secret = secret or read(bench.house.places.secrets, "sms_gateway_secret")
    headers = {
        "Content-Type": "application/json",
        "X-Tipline-Timestamp": stamp,
        "X-Tipline-Signature": sign_gateway(secret, stamp, body),
    }
    talk = http.client.HTTPConnection("127.0.0.1", bench.house.port_of("pager"), timeout=10)
    try:
        talk.request("POST", "/receipts/gateway/", body, headers)
        return talk.getresponse().status
    finally:
        talk.close()
