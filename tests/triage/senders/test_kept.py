"""A connection serves more than one message, and never makes "perhaps sent" of what was not, or the reverse."""

import socket
from contextlib import suppress
from dataclasses import replace

import pytest

from triage.escalation.senders import Outcome, smtp, wire
from triage.escalation.senders.gateway import GatewaySender, GatewaySettings
from triage.escalation.senders.smtp import SmtpSender, SmtpSettings


@pytest.fixture
def lines(monkeypatch) -> list[wire.Line]:
    """Every connection that is made."""
    made: list[wire.Line] = []
    connect = wire.connect

    def watched(*arguments, **more):
        made.append(connect(*arguments, **more))
        return made[-1]

    monkeypatch.setattr(wire, "connect", watched)
    return made


@pytest.fixture
def unnoticed(monkeypatch) -> None:
    """The far side hangs up between the look at a connection and its use."""
    monkeypatch.setattr(wire.Line, "silent", True)


@pytest.fixture
def by_mail(box) -> SmtpSender:
    return SmtpSender(SmtpSettings("127.0.0.1", box.smtp_port, "Tipline <page@tips.example>"))


@pytest.fixture
def by_text(box) -> GatewaySender:
    return GatewaySender(GatewaySettings(f"{box.http_url}/sms", "gateway-token"))


def cut(line: wire.Line) -> None:
    with suppress(OSError):
        line._sock.shutdown(socket.SHUT_RDWR)


def second(message):
    return replace(message, reference="1e" * 16)


def test_two_mails_and_two_texts_need_one_connection_each(box, by_mail, by_text, page_mail, page_text, lines):
    for sender, message in ((by_mail, page_mail), (by_text, page_text)):
        assert sender.send(message).outcome is Outcome.ACCEPTED
        assert sender.send(second(message)).outcome is Outcome.ACCEPTED

    assert len(lines) == 2
    assert len(box.messages()) == 4


def test_a_kept_connection_found_dead_is_replaced(box, by_mail, by_text, page_mail, page_text, lines):
    for sender, message in ((by_mail, page_mail), (by_text, page_text)):
        sender.send(message)
        cut(lines[-1])

        assert sender.send(second(message)).outcome is Outcome.ACCEPTED

    assert len(lines) == 4
    assert len(box.messages()) == 4


@pytest.mark.usefixtures("unnoticed")
def test_a_mail_whose_connection_was_lost_before_its_text_goes_out_on_another(box, by_mail, page_mail, lines):
    by_mail.send(page_mail)
    cut(lines[0])

    assert by_mail.send(second(page_mail)).outcome is Outcome.ACCEPTED
    assert len(lines) == 2


@pytest.mark.usefixtures("unnoticed")
def test_a_text_lost_while_it_was_written_is_perhaps_sent_and_not_repeated(box, by_text, page_text, lines):
    by_text.send(page_text)
    cut(lines[0])

    assert by_text.send(second(page_text)).outcome is Outcome.UNKNOWN
    assert len(lines) == 1


def test_a_server_that_is_tired_of_a_connection_gets_a_new_one(box, by_mail, page_mail, lines, monkeypatch):
    by_mail.send(page_mail)
    address, tired = smtp._address, [smtp._Ended(Outcome.FAILED_FOR_NOW, "mail_421")]

    def tired_once(*arguments):
        if tired:
            raise tired.pop()
        address(*arguments)

    monkeypatch.setattr(smtp, "_address", tired_once)

    assert by_mail.send(second(page_mail)).outcome is Outcome.ACCEPTED
    assert len(lines) == 2


def test_each_message_has_a_deadline_of_its_own(box, by_mail, page_mail, lines, monkeypatch):
    by_mail.send(page_mail, timeout=0.3)
    monkeypatch.setattr(lines[0], "deadline", wire.Deadline(-1))

    assert by_mail.send(second(page_mail), timeout=5).outcome is Outcome.ACCEPTED
    assert len(lines) == 1


def test_a_refused_mail_leaves_no_half_spoken_connection(box, by_mail, page_mail, lines):
    box.control(smtp={"mode": "mailbox_gone", "count": 1})

    assert by_mail.send(page_mail).outcome is Outcome.FAILED_FOR_GOOD
    assert by_mail.send(second(page_mail)).outcome is Outcome.ACCEPTED
    assert len(lines) == 2
