"""Page mail against a real mail server that misbehaves on command."""

import email
import email.policy
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tipline.outbox import OutboxServer
from triage.escalation.senders import Outcome, Outgoing, mail
from triage.escalation.senders.smtp import SmtpSender, SmtpSettings

NOW = datetime(2026, 11, 23, 2, 10, 41, tzinfo=UTC)
FROM = "Tipline <page@tips.example>"


@pytest.fixture
def make_sender(box: OutboxServer) -> Callable[..., SmtpSender]:
    def make(**changes: object) -> SmtpSender:
        settings = SmtpSettings("127.0.0.1", box.smtp_port, FROM)
        return SmtpSender(replace(settings, **changes), clock=lambda: NOW)  # type: ignore[arg-type]

    return make


def test_an_accepted_mail_arrives_with_exactly_the_given_words(box, make_sender, page_mail):
    result = make_sender().send(page_mail)

    arrived = box.wait_for(lambda message: message.kind == "mail", 1)
    assert result.outcome is Outcome.ACCEPTED
    assert result.provider_reference == f"<{page_mail.reference}@tips.example>"
    assert (arrived.to, arrived.subject, arrived.body) == (page_mail.to, page_mail.subject, page_mail.body)


def test_the_mail_says_nothing_else_and_nothing_of_this_machine(box, make_sender, page_mail):
    make_sender().send(page_mail)

    headers = box.messages()[0].headers
    assert set(headers) == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
    }
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["Message-ID"] == f"<{page_mail.reference}@tips.example>"
    assert headers["Date"] == "Mon, 23 Nov 2026 02:10:00 +0000"
    assert socket.gethostname() not in str(headers)


def test_the_server_is_not_told_this_machines_name(box, make_sender, page_mail, monkeypatch):
    heard = []
    monkeypatch.setattr("smtplib.SMTP.putcmd", _listening(heard))

    make_sender().send(page_mail)

    assert heard[0] == ("ehlo", "tips.example")


def _listening(heard):
    import smtplib

    original = smtplib.SMTP.putcmd

    def putcmd(self, command, arguments=""):
        heard.append((command, arguments))
        return original(self, command, arguments)

    return putcmd


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("TL page 27", "Page 27, NOW."),
        ("TL page 9999", "Page 9999, NOW. " * 20),
        ("", ""),
        ("TL 1", ".\n..\n. dots at the start of lines\n"),
        ("Página 27", "Página 27, AHORA. Nadie la ha tomado. 第27页 \u200fעכשיו 🚨 " * 8),
        ("TL 2", "no line end" * 30),
        ("TL 3", "trailing blanks   \n\n\n\t\n"),
        ("TL 4", "a\r\nb\rc\u2028d"),
        ("TL 5", "lone \ud800 surrogate and \0 nul"),
    ],
)
def test_all_page_mails_have_one_size(box, make_sender, page_mail, subject, body):
    make_sender().send(replace(page_mail, subject=subject, body=body))

    assert box.messages()[0].size == mail.SMALLEST


def test_every_text_length_is_padded_to_its_class_and_reads_the_same(page_mail):
    for length in range(0, 2200, 4):
        text = "x" * length
        letter = mail.compose(replace(page_mail, body=text), sender=FROM, now=NOW)
        read = email.message_from_bytes(letter, policy=email.policy.default)
        assert len(letter) in (2048, 4096)
        assert read.get_content().rstrip() == text
        assert max(len(line) for line in letter.split(b"\r\n")) <= 78


def test_a_text_of_another_script_arrives_unharmed(box, make_sender, page_mail):
    text = "Página 27, AHORA.\n.a line with a dot\n第27页 🚨"

    make_sender().send(replace(page_mail, subject="Página 27", body=text))

    assert box.messages()[0].body == text
    assert box.messages()[0].subject == "Página 27"


@pytest.mark.parametrize("subject", ["TL\r\nBcc: thief@example.com", "TL\nX: y", "TL\x00\x0b\x85Y: z"])
def test_a_subject_cannot_smuggle_a_header(box, make_sender, page_mail, subject):
    result = make_sender().send(replace(page_mail, subject=subject))

    assert result.outcome is Outcome.ACCEPTED
    assert not {"Bcc", "X", "Y"} & set(box.messages()[0].headers)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ana",
        "a@b.example\r\nBcc: c@d.example",
        "a b@c.example",
        "<a@b.example>",
        "a@b.example,c@d.example",
        "ä@b.example",
        "a@" + "b" * 300,
        "@b.example",
    ],
)
def test_what_is_no_mail_address_fails_for_good_without_asking_anybody(box, make_sender, page_mail, address):
    result = make_sender().send(replace(page_mail, to=address))

    assert (result.outcome, result.address_is_bad) == (Outcome.FAILED_FOR_GOOD, True)
    assert result.detail == "bad_address"
    assert not box.messages()


@pytest.mark.parametrize(
    ("mode", "outcome", "detail", "address_is_bad"),
    [
        ("refuse", Outcome.FAILED_FOR_NOW, "refused", False),
        ("429", Outcome.FAILED_FOR_NOW, "mail_450", False),
        ("greylist", Outcome.FAILED_FOR_NOW, "rcpt_451", False),
        ("mailbox_gone", Outcome.FAILED_FOR_GOOD, "rcpt_550", True),
        ("500", Outcome.FAILED_FOR_GOOD, "text_554", False),
        ("garbage", Outcome.UNKNOWN, "garbage", False),
    ],
)
def test_each_fault_of_a_mail_server_has_its_outcome(
    box, make_sender, page_mail, mode, outcome, detail, address_is_bad
):
    box.control(smtp={"mode": mode})

    result = make_sender().send(page_mail)

    assert (result.outcome, result.detail, result.address_is_bad) == (outcome, detail, address_is_bad)


