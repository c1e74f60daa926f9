"""SMS through the generic gateway, against a real HTTP server that misbehaves on command."""

import json
import time
from dataclasses import replace

import pytest

from triage.escalation.senders import Outcome, web
from triage.escalation.senders.gateway import GatewaySender, GatewaySettings, judge


@pytest.fixture
def sender(box):
    return GatewaySender(GatewaySettings(f"{box.http_url}/sms", "gateway-token"))


def sender_to(port):
    return GatewaySender(GatewaySettings(f"http://127.0.0.1:{port}/sms", "gateway-token"))


def test_an_accepted_text_arrives_with_exactly_the_given_words(box, sender, page_text):
    result = sender.send(page_text)

    arrived = box.messages()[0]
    assert result.outcome is Outcome.ACCEPTED
    assert (arrived.to, arrived.body, arrived.reference) == (page_text.to, page_text.body, page_text.reference)
    assert result.provider_reference == arrived.provider_reference


def test_the_request_tells_nothing_about_our_software(box, sender, page_text):
    sender.send(page_text)

    assert set(box.messages()[0].headers) == {
        "Host", "Accept-Encoding", "Content-Length", "Content-Type", "Accept", "Idempotency-Key"
    }  # fmt: skip


def test_the_same_reference_twice_is_one_page_and_counts_as_accepted(box, sender, page_text):
    first, second = sender.send(page_text), sender.send(page_text)

    assert (second.outcome, second.detail) == (Outcome.ACCEPTED, "duplicate")
    assert second.provider_reference == first.provider_reference
    assert box.messages()[1].duplicate_of == box.messages()[0].id


@pytest.mark.parametrize(
    ("mode", "outcome", "detail", "address_is_bad"),
    [
        ("500", Outcome.FAILED_FOR_NOW, "http_500", False),
        ("429", Outcome.FAILED_FOR_NOW, "http_429", False),
        ("error_body", Outcome.FAILED_FOR_NOW, "error_body", False),
        ("mailbox_gone", Outcome.FAILED_FOR_GOOD, "http_422", True),
        ("garbage", Outcome.UNKNOWN, "garbage", False),
        ("refuse", Outcome.UNKNOWN, "lost_after_write", False),
    ],
)
def test_each_fault_of_a_gateway_has_its_outcome(box, sender, page_text, mode, outcome, detail, address_is_bad):
    box.control(gateway={"mode": mode})

    result = sender.send(page_text)

    assert (result.outcome, result.detail, result.address_is_bad) == (outcome, detail, address_is_bad)


@pytest.mark.parametrize("mode", ["hang", "drip"])
def test_a_gateway_that_hangs_or_drips_is_unknown_within_the_deadline(box, sender, page_text, mode):
    box.control(gateway={"mode": mode, "seconds": 20})
    start = time.monotonic()

    result = sender.send(page_text, timeout=0.8)

    assert (result.outcome, result.detail) == (Outcome.UNKNOWN, "timeout_after_write")
    assert 0.7 < time.monotonic() - start < 1.5


def test_retry_after_is_honoured(box, sender, page_text):
    box.control(gateway={"mode": "429", "seconds": 17})

    assert sender.send(page_text).retry_after == 17.0


def test_a_wrong_token_fails_for_good_without_blaming_the_number(box, page_text):
    result = GatewaySender(GatewaySettings(f"{box.http_url}/sms", "another")).send(page_text)

    assert (result.outcome, result.detail) == (Outcome.FAILED_FOR_GOOD, "http_401")
    assert not result.address_is_bad
    assert not box.messages()


def test_a_closed_port_fails_for_now(box, sender, page_text):
    box.stop()

    result = sender.send(page_text)

    assert (result.outcome, result.detail) == (Outcome.FAILED_FOR_NOW, "refused")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.UNKNOWN),
        (204, Outcome.UNKNOWN),
        (301, Outcome.FAILED_FOR_NOW),
        (307, Outcome.FAILED_FOR_NOW),
        (400, Outcome.FAILED_FOR_GOOD),
        (403, Outcome.FAILED_FOR_GOOD),
        (404, Outcome.FAILED_FOR_GOOD),
        (408, Outcome.FAILED_FOR_NOW),
        (409, Outcome.ACCEPTED),
        (410, Outcome.FAILED_FOR_GOOD),
        (422, Outcome.FAILED_FOR_GOOD),
        (425, Outcome.FAILED_FOR_NOW),
        (429, Outcome.FAILED_FOR_NOW),
        (500, Outcome.FAILED_FOR_NOW),
        (503, Outcome.FAILED_FOR_NOW),
        (999, Outcome.FAILED_FOR_NOW),
    ],
)
def test_every_status_without_an_id_has_its_outcome(status, outcome):
    assert judge(web.Reply(status, {}, None), "gateway").outcome is outcome


