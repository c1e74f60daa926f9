"""Calls through Twilio's REST API, against a local telephone network that speaks it."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from tipline.outbox import calls
from triage.escalation.senders import Outcome
from triage.escalation.senders.voice import VoiceSender, VoiceSettings, script

SAID = "Page 2 7, now. <Nobody> has it & that is that."


@pytest.fixture
def account(box):
    return VoiceSettings(
        account="AC" + "0a" * 16,
        token="twilio-token",
        sender="+15550000",
        keyed="https://pager.example/voice/twilio/",
        status_callback="https://pager.example/receipts/twilio-voice/",
        goodbye="Goodbye.",
        base_url=box.http_url,
    )


@pytest.fixture
def call(page_text):
    return replace(page_text, body=SAID)


def test_the_phone_rings_and_says_exactly_the_given_words(box, account, call):
    result = VoiceSender(account).send(call)

    (rang,) = box.messages()
    assert (result.outcome, result.provider_reference) == (Outcome.ACCEPTED, rang.provider_reference)
    assert result.provider_reference.startswith("CA")
    assert (rang.kind, rang.to, rang.sender, rang.body) == ("voice", call.to, "+15550000", SAID)


def test_keys_and_the_calls_end_carry_the_reference(box, account, call):
    VoiceSender(account).send(call)

    (rang,) = box.messages()
    for address in (rang.headers["Keyed"], rang.callback):
        assert parse_qs(urlsplit(address).query) == {"reference": [call.reference]}


def test_it_is_said_three_times_each_with_time_to_answer():
    said = script("Page 2 7", "Goodbye", keyed="https://pager.example/?a=1&b=2", language="en-US")

    assert said.count("<Gather ") == said.count("Page 2 7") == 3
    assert said.endswith('<Say language="en-US">Goodbye</Say><Hangup/></Response>')
    assert calls.read(said) == ("Page 2 7", "https://pager.example/?a=1&b=2")


@pytest.mark.parametrize(
    ("mode", "outcome", "address_is_bad"),
    [
        ("500", Outcome.FAILED_FOR_NOW, False),
        ("429", Outcome.FAILED_FOR_NOW, False),
        ("mailbox_gone", Outcome.FAILED_FOR_GOOD, True),
        ("garbage", Outcome.UNKNOWN, False),
        ("refuse", Outcome.UNKNOWN, False),
    ],
)
def test_what_goes_wrong_is_told_apart(box, account, call, mode, outcome, address_is_bad):
    box.control(voice={"mode": mode, "count": 1})

    result = VoiceSender(account).send(call)

    assert (result.outcome, result.address_is_bad) == (outcome, address_is_bad)


def test_a_network_that_hangs_costs_no_more_than_its_time(box, account, call):
    box.control(voice={"mode": "hang", "seconds": 5, "count": 1})

    assert VoiceSender(account).send(call, timeout=0.5).outcome is Outcome.UNKNOWN
