"""SMS through Twilio's REST API, against a local server that speaks it."""

import time
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from triage.escalation.senders import Outcome, web
from triage.escalation.senders.twilio import TwilioSender, TwilioSettings, judge

ACCOUNT = "AC" + "0a" * 16
SID = "SM" + "1b" * 16
CALLBACK = "https://pager.example/receipts/twilio/"


@pytest.fixture
def account(box):
    return TwilioSettings(ACCOUNT, "twilio-token", "+15550000", CALLBACK, box.http_url)


def test_an_accepted_text_arrives_with_exactly_the_given_words(box, account, page_text):
    result = TwilioSender(account).send(page_text)

    arrived = box.messages()[0]
    assert result.outcome is Outcome.ACCEPTED
    assert result.provider_reference == arrived.provider_reference
    assert result.provider_reference.startswith("SM")
    assert (arrived.to, arrived.sender, arrived.body) == (page_text.to, "+15550000", page_text.body)


def test_the_status_callback_carries_the_reference(box, account, page_text):
    TwilioSender(account).send(page_text)

    callback = box.messages()[0].callback
    assert callback.startswith(CALLBACK + "?")
    assert parse_qs(urlsplit(callback).query) == {"reference": [page_text.reference]}


def test_without_a_pager_door_no_callback_is_asked_for(box, account, page_text):
    TwilioSender(replace(account, status_callback=None)).send(page_text)

    assert box.messages()[0].callback == ""


def test_a_messaging_service_takes_the_place_of_a_number(box, account, page_text):
    service = "MG" + "2c" * 16

    assert TwilioSender(replace(account, sender=service)).send(page_text).outcome is Outcome.ACCEPTED
    assert box.messages()[0].sender == service


@pytest.mark.parametrize(
    ("mode", "outcome", "detail", "address_is_bad"),
    [
        ("500", Outcome.FAILED_FOR_NOW, "twilio_20500", False),
        ("429", Outcome.FAILED_FOR_NOW, "twilio_20429", False),
        ("error_body", Outcome.FAILED_FOR_NOW, "twilio_20500", False),
        ("mailbox_gone", Outcome.FAILED_FOR_GOOD, "twilio_21610", True),
        ("garbage", Outcome.UNKNOWN, "garbage", False),
        ("refuse", Outcome.UNKNOWN, "lost_after_write", False),
    ],
)
def test_each_fault_of_twilio_has_its_outcome(box, account, page_text, mode, outcome, detail, address_is_bad):
    box.control(twilio={"mode": mode})

    result = TwilioSender(account).send(page_text)

    assert (result.outcome, result.detail, result.address_is_bad) == (outcome, detail, address_is_bad)


@pytest.mark.parametrize("mode", ["hang", "drip"])
def test_hanging_or_dripping_is_unknown_within_the_deadline(box, account, page_text, mode):
    box.control(twilio={"mode": mode, "seconds": 20})
    start = time.monotonic()

    result = TwilioSender(account).send(page_text, timeout=0.8)

    assert result.outcome is Outcome.UNKNOWN
    assert time.monotonic() - start < 1.5


def test_too_many_requests_says_when_to_come_back(box, account, page_text):
    box.control(twilio={"mode": "429", "seconds": 9})

    assert TwilioSender(account).send(page_text).retry_after == 9.0


def test_a_wrong_token_fails_for_good_without_blaming_the_number(box, account, page_text):
    result = TwilioSender(replace(account, token="another")).send(page_text)

    assert (result.outcome, result.detail) == (Outcome.FAILED_FOR_GOOD, "twilio_20003")
    assert not result.address_is_bad


@pytest.mark.parametrize(
    ("status", "content", "outcome", "address_is_bad"),
    [
        (201, {"sid": SID, "status": "queued"}, Outcome.ACCEPTED, False),
        (201, {"sid": SID, "status": "failed", "error_code": 30006}, Outcome.FAILED_FOR_GOOD, True),
        (201, {"sid": SID, "status": "failed", "error_code": None}, Outcome.FAILED_FOR_NOW, False),
        (201, {"sid": "SM1"}, Outcome.UNKNOWN, False),
        (201, {}, Outcome.UNKNOWN, False),
        (201, None, Outcome.UNKNOWN, False),
        (400, {"code": 21211}, Outcome.FAILED_FOR_GOOD, True),
        (400, {"code": 21610}, Outcome.FAILED_FOR_GOOD, True),
        (400, {"code": 21614}, Outcome.FAILED_FOR_GOOD, True),
        (400, {"code": 21606}, Outcome.FAILED_FOR_GOOD, False),
        (400, {"code": 21611}, Outcome.FAILED_FOR_NOW, False),
        (400, {"code": "x"}, Outcome.FAILED_FOR_GOOD, False),
        (400, None, Outcome.FAILED_FOR_GOOD, False),
        (404, {"code": 20404}, Outcome.FAILED_FOR_GOOD, False),
        (429, {"code": 20429}, Outcome.FAILED_FOR_NOW, False),
        (500, {}, Outcome.FAILED_FOR_NOW, False),
        (503, None, Outcome.FAILED_FOR_NOW, False),
        (302, None, Outcome.FAILED_FOR_NOW, False),
    ],
)
def test_every_documented_answer_has_its_outcome(status, content, outcome, address_is_bad):
    result = judge(web.Reply(status, content, None), "twilio")

    assert (result.outcome, result.address_is_bad) == (outcome, address_is_bad)


def test_settings_do_not_show_their_token():
    assert "hush" not in repr(TwilioSettings(ACCOUNT, "hush", "+15550000"))