@pytest.mark.parametrize("mode", ["hang", "drip"])
def test_a_server_silent_after_the_text_leaves_the_outcome_unknown_in_time(box, make_sender, page_mail, mode):
    box.control(smtp={"mode": mode, "seconds": 20})
    start = time.monotonic()

    result = make_sender().send(page_mail, timeout=0.8)

    assert result.outcome is Outcome.UNKNOWN
    assert result.detail == "timeout_after_data"
    assert 0.7 < time.monotonic() - start < 1.5
    assert not box.messages()[0].accepted


def test_a_fault_with_a_count_passes_and_the_next_mail_goes_through(box, make_sender, page_mail):
    box.control(smtp={"mode": "greylist", "count": 1})

    outcomes = [make_sender().send(page_mail).outcome for _ in range(2)]

    assert outcomes == [Outcome.FAILED_FOR_NOW, Outcome.ACCEPTED]


def test_a_refused_port_opens_again_after_its_time(box, make_sender, page_mail):
    box.control(smtp={"mode": "refuse", "seconds": 0.3})
    assert make_sender().send(page_mail).detail == "refused"
    time.sleep(0.6)

    assert make_sender().send(page_mail).outcome is Outcome.ACCEPTED


def test_a_host_that_does_not_exist_fails_for_now(make_sender, page_mail):
    result = make_sender(host="no-such-host.invalid").send(page_mail, timeout=3)

    assert result.outcome is Outcome.FAILED_FOR_NOW
    assert result.detail in ("dns", "dns_timeout")


def test_a_hung_look_up_is_bounded_by_the_deadline(make_sender, page_mail, monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: time.sleep(3) or [])
    start = time.monotonic()

    result = make_sender(host="slow.example").send(page_mail, timeout=0.3)

    assert (result.outcome, result.detail) == (Outcome.FAILED_FOR_NOW, "dns_timeout")
    assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    "script",
    [
        [],  # no greeting at all
        [b"220 hello\r\n"],  # no answer to EHLO
        [b"220 hello\r\n", b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n"],  # no answer to DATA
    ],
)
def test_silence_before_the_text_fails_for_now(make_sender, page_mail, stub_server, script):
    result = make_sender(port=stub_server(script)).send(page_mail, timeout=0.5)

    assert (result.outcome, result.detail) == (Outcome.FAILED_FOR_NOW, "timeout")


def test_a_dripping_greeting_cannot_outlast_the_deadline(make_sender, page_mail, stub_server):
    port = stub_server([b"2"] * 100, every=0.05, wait_for_lines=False)
    start = time.monotonic()

    result = make_sender(port=port).send(page_mail, timeout=0.5)

    assert (result.outcome, result.detail) == (Outcome.FAILED_FOR_NOW, "timeout")
    assert time.monotonic() - start < 1


def test_an_endless_reply_is_cut_short(make_sender, page_mail, stub_server):
    port = stub_server([b"220-more\r\n" * 20_000], wait_for_lines=False)
    start = time.monotonic()

    result = make_sender(port=port).send(page_mail, timeout=5)

    assert (result.outcome, result.detail) == (Outcome.FAILED_FOR_NOW, "lost")
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    ("reply", "address_is_bad"),
    [
        (b"550 5.1.1 no such user\r\n", True),
        (b"550 5.2.1 mailbox disabled\r\n", True),
        (b"550 no such user\r\n", True),
        (b"550 5.7.1 we do not like your network\r\n", False),
        (b"554 policy\r\n", False),
    ],
)
def test_only_a_refusal_about_the_mailbox_blames_the_mailbox(
    make_sender, page_mail, stub_server, reply, address_is_bad
):
    port = stub_server([b"220 hello\r\n", b"250 hello\r\n", b"250 ok\r\n", reply])

    result = make_sender(port=port).send(page_mail)

    assert result.outcome is Outcome.FAILED_FOR_GOOD
    assert result.address_is_bad is address_is_bad


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [(b"452 4.3.1 full\r\n", Outcome.FAILED_FOR_NOW), (b"", Outcome.UNKNOWN), (b"999\r\n", Outcome.UNKNOWN)],
)
def test_the_answer_to_the_text_decides(make_sender, page_mail, stub_server, reply, outcome):
    ready = [b"220 hello\r\n", b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"]
    port = stub_server([*ready, reply], hang_up=True)

    assert make_sender(port=port).send(page_mail).outcome is outcome


def test_a_server_that_turns_everybody_away_fails_for_now(make_sender, page_mail, stub_server):
    result = make_sender(port=stub_server([b"554 go away\r\n"])).send(page_mail)

    assert (result.outcome, result.detail) == (Outcome.FAILED_FOR_NOW, "reply_554")


def test_an_outgoing_message_shows_neither_address_nor_text_when_printed(page_mail: Outgoing):
    assert page_mail.to not in repr(page_mail)
    assert "27" not in repr(page_mail)
