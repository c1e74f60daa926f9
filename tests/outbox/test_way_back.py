"""Answers and delivery receipts reach the pager door, signed as the providers sign them."""

import json
import time
from urllib.parse import parse_qsl, urlencode

import pytest

from triage.escalation.senders import Outgoing
from triage.escalation.senders.gateway import GatewaySender, GatewaySettings
from triage.escalation.senders.twilio import TwilioSender, TwilioSettings
from triage.escalation.signatures import verify_gateway, verify_twilio

TEXT = "TL 27 NOW. Nobody has this yet. Open your page board. On it? Reply 27 K4M9TX. We never text links."


@pytest.fixture
def page_text():
    return Outgoing("ab" * 16, "+15550101", TEXT)


@pytest.fixture
def by_twilio(box, pager):
    callback = f"{pager.url}/receipts/twilio/"
    return TwilioSender(TwilioSettings("AC1", "twilio-token", "+15550000", callback, box.http_url))


@pytest.fixture
def by_gateway(box):
    return GatewaySender(GatewaySettings(f"{box.http_url}/sms", "gateway-token"))


def _gateway_signature_holds(heard):
    return verify_gateway(
        "gateway-secret",
        heard.headers["X-Tipline-Timestamp"],
        heard.body,
        heard.headers["X-Tipline-Signature"],
        now=time.time(),
    )


def _twilio_signature_holds(pager, heard):
    form = parse_qsl(heard.body.decode(), keep_blank_values=True)
    return verify_twilio("twilio-token", pager.url + heard.path, form, heard.headers["X-Twilio-Signature"])


def test_an_answer_to_a_gateway_text_arrives_signed(box, web, pager, by_gateway, page_text):
    box.faults.command({"gateway": {"mode": "no_callback"}})
    by_gateway.send(page_text)

    reply = web("POST", "/answer", {"message": 1, "text": "27 K4M9TX"})

    (heard,) = pager.wait()
    content = json.loads(heard.body)
    assert json.loads(reply.text) == {"status": 204}
    assert heard.path == "/sms/gateway/"
    assert _gateway_signature_holds(heard)
    assert (content["from"], content["text"]) == ("+15550101", "27 K4M9TX")
    assert set(content) == {"from", "to", "text", "id"}


def test_an_answer_to_a_twilio_text_arrives_signed(box, web, pager, by_twilio, page_text):
    box.faults.command({"twilio": {"mode": "no_callback"}})
    by_twilio.send(page_text)

    web("POST", "/answer", {"message": 1, "text": "27 K4M9TX é"})

    (heard,) = pager.wait()
    form = dict(parse_qsl(heard.body.decode()))
    assert heard.path == "/sms/twilio/"
    assert _twilio_signature_holds(pager, heard)
    assert (form["From"], form["To"], form["Body"]) == ("+15550101", "+15550000", "27 K4M9TX é")
    assert form["MessageSid"].startswith("SM")


def test_two_answers_have_different_ids(box, pager, by_gateway, page_text):
    box.faults.command({"gateway": {"mode": "no_callback"}})
    by_gateway.send(page_text)

    box.answer(1, "27 K4M9TX")
    box.answer(1, "27 K4M9TX")

    first, second = (json.loads(heard.body)["id"] for heard in pager.wait(2))
    assert first != second


def test_an_answer_may_come_from_another_phone(box, web, pager, by_gateway, page_text):
    box.faults.command({"gateway": {"mode": "no_callback"}})
    by_gateway.send(page_text)

    web("POST", "/answer", {"message": 1, "text": "27 K4M9TX", "from": "+15559999"})

    assert json.loads(pager.wait()[0].body)["from"] == "+15559999"


def test_a_gateway_receipt_follows_acceptance_by_itself(box, pager, by_gateway, page_text):
    result = by_gateway.send(page_text)
    accepted = time.monotonic()

    (heard,) = pager.wait()

    assert 0.1 < time.monotonic() - accepted < 1
    assert heard.path == "/receipts/gateway/"
    assert _gateway_signature_holds(heard)
    assert json.loads(heard.body) == {
        "id": result.provider_reference,
        "reference": page_text.reference,
        "status": "delivered",
    }


def test_a_twilio_receipt_follows_to_the_callback_it_was_given(box, pager, by_twilio, page_text):
    result = by_twilio.send(page_text)

    (heard,) = pager.wait()

    form = dict(parse_qsl(heard.body.decode()))
    assert heard.path == f"/receipts/twilio/?reference={page_text.reference}"
    assert _twilio_signature_holds(pager, heard)
    assert (form["MessageSid"], form["MessageStatus"]) == (result.provider_reference, "delivered")


def test_a_failed_delivery_is_told_with_its_error(box, pager, by_twilio, page_text):
    box.control(twilio={"mode": "undelivered"})
    by_twilio.send(page_text)

    form = dict(parse_qsl(pager.wait()[0].body.decode()))

    assert (form["MessageStatus"], form["ErrorCode"]) == ("undelivered", "30003")


def test_no_callback_means_none(box, pager, by_gateway, page_text):
    box.control(gateway={"mode": "no_callback"})
    by_gateway.send(page_text)
    time.sleep(0.5)

    assert pager.heard == []


def test_a_callback_to_anybody_but_the_pager_door_is_not_called(box, web, pager, page_text):
    elsewhere = urlencode({"To": "+1", "From": "+2", "Body": "x", "StatusCallback": pager.url + "0/receipts/twilio/"})
    web(
        "POST",
        "/2010-04-01/Accounts/AC1/Messages.json",
        elsewhere.encode(),
        Authorization="Basic QUMxOnR3aWxpby10b2tlbg==",
    )
    time.sleep(0.5)

    assert pager.heard == []
    assert box.messages()[0].receipts == ["delivered 0"]


def test_a_pager_door_that_is_down_is_said_so(box, pager, web, by_gateway, page_text):
    box.faults.command({"gateway": {"mode": "no_callback"}})
    by_gateway.send(page_text)
    pager.stop()
    pager.stop = lambda: None

    reply = web("POST", "/answer", {"message": 1, "text": "27 K4M9TX"})

    assert json.loads(reply.text) == {"status": 0}
    assert "could not be reached" in web("GET", "/").text


def test_the_form_on_the_page_takes_the_page_in_one_press(box, pager, web, by_gateway, page_text):
    box.faults.command({"gateway": {"mode": "no_callback"}})
    by_gateway.send(page_text)
    assert 'name="text" value="27 K4M9TX"' in web("GET", "/").text

    reply = web(
        "POST",
        "/answer",
        b"message=1&text=27+K4M9TX",
        Content_Type="application/x-www-form-urlencoded",
        Origin=box.http_url,
        Sec_Fetch_Site="same-origin",
    )

    assert (reply.status, reply.getheader("Location")) == (303, "/#m1")
    assert json.loads(pager.wait()[0].body)["text"] == "27 K4M9TX"
    assert "Handed to the pager door." in web("GET", "/").text
