"""The providers' door believes signatures, keeps sealed events, and can read nothing."""

import json
import time
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import OperationalError
from django.test import Client

from tipline.kernel.clock import database_now
from tipline.kernel.sealing import SealBroken
from triage.escalation import events, loop, pager_views
from triage.escalation.signatures import sign_gateway, sign_twilio
from triage.models import Heartbeat, PagerEvent

pytestmark = pytest.mark.django_db

SMS = {"from": "+14165550001", "to": "+15550000", "text": "27 K4M9TX", "id": "in-1"}


@pytest.fixture
def door(settings) -> Client:
    """A provider at the pager door."""
    settings.ROOT_URLCONF = "tipline.urls_pager"
    settings.MIDDLEWARE = settings.PAGER_MIDDLEWARE
    settings.PAGER_URL = "https://pager.example.org"
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


@pytest.fixture
def gateway(door, settings):
    """Post as the gateway does."""

    def _gateway(path: str = "/sms/gateway/", content=SMS, *, age: int = 0, secret: str = "", signature: str = ""):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        stamp = str(int(time.time()) - age)
        made = sign_gateway(secret or settings.SMS_GATEWAY_SECRET, stamp, body)
        headers = {"X-Tipline-Timestamp": stamp, "X-Tipline-Signature": signature or made}
        return door.post(path, body, content_type="application/json", headers=headers)

    return _gateway


@pytest.fixture
def twilio(door, settings):
    """Post as Twilio does."""

    def _twilio(path: str, form: dict[str, str], *, url: str = "", token: str = ""):
        signed = sign_twilio(token or settings.TWILIO_TOKEN, url or f"https://pager.example.org{path}", form)
        return door.post(
            path,
            urlencode(form),
            content_type="application/x-www-form-urlencoded",
            headers={"X-Twilio-Signature": signed},
        )

    return _twilio


def kept() -> list[dict[str, str]]:
    return [events.open_event(bytes(row.sealed)) for row in PagerEvent.objects.all()]


def test_a_reply_from_the_gateway_is_kept_sealed(gateway):
    assert gateway().status_code == 204

    assert kept() == [{"kind": "sms", "provider": "gateway", "from": "+14165550001", "text": "27 K4M9TX", "id": "in-1"}]
    blob = bytes(PagerEvent.objects.get().sealed)
    assert b"K4M9TX" not in blob
    assert b"5550001" not in blob


def test_a_receipt_from_the_gateway_is_kept(gateway):
    assert gateway("/receipts/gateway/", {"id": "gw-1", "reference": "ab", "status": "delivered"}).status_code == 204

    assert kept()[0]["status"] == "delivered"


def test_a_reply_from_twilio_is_kept_and_answered_in_its_language(twilio):
    form = {"MessageSid": "SM1", "From": "+14165550001", "To": "+15550000", "Body": "27 K4M9TX", "NumMedia": "0"}

    answer = twilio("/sms/twilio/", form)

    assert (answer.status_code, answer.content) == (200, b"<Response/>")
    assert kept()[0]["text"] == "27 K4M9TX"


def test_a_receipt_from_twilio_carries_our_reference_in_its_address(twilio):
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}

    assert twilio("/receipts/twilio/?reference=abc", form).status_code == 204

    assert (kept()[0]["reference"], kept()[0]["id"]) == ("abc", "SM1")


def test_keys_from_a_call_are_kept_sealed_and_everybody_hears_the_same(twilio):
    right, wrong = (
        twilio("/voice/twilio/?reference=abc", {"CallSid": "CA1", "Digits": digits}) for digits in ("4711", "0000")
    )

    assert right.status_code == 200
    assert right.content == wrong.content
    assert b"Your page board shows who has it" in right.content
    assert {event["digits"] for event in kept()} == {"4711", "0000"}
    assert b"4711" not in b"".join(bytes(row.sealed) for row in PagerEvent.objects.all())


def test_a_call_without_keys_or_without_our_reference_is_refused(twilio):
    assert twilio("/voice/twilio/?reference=abc", {"CallSid": "CA1"}).status_code == 400
    assert twilio("/voice/twilio/", {"CallSid": "CA1", "Digits": "4711"}).status_code == 400


def test_how_a_call_ended_is_kept(twilio):
    assert twilio("/receipts/twilio-voice/?reference=abc", {"CallSid": "CA1", "CallStatus": "busy"}).status_code == 204

    assert (kept()[0]["reference"], kept()[0]["status"]) == ("abc", "busy")


def test_a_forged_gateway_signature_is_refused(gateway):
    assert gateway(secret="not the secret").status_code == 403
    assert gateway(signature="00").status_code == 403
    assert gateway(signature="\u00e9").status_code == 403
    assert not PagerEvent.objects.exists()


