"""Page mail over SMTP (RFC 5321), with STARTTLS (RFC 3207) or TLS from the start (RFC 8314)."""

import io
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from triage.escalation.senders import mail, wire
from triage.escalation.senders.base import Outcome, Outgoing, Result

_REPLY_LIMIT = 64 * 1024
KEEP_SECONDS = 10.0
"""How long a connection without a mail is kept; servers wait for minutes (RFC 5321, 4.5.3.2.7)."""


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Where page mail goes. `sender` is the From value; `ca_file` adds a private authority."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    starttls: bool = False
    implicit_tls: bool = False
    ca_file: str | None = None

    def __post_init__(self) -> None:
        if self.user and not (self.starttls or self.implicit_tls or wire.is_loopback(self.host)):
            raise ValueError("SMTP with a password needs STARTTLS or TLS")
        mail.path_of(self.sender)


class _Ended(Exception):
    """The far side has decided, or we have lost it after writing."""

    def __init__(self, outcome: Outcome, detail: str, *, address_is_bad: bool = False) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail
        self.address_is_bad = address_is_bad


class SmtpSender:
    """Hands one mail to one server, and says exactly how far it came."""

    name = "smtp"

    def __init__(self, settings: SmtpSettings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._settings = settings
        self._clock = clock
        # Loading the authorities takes milliseconds; once is enough.
        encrypted = settings.starttls or settings.implicit_tls
        self._tls = ssl.create_default_context(cafile=settings.ca_file) if encrypted else None
        self._kept = wire.Store[_Dialogue](KEEP_SECONDS)

    def send(self, message: Outgoing, *, timeout: float = 5.0) -> Result:
        """See Sender. Until the text itself is written a lost connection is "failed for now": the
        server has nothing it could deliver. From the first byte of the text on it is "unknown"."""
        settings, deadline = self._settings, wire.Deadline(timeout)
        try:
            mail.checked_address(message.to)
        except ValueError:
            return self._result(Outcome.FAILED_FOR_GOOD, "bad_address", address_is_bad=True)
        try:
            letter = mail.compose(message, sender=settings.sender, now=self._clock())
        except ValueError:
            return self._result(Outcome.FAILED_FOR_GOOD, "bad_message")
        try:
            self._transact(message.to, letter, deadline)
        except wire.NotConnected as fault:
            return self._result(Outcome.FAILED_FOR_NOW, fault.code)
        except _Ended as end:
            detail = "timeout_after_data" if end.detail == "lost_after_data" and deadline.over else end.detail
            return self._result(end.outcome, detail, address_is_bad=end.address_is_bad)
        except (OSError, ValueError) as fault:  # SMTPException is an OSError
            return self._result(Outcome.FAILED_FOR_NOW, "timeout" if deadline.over else _code(fault))
        return self._result(Outcome.ACCEPTED, "250", mail.message_id(message.reference, settings.sender))

    def _transact(self, recipient: str, letter: bytes, deadline: wire.Deadline) -> None:
        """Hand the letter over on a kept connection, or on a new one if there is none or it turns out dead."""
        if (kept := self._kept.take()) is not None:
            kept.begin(deadline)
            try:
                self._over(kept, recipient, letter)
                return
            except _Ended as end:
                if end.detail != "mail_421":  # it had only grown tired of us
                    raise
            except (OSError, ValueError):
                if deadline.over:
                    raise
                # Lost before the text was written (later it is _Ended): the server has nothing of it.
        self._over(self._connect(deadline), recipient, letter)

    def _over(self, talk: "_Dialogue", recipient: str, letter: bytes) -> None:
        try:
            _address(talk, mail.path_of(self._settings.sender), recipient)
            _hand_over(talk, letter)
        except BaseException:
            talk.hang_up()
            raise
        self._kept.keep(talk)

    def _connect(self, deadline: wire.Deadline) -> "_Dialogue":
        settings = self._settings
        line = wire.connect(settings.host, settings.port, deadline, self._tls if settings.implicit_tls else None)
        talk = _Dialogue(line, settings.host, settings.port, mail.domain_of(settings.sender))
        try:
            self._introduce(talk)
        except BaseException:
            talk.hang_up()
            raise
        return talk

    def _introduce(self, talk: "_Dialogue") -> None:
        if self._settings.starttls and self._tls is not None:
            # Raises where the server does not offer it: a page never falls back to plain text.
            talk.starttls(context=cast(ssl.SSLContext, _OnLine(self._tls)))
        if self._settings.user:
            talk.login(self._settings.user, self._settings.password)
        talk.ehlo_or_helo_if_needed()

    def _result(
        self, outcome: Outcome, detail: str, reference: str | None = None, *, address_is_bad: bool = False
    ) -> Result:
        return Result(outcome, self.name, reference, detail=detail, address_is_bad=address_is_bad)


class _OnLine:
    """What smtplib asks of an SSL context, for a line."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    def wrap_socket(self, line: wire.Line, *, server_hostname: str) -> wire.Line:
        return line.encrypted(self._context, server_hostname)


class _Dialogue(smtplib.SMTP):
    """smtplib over a connection that is already there, its replies bounded in size."""

    sock: wire.Line | None  # type: ignore[assignment]  # of a socket it has what smtplib uses

    def __init__(self, line: wire.Line, host: str, port: int, local: str) -> None:
        self._ready = line
        # Without a name of its own smtplib would tell the server what this machine is called.
        super().__init__(host, port, local_hostname=local)

    @property
    def silent(self) -> bool:
        return self.sock is not None and self.sock.silent

    def begin(self, deadline: wire.Deadline) -> None:
        """Make ready for another message."""
        if self.sock is not None:
            self.sock.deadline = deadline
        # Its replies are bounded anew; nothing of the last ones is left in it.
        self.file = None

    def _get_socket(self, host: str, port: int, timeout: float) -> wire.Line:
        return self._ready

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock.makefile("rb"))
        return super().getreply()

    def hang_up(self) -> None:
        """Say goodbye without waiting for the answer."""
        with suppress(OSError):
            self.putcmd("quit")
        self.close()


class _Bounded(io.BufferedIOBase):
    """A reader of whole lines that stops a server from talking without end."""

    def __init__(self, source: io.BufferedIOBase | io.BufferedReader) -> None:
        self._source = source
        self._left = _REPLY_LIMIT

    def readline(self, size: int | None = -1, /) -> bytes:
        line = self._source.readline(-1 if size is None else size)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("reply too large")
        # A reply cut in the middle ("2", then the deadline) must not pass for a whole one.
        return line if line.endswith(b"\n") else b""

    def close(self) -> None:
        self._source.close()


def _address(talk: _Dialogue, sender: str, recipient: str) -> None:
    code, _ = talk.mail(sender)
    if code // 100 != 2:
        # Our own address or rate is refused, not the person's: somebody must mend it, and meanwhile
        # the next attempt and the other channels go on.
        raise _Ended(Outcome.FAILED_FOR_NOW, f"mail_{code}")
    code, text = talk.rcpt(recipient)
    match code // 100:
        case 2:
            return
        case 5:
            raise _Ended(Outcome.FAILED_FOR_GOOD, f"rcpt_{code}", address_is_bad=_blames_mailbox(code, text))
    raise _Ended(Outcome.FAILED_FOR_NOW, f"rcpt_{code}")


def _blames_mailbox(code: int, text: bytes) -> bool:
    # RFC 3463: 5.1 is about the address, 5.2 about the mailbox; 5.7 is policy and may be about us.
    subject = text[:4]
    if subject[:2] == b"5." and subject[3:4] == b".":
        return subject[2:3] in (b"1", b"2")
    return code in (550, 551, 553)


def _hand_over(talk: _Dialogue, letter: bytes) -> None:
    talk.putcmd("data")
    code, _ = talk.getreply()
    if code != 354:
        outcome = Outcome.FAILED_FOR_GOOD if code // 100 == 5 else Outcome.FAILED_FOR_NOW
        raise _Ended(outcome, f"data_{code}")
    try:
        talk.send(letter + b".\r\n")
        code, _ = talk.getreply()
    except (OSError, ValueError) as fault:
        raise _Ended(Outcome.UNKNOWN, "lost_after_data") from fault
    match code // 100:
        case 2:
            return
        case 4:
            raise _Ended(Outcome.FAILED_FOR_NOW, f"text_{code}")
        case 5:
            raise _Ended(Outcome.FAILED_FOR_GOOD, f"text_{code}")
    raise _Ended(Outcome.UNKNOWN, "garbage")


def _code(fault: OSError | ValueError) -> str:
    match fault:
        case smtplib.SMTPAuthenticationError():
            return f"auth_{fault.smtp_code}"
        case smtplib.SMTPNotSupportedError():
            return "starttls_missing"
        case smtplib.SMTPResponseException():
            return f"reply_{fault.smtp_code}"
        case ssl.SSLError():
            return "tls"
    return "lost"