@pytest.mark.parametrize(
    ("content", "reference"),
    [
        ({"id": "abc"}, "abc"),
        ({"id": 42}, "42"),
        ({"id": ""}, None),
        ({"id": True}, None),
        ({"id": ["x"]}, None),
        ({"id": "x" * 129}, None),
        ({"id": "a\nb"}, None),
        (None, None),
    ],
)
def test_only_a_short_plain_id_counts_as_one(content, reference):
    result = judge(web.Reply(200, content, None), "gateway")

    assert result.provider_reference == reference
    assert (result.outcome is Outcome.ACCEPTED) is (reference is not None)


def _reply(status: str, body: bytes, *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
    return head.encode() + b"\r\n\r\n" + body


def test_a_redirect_is_not_followed(box, page_text, stub_server):
    port = stub_server([b"", _reply("307 Elsewhere", b"", f"Location: {box.http_url}/sms")], hang_up=True)

    result = sender_to(port).send(page_text)

    assert (result.outcome, result.detail) == (Outcome.FAILED_FOR_NOW, "http_307")
    assert not box.messages()


def test_a_giant_answer_is_not_read(page_text, stub_server):
    port = stub_server([b"", _reply("200 OK", json.dumps({"id": "x" * 200_000}).encode())])

    assert sender_to(port).send(page_text).detail == "too_large"


@pytest.mark.parametrize(
    "answer",
    [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"", b"HTTP/1.1 abc\r\n\r\n", b"\x16\x03\x01\x00\x00" * 3],
)
def test_an_answer_that_is_no_http_is_unknown(page_text, stub_server, answer):
    port = stub_server([b"", answer], hang_up=True)

    assert sender_to(port).send(page_text, timeout=1).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"[" * 20_000, b"\xff\xfe", b"{", b""])
def test_a_body_that_is_no_json_object_is_unknown(page_text, stub_server, body):
    port = stub_server([b"", _reply("200 OK", body)], hang_up=True)

    assert sender_to(port).send(page_text, timeout=2).outcome is Outcome.UNKNOWN


def test_a_body_cut_short_is_unknown_even_if_it_reads_well(page_text, stub_server):
    # No Content-Length: only the end of the connection, here our own cut, says where it ends.
    port = stub_server([b"", b'HTTP/1.1 200 OK\r\n\r\n{"id":"x"}'])

    result = sender_to(port).send(page_text, timeout=0.5)

    assert (result.outcome, result.detail) == (Outcome.UNKNOWN, "timeout_after_write")


def test_a_failure_whose_body_never_ends_is_still_that_failure(page_text, stub_server):
    port = stub_server([b"", b"HTTP/1.1 503 Down\r\nContent-Length: 100\r\nRetry-After: 5\r\n\r\nso"])

    result = sender_to(port).send(page_text, timeout=0.5)

    assert (result.outcome, result.retry_after) == (Outcome.FAILED_FOR_NOW, 5.0)


def test_dripping_headers_cannot_outlast_the_deadline(page_text, stub_server):
    port = stub_server([b"H"] * 200, every=0.05, wait_for_lines=False)
    start = time.monotonic()

    result = sender_to(port).send(page_text, timeout=0.5)

    assert result.outcome is Outcome.UNKNOWN
    assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["Retry-After: 120"], 120.0),
        (["Retry-After: 0"], 0.0),
        (["Retry-After: 99999999"], 3600.0),
        (["Retry-After: -5"], None),
        (["Retry-After: soon"], None),
        (["Retry-After: Mon, 23 Nov 2026 02:10:30 GMT", "Date: Mon, 23 Nov 2026 02:10:00 GMT"], 30.0),
        (["Retry-After: Mon, 23 Nov 2026 02:00:00 GMT", "Date: Mon, 23 Nov 2026 02:10:00 GMT"], 0.0),
        (["Retry-After: Mon, 23 Nov 2026 02:10:30 GMT"], None),
        (["Retry-After: Mon, 23 Nov 2026 02:10:30 GMT", "Date: Mon, 23 Nov 2026 02:10:00 -0000"], None),
        ([], None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date_by_the_servers_clock(page_text, stub_server, headers, seconds):
    port = stub_server([b"", _reply("429 Slow", b"{}", *headers)], hang_up=True)

    assert sender_to(port).send(page_text).retry_after == seconds


@pytest.mark.parametrize(
    "url",
    ["http://gateway.example/sms", "ftp://127.0.0.1/", "https://", "https://user:word@gateway.example/",
     "gateway.example/sms", "http://127.0.0.1.example/sms"],
)  # fmt: skip
def test_a_token_is_never_configured_for_a_plain_connection(url):
    with pytest.raises(ValueError, match="provider's URL"):
        GatewaySettings(url, "t")


def test_settings_do_not_show_their_token():
    assert "hush" not in repr(GatewaySettings("https://gateway.example/sms", "hush"))


def test_texts_of_every_script_arrive_unharmed(box, sender, page_text):
    text = '第27页 🚨 \u200fعاجل "quotes" \\ and \n lines'

    sender.send(replace(page_text, body=text))

    assert box.messages()[0].body == text


def test_a_lone_surrogate_does_not_stop_a_page(box, sender, page_text):
    assert sender.send(replace(page_text, body="27 \ud800 NOW")).outcome is Outcome.ACCEPTED