def test_a_replayed_timestamp_is_refused(gateway):
    assert gateway(age=301).status_code == 403
    assert gateway(age=-301).status_code == 403
    assert gateway(age=290).status_code == 204


def test_a_forged_twilio_signature_is_refused(twilio):
    form = {"MessageSid": "SM1", "From": "+14165550001", "Body": "27 K4M9TX"}

    assert twilio("/sms/twilio/", form, token="not the token").status_code == 403
    assert twilio("/sms/twilio/", form, url="https://elsewhere.example.org/sms/twilio/").status_code == 403
    assert not PagerEvent.objects.exists()


def test_no_signature_at_all_is_refused(door):
    for path in DOORS:
        assert door.post(path, b"{}", content_type="application/json").status_code == 403


def test_a_secret_that_is_not_set_lets_nobody_in(gateway, twilio, settings):
    settings.SMS_GATEWAY_SECRET = settings.TWILIO_TOKEN = ""

    assert gateway().status_code == 403
    assert twilio("/sms/twilio/", {"From": "+14165550001", "Body": "x"}).status_code == 403


DOORS = (
    "/sms/gateway/",
    "/sms/twilio/",
    "/voice/twilio/",
    "/receipts/gateway/",
    "/receipts/twilio/",
    "/receipts/twilio-voice/",
)

NONSENSE = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe",
    {"from": "", "text": "x"},
    {"from": "+1"},
    {"from": 1, "text": "x"},
    {"from": "+1", "text": None},
]


@pytest.mark.parametrize("content", NONSENSE)
def test_what_makes_no_sense_is_refused_even_when_signed(gateway, content):
    assert gateway(content=content).status_code == 400
    assert not PagerEvent.objects.exists()


def test_more_than_sixteen_kilobytes_are_refused_unread(gateway):
    assert gateway(content={**SMS, "text": "x" * 16_384}).status_code == 413
    assert gateway(content={**SMS, "text": "x" * 16_000}).status_code == 204


def test_the_same_callback_twice_is_kept_once(gateway):
    assert [gateway().status_code for _ in range(2)] == [204, 204]

    assert PagerEvent.objects.count() == 1


def test_only_posting_is_possible_and_fetching_a_link_does_nothing(door):
    for path in DOORS:
        assert door.get(path).status_code == 405
        assert door.head(path).status_code == 405
    assert not PagerEvent.objects.exists()


def test_with_the_database_away_the_provider_is_asked_to_come_again(gateway, monkeypatch):
    def away(*_args, **_more):
        raise OperationalError

    monkeypatch.setattr(pager_views.rows, "run", away)
    monkeypatch.setattr(pager_views.connection, "close", lambda: None)

    answer = gateway()

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")


def test_the_door_says_whether_it_is_open(door):
    assert door.get("/healthz").status_code == 200
    assert door.get("/health/escalator").status_code == 503  # neither has ever beaten


@pytest.mark.parametrize(("address", "name", "limit"), [("watch", "watch", 30), ("canary", "canary", 900)])
def test_the_door_says_whether_the_watcher_and_the_test_tip_are_well(door, address, name, limit):
    answers = [door.get(f"/health/{address}").status_code]
    for age in (limit - 5, limit + 5):
        Heartbeat.objects.update_or_create(name=name, defaults={"beat_at": database_now() - timedelta(seconds=age)})
        answers.append(door.get(f"/health/{address}").status_code)

    assert answers == [503, 200, 503]


def test_no_answer_sets_a_cookie(gateway, door):
    assert not gateway().cookies
    assert not door.get("/healthz").cookies


def test_an_event_that_was_changed_does_not_open():
    blob = bytearray(events.seal_event({"kind": "sms"}))
    blob[-1] ^= 1

    with pytest.raises(SealBroken):
        events.open_event(bytes(blob))


def test_an_event_cannot_be_opened_with_another_key(settings):
    blob = events.seal_event({"kind": "sms"})
    settings.PAGER_EVENT_PRIVATE = "f" * 64

    with pytest.raises(SealBroken):
        events.open_event(blob)


@pytest.mark.parametrize(("ages", "status"), [((1, 19), 200), ((1, 40), 503), ((1, None), 503)])
def test_the_escalators_are_well_only_after_a_fresh_tick_of_both(door, ages, status):
    for name, age in zip(loop.ESCALATORS, ages, strict=True):
        if age is not None:
            Heartbeat.objects.create(name=name, beat_at=database_now() - timedelta(seconds=age))

    answer = door.get("/health/escalator")

    assert answer.status_code == status
    assert answer.content in (b"ok\n", b"silent\n")
