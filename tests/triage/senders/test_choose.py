"""Two providers: the other one is tried at once, and faults shift the order."""

import time

import pytest

from triage.escalation.senders import Outcome, Outgoing, Result
from triage.escalation.senders.choose import HALF_LIFE, Providers
from triage.escalation.senders.gateway import GatewaySender, GatewaySettings
from triage.escalation.senders.twilio import TwilioSender, TwilioSettings


class Scripted:
    """A sender that answers what it was told to."""

    def __init__(self, name, *outcomes, address_is_bad=False):
        self.name = name
        self.outcomes = list(outcomes)
        self.address_is_bad = address_is_bad
        self.timeouts = []

    def send(self, message: Outgoing, *, timeout: float = 5.0) -> Result:
        self.timeouts.append(timeout)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        return Result(outcome, self.name, address_is_bad=self.address_is_bad)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.mark.parametrize("outcome", [Outcome.FAILED_FOR_NOW, Outcome.UNKNOWN, Outcome.FAILED_FOR_GOOD])
def test_the_other_provider_is_tried_when_the_first_fails(page_text, outcome):
    first, second = Scripted("a", outcome), Scripted("b", Outcome.ACCEPTED)

    result = Providers("sms", [first, second]).send(page_text)

    assert (result.outcome, result.provider) == (Outcome.ACCEPTED, "b")


def test_an_accepted_message_goes_to_one_provider_only(page_text):
    first, second = Scripted("a", Outcome.ACCEPTED), Scripted("b", Outcome.ACCEPTED)

    Providers("sms", [first, second]).send(page_text)

    assert (len(first.timeouts), len(second.timeouts)) == (1, 0)


def test_a_stop_is_not_gone_round_through_the_other_provider(page_text):
    first = Scripted("a", Outcome.FAILED_FOR_GOOD, address_is_bad=True)
    second = Scripted("b", Outcome.ACCEPTED)

    result = Providers("sms", [first, second]).send(page_text)

    assert (result.outcome, result.address_is_bad) == (Outcome.FAILED_FOR_GOOD, True)
    assert second.timeouts == []


def test_unknown_outweighs_a_failure_because_the_message_may_be_out(page_text):
    senders = [Scripted("a", Outcome.UNKNOWN), Scripted("b", Outcome.FAILED_FOR_NOW)]

    assert Providers("sms", senders).send(page_text).outcome is Outcome.UNKNOWN
    assert Providers("sms", senders[::-1]).send(page_text).outcome is Outcome.UNKNOWN


def test_a_provider_with_a_recent_fault_goes_second_until_the_fault_has_faded(page_text, clock):
    first = Scripted("a", Outcome.FAILED_FOR_NOW, Outcome.ACCEPTED)
    providers = Providers("sms", [first, Scripted("b", Outcome.ACCEPTED)], monotonic=clock)

    providers.send(page_text)
    after_the_fault = [sender.name for sender in providers.order()]
    clock.now += HALF_LIFE * 1.1
    later = [sender.name for sender in providers.order()]

    assert (after_the_fault, later) == (["b", "a"], ["a", "b"])


def test_an_accepted_message_mends_a_provider_soon(page_text, clock):
    first = Scripted("a", Outcome.FAILED_FOR_NOW, Outcome.FAILED_FOR_NOW, Outcome.ACCEPTED)
    providers = Providers("sms", [first], monotonic=clock)

    for _ in range(2):
        providers.send(page_text)
    before = providers.faults("a")
    providers.send(page_text)

    assert before == 2.0
    assert providers.faults("a") == 0.5


def test_a_bad_number_is_no_fault_of_the_provider(page_text, clock):
    providers = Providers("sms", [Scripted("a", Outcome.FAILED_FOR_GOOD, address_is_bad=True)], monotonic=clock)

    providers.send(page_text)

    assert providers.faults("a") == 0.0


def test_each_provider_gets_its_share_of_the_deadline(page_text, clock):
    first, second = Scripted("a", Outcome.UNKNOWN), Scripted("b", Outcome.ACCEPTED)

    Providers("sms", [first, second], monotonic=clock).send(page_text, timeout=4)

    assert (first.timeouts, second.timeouts) == ([2.0], [4.0])


def test_a_channel_without_providers_is_a_mistake_in_the_settings():
    with pytest.raises(ValueError, match="at least one"):
        Providers("sms", [])


def test_a_hung_gateway_costs_its_share_and_twilio_delivers(box, page_text):
    box.control(gateway={"mode": "hang", "seconds": 20})
    providers = Providers(
        "sms",
        [
            GatewaySender(GatewaySettings(f"{box.http_url}/sms", "gateway-token")),
            TwilioSender(TwilioSettings("AC1", "twilio-token", "+15550000", base_url=box.http_url)),
        ],
    )
    start = time.monotonic()

    result = providers.send(page_text, timeout=2)

    assert (result.outcome, result.provider) == (Outcome.ACCEPTED, "twilio")
    assert time.monotonic() - start < 2
