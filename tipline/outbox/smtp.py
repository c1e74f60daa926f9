"""The mail server. Its misbehaviour:

refuse            the port is closed                429           450 to MAIL, slow down
greylist          451 to RCPT                       mailbox_gone  550 5.1.1 to RCPT
500               554 after the text                hang          no answer after the text
drip              the answer a byte at a time       garbage       an answer that is none
starttls_broken   STARTTLS is offered and then goes wrong
"""

import asyncio
import email
import email.policy
import socket
import ssl
import threading
from email.header import decode_header, make_header
from email.message import Message as Letter
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tipline.outbox.faults import Fault, Faults
from tipline.outbox.messages import Message, Messages

_DRIP = 0.25


class MailServer:
    """A real SMTP server on its own thread and event loop."""

    def __init__(
        self, address: tuple[str, int], messages: Messages, faults: Faults, tls: ssl.SSLContext | None = None
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._messages, self._faults, self._tls = messages, faults, tls
        self._server: asyncio.Server | None = None
        self._reopening: asyncio.TimerHandle | None = None
        self._address = address
        self._address = self._listen()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port listened on."""
        return self._address[1]

    def follow_command(self) -> None:
        """Close or open the port as the present fault says."""
        fault = self._faults.peek("smtp")
        asyncio.run_coroutine_threadsafe(self._follow(fault), self._loop).result(5)

    def stop(self) -> None:
        """Close the port and all connections."""
        asyncio.run_coroutine_threadsafe(self._close_all(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _listen(self) -> tuple[str, int]:
        host, port = self._address
        # With the protocol named: asyncio switches Nagle off only then, and it would cost 40 ms a mail.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(128)
        except OSError:
            listener.close()
            raise
        opening = self._loop.create_server(self._session, sock=listener)
        if self._loop.is_running():
            self._loop.create_task(self._keep(opening))
        else:
            self._server = self._loop.run_until_complete(opening)
        return host, listener.getsockname()[1]

    async def _keep(self, opening: Any) -> None:
        self._server = await opening

    def _session(self) -> SMTP:
        return _Session(
            _Handler(self._messages, self._faults),
            hostname="outbox.localhost",
            ident="outbox",
            tls_context=self._tls,
            auth_require_tls=False,
            authenticator=_let_in,
            loop=self._loop,
            enable_SMTPUTF8=False,
        )

    async def _follow(self, fault: Fault) -> None:
        if self._reopening:
            self._reopening.cancel()
            self._reopening = None
        if fault.mode == "refuse":
            self._close_port()
            self._reopening = self._loop.call_later(fault.seconds, self._reopen)
        elif self._server is None:
            self._listen()
            await asyncio.sleep(0)  # lets _keep run

    def _reopen(self) -> None:
        self._faults.command({"smtp": {"mode": "ok"}})
        self._listen()

    def _close_port(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _close_all(self) -> None:
        self._close_port()
        tasks = asyncio.all_tasks(self._loop) - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _let_in(*_: Any) -> AuthResult:
    return AuthResult(success=True)


class _Session(SMTP):
    async def smtp_STARTTLS(self, arg: str) -> None:
        handler = self.event_handler
        if isinstance(handler, _Handler) and handler.faults.peek("smtp").mode == "starttls_broken":
            await self.push("220 Ready to start TLS")
            self._writer.write(b"this is no handshake\r\n")
            self._writer.close()
            return
        await super().smtp_STARTTLS(arg)


class _Handler:
    def __init__(self, messages: Messages, faults: Faults) -> None:
        self._messages = messages
        self.faults = faults
        self._fault = Fault()

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        if self.faults.peek("smtp").mode == "starttls_broken" and "250-STARTTLS" not in responses:
            responses.insert(1, "250-STARTTLS")
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._fault = self.faults.take("smtp")
        if self._fault.mode == "429":
            return "450 4.7.1 Slow down"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        match self._fault.mode:
            case "greylist":
                return "451 4.7.1 Greylisted, come back"
            case "mailbox_gone":
                return "550 5.1.1 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        mode = self._fault.mode
        if mode == "500":
            return "554 5.7.1 Not taken"
        for recipient in envelope.rcpt_tos:
            message = _read(envelope, recipient, mode)
            self._messages.add(message)
        match mode:
            case "hang":
                await asyncio.sleep(self._fault.seconds)
            case "drip":
                await _drip(server, self._fault.seconds)
            case "garbage":
                return "%&$ \x07 what?"
        return "250 2.0.0 Kept"


async def _drip(server: SMTP, seconds: float) -> None:
    for _ in range(int(seconds / _DRIP)):
        server._writer.write(b"2")
        await server._writer.drain()
        await asyncio.sleep(_DRIP)


def _read(envelope: Envelope, recipient: str, mode: str) -> Message:
    raw = bytes(envelope.original_content or b"")
    # The older reading of mail: the modern one takes every header apart, which costs more than all the rest.
    letter = email.message_from_bytes(raw, policy=email.policy.compat32)
    headers = {name: _header(value) for name, value in letter.items()}
    return Message(
        kind="mail",
        service="smtp",
        to=recipient,
        sender=envelope.mail_from or "",
        subject=headers.get("Subject", ""),
        body=_body(letter, raw),
        headers=headers,
        size=len(raw),
        reference=headers.get("Message-ID", "").strip("<>").partition("@")[0],
        mode=mode,
        accepted=mode not in ("hang", "drip", "garbage"),
    )


def _header(value: Any) -> str:
    text = str(value)
    try:
        return str(make_header(decode_header(text))) if "=?" in text else text
    except (LookupError, ValueError):
        return text


def _body(letter: Letter, raw: bytes) -> str:
    part = next((part for part in letter.walk() if part.get_content_type() == "text/plain"), None)
    if part is None:
        return ""
    try:
        content = part.get_payload(decode=True)
        text = bytes(content).decode(part.get_content_charset("utf-8"))
    except (LookupError, ValueError):
        text = raw.decode("utf-8", "replace")
    return text.replace("\r\n", "\n").rstrip()
