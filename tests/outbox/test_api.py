"""What tests ask of the outbox: list, wait, control, forget."""

import base64
import json
import smtplib
import threading
import time
from urllib.parse import urlencode

import pytest

from tipline.outbox.messages import Message, Messages

TWILIO = "/2010-04-01/Accounts/AC1/Messages.json"
BASIC = "Basic " + base64.b64encode(b"AC1:twilio-token").decode()


def _mail(box, text="Subject: TL page 27\r\n\r\nPage 27, NOW.", to="ana@program.example"):
    with smtplib.SMTP("127.0.0.1", box.smtp_port, local_hostname="x") as smtp:
        smtp.sendmail("page@tips.example", to, text)


def test_the_list_shows_mail_and_texts_with_all_their_fields(box, web, send_sms):
    before = time.monotonic_ns()
    send_sms("hello")
    _mail(box)

    text, mail = json.loads(web("GET", "/messages.json?since=0").text)

    assert (text["kind"], text["number"], text["body"], text["reference"]) == ("sms", "+15550101", "hello", "r1")
    assert (mail["kind"], mail["to"], mail["subject"]) == ("mail", "ana@program.example", "TL page 27")
    assert mail["body"] == "Page 27, NOW."
    assert mail["headers"] == {"Subject": "TL page 27"}
    assert before < text["arrived_ns"] < mail["arrived_ns"] < time.monotonic_ns()


def test_the_list_begins_after_the_number_asked_for(web, send_sms):
    for reference in ("a", "b", "c"):
        send_sms(reference=reference)

    assert [m["reference"] for m in json.loads(web("GET", "/messages.json?since=2").text)] == ["c"]
    assert len(json.loads(web("GET", "/messages.json?since=nonsense").text)) == 3
    assert json.loads(web("GET", f"/messages.json?since={'9' * 500}").text) == []


def test_no_token_is_ever_listed(web, send_sms):
    send_sms()

    assert "gateway-token" not in web("GET", "/messages.json").text
    assert "gateway-token" not in web("GET", "/").text


def test_its_health_is_told_in_two_letters(web):
    reply = web("GET", "/healthz")

    assert (reply.status, reply.text) == (200, "ok")


def test_forgetting_keeps_counting(box, web, send_sms):
    send_sms(reference="a")
    assert web("DELETE", "/messages").status == 204
    assert box.messages() == []
    send_sms(reference="b")

    assert [message.id for message in box.messages()] == [2]


def test_waiting_ends_when_the_message_arrives(box, send_sms):
    threading.Timer(0.2, send_sms).start()
    start = time.monotonic()

    message = box.wait_for(lambda message: message.kind == "sms", 3)

    assert message.to == "+15550101"
    assert time.monotonic() - start < 2


def test_waiting_in_vain_is_an_error(box):
    with pytest.raises(TimeoutError):
        box.wait_for(lambda message: True, 0.05)


def test_only_the_last_messages_are_kept():
    messages = Messages(kept=3)
    for number in range(5):
        messages.add(Message("sms", "gateway", "+1", "", str(number), reference=str(number)))

    assert [message.body for message in messages.since()] == ["2", "3", "4"]


def test_control_by_json_sets_a_fault_and_says_what_holds(box, web):
    reply = web("POST", "/control", {"smtp": {"mode": "hang", "seconds": 2, "count": 3}})

    assert reply.status == 200
    assert json.loads(reply.text)["smtp"] == {"mode": "hang", "seconds": 2.0, "count": 3}
    assert json.loads(web("GET", "/control").text)["gateway"]["mode"] == "ok"


@pytest.mark.parametrize(
    "wish",
    [
        {"pigeon": {"mode": "ok"}},
        {"smtp": {"mode": "error_body"}},
        {"gateway": {"mode": "greylist"}},
        {"smtp": {"mode": "hang", "seconds": -1}},
        {"smtp": {"mode": "hang", "count": 0}},
        {"smtp": {"colour": "red"}},
        {"smtp": "hang"},
    ],
)
def test_a_command_nobody_knows_is_refused_whole(box, web, wish):
    reply = web("POST", "/control", {"twilio": {"mode": "500"}} | wish)

    assert reply.status == 400
    assert json.loads(reply.text)["error"]
    assert box.faults.peek("twilio").mode == "ok"


def test_a_fault_ends_after_its_count(box, send_sms):
    box.control(gateway={"mode": "500", "count": 2})

    assert [send_sms(reference=str(number)).status for number in range(3)] == [500, 500, 202]


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer other", "Basic Z2F0ZXdheS10b2tlbg=="])
def test_the_gateway_lets_nobody_in_without_its_token(box, web, authorization):
    reply = web("POST", "/sms", {"to": "+1", "text": "x", "reference": "r"}, Authorization=authorization)

    assert reply.status == 401
    assert not box.messages()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"to": "+1"}', b"\xff", b"null"])
def test_the_gateway_refuses_what_is_no_message(box, web, body):
    reply = web("POST", "/sms", body, Authorization="Bearer gateway-token")

    assert reply.status == 400
    assert not box.messages()


@pytest.mark.parametrize(
    ("form", "code"),
    [({"From": "+1", "Body": "x"}, 21604), ({"To": "+1", "From": "+2"}, 21602), ({"To": "+1", "Body": "x"}, 21603)],
)
def test_twilio_names_what_is_missing(web, form, code):
    reply = web("POST", TWILIO, urlencode(form).encode(), Authorization=BASIC)

    assert reply.status == 400
    assert json.loads(reply.text)["code"] == code


def test_twilio_lets_nobody_in_without_its_token(box, web):
    form = urlencode({"To": "+1", "From": "+2", "Body": "x"}).encode()

    assert web("POST", TWILIO, form, Authorization="Basic QUMxOm90aGVy").status == 401
    assert web("POST", TWILIO, form).status == 401
    assert not box.messages()


def test_an_answer_to_what_is_no_text_is_refused(box, web):
    _mail(box)

    for wish in ({"message": 1, "text": "x"}, {"message": 99, "text": "x"}, {"message": "x", "text": "x"}, {}):
        assert web("POST", "/answer", wish).status == 404


def test_a_giant_body_is_refused_unread(web):
    assert web("POST", "/sms", b"", Content_Length="99999999").status == 413


def test_fifty_senders_at_once_lose_nothing(box, send_sms):
    threads = [threading.Thread(target=send_sms, kwargs={"reference": f"r{n}"}) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {message.reference for message in box.messages()} == {f"r{n}" for n in range(50)}


def test_a_hung_request_does_not_hold_up_the_end(box, send_sms):
    box.control(gateway={"mode": "hang", "seconds": 60}, smtp={"mode": "hang", "seconds": 60})
    waiting = [threading.Thread(target=_quietly, args=(call,)) for call in (send_sms, lambda: _mail(box))]
    for thread in waiting:
        thread.start()
    box.wait_for(lambda message: message.kind == "sms", 3)
    box.wait_for(lambda message: message.kind == "mail", 3)
    start = time.monotonic()

    box.stop()

    for thread in waiting:
        thread.join(5)
    assert time.monotonic() - start < 3
    assert not any(thread.is_alive() for thread in waiting)


def _quietly(call):
    try:
        call()
    except Exception:
        return
