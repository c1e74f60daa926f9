"""A gunicorn worker that gives a request to a thread only when all of it has come.

gunicorn's threads read from the socket themselves, so as many slow senders as there are threads keep everybody
else out: on a phone at the edge of town, or on purpose. Here the loop that waits for connections also gathers what they
send, for as many as there are; a thread reads from memory alone. Closing, too, waits for nobody.

Behind a proxy that sends whole requests this changes nothing; an onion service or scripts/up has none in front.
"""

import errno
import re
import selectors
import socket
import time
from contextlib import suppress
from functools import partial
from typing import Any

from django.conf import settings
from gunicorn import util
from gunicorn.http.unreader import Unreader
from gunicorn.workers.gthread import TConn, ThreadWorker

SECONDS = 30.0  # for all of a request, from its first byte or the connection's
LINGER = 2.0  # seconds a finished connection may take to read its answer's end
HEAD_MOST = 32 * 1024  # bytes of request line and headers
HELD_MOST = 32 * 1024 * 1024  # bytes of unfinished requests, of all connections of this process
BLOCK = 64 * 1024
DRAINED_MOST = 64 * 1024

_LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CODED = re.compile(rb"\r\ntransfer-encoding[ \t]*:", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect[ \t]*:[ \t]*100-continue", re.IGNORECASE)

MORE, WHOLE, CUT = "more", "whole", "cut"
"""What a request still lacks: a part; nothing; or only a body that nobody will read."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def _refusal(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\nCache-Control: no-store\r\n\r\n".encode()


TOO_SLOW = _refusal("408 Request Timeout")
NO_LENGTH = _refusal("411 Length Required")
HEAD_TOO_LARGE = _refusal("431 Request Header Fields Too Large")


class Refused(Exception):
    """This request is answered at once, and its connection ends."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(answer[9:12].decode())
        self.answer = answer


def state_of(data: bytes | bytearray, *, most: int) -> str:
    """Say what a request lacks of which this much has come; `most` bytes of a body are waited for. Raises Refused."""
    end = data.find(b"\r\n\r\n", 0, HEAD_MOST + 4)
    if end < 0:
        if len(data) > HEAD_MOST:
            raise Refused(HEAD_TOO_LARGE)
        return MORE
    head = bytes(data[: end + 2])
    if _CODED.search(head):
        # Django reads no body of unknown length, so nothing could come of it.
        raise Refused(NO_LENGTH)
    lengths = _LENGTH.findall(head)
    if not lengths:
        return WHOLE
    if len(lengths) > 1 or not re.fullmatch(rb"[0-9]{1,12}", lengths[0].strip()) or int(lengths[0]) > most:
        # Refused for its head alone. What follows it on the connection is nobody's next request.
        return CUT
    return WHOLE if len(data) - (end + 4) >= int(lengths[0]) else MORE


def waits_for_continue(data: bytes | bytearray) -> bool:
    """Whether the sender sends its body only when it is told to go on."""
    end = data.find(b"\r\n\r\n", 0, HEAD_MOST + 4)
    return end >= 0 and _EXPECT.search(bytes(data[: end + 2])) is not None


class Gathered(Unreader):  # type: ignore[misc]
    """What has come, and never the socket."""

    def chunk(self, size_hint: int | None = None) -> bytes:
        return b""


class Connection(TConn):  # type: ignore[misc]
    """A connection with what has come of its next request."""

    def __init__(self, worker: "GatheringWorker", sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(worker.cfg, sock, client, server)
        self.worker = worker
        self.inbox = bytearray()
        self.until = 0.0
        self.told_to_go_on = False
        self.last = False  # the connection ends with this request

    def close(self, graceful: bool = False) -> None:
        if graceful:
            self.worker.linger(self.sock)
        else:
            util.close(self.sock)


class GatheringWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's worker of threads, which no slow sender holds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gathering: dict[Connection, None] = {}  # oldest first
        self.lingering: dict[socket.socket, list[float]] = {}
        self.held = 0
        self.most = settings.FORM_BODY_LIMIT
        # The oldest unfinished request makes room for the newest connection.
        self.room = max(1, self.worker_connections - 2 * self.cfg.threads)

    def accept(self, listener: Any) -> None:
        """Take a connection; unlike gunicorn's own, it goes to no thread yet."""
        try:
            client, address = listener.accept()
        except OSError as fault:
            if fault.errno in {errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK, errno.EMFILE, errno.ENFILE}:
                return
            raise
        self.nr_conns += 1
        while self.nr_conns > self.room and self.gathering:
            self._drop(next(iter(self.gathering)))
        self.enqueue_req(Connection(self, client, address, listener.getsockname()))

    def enqueue_req(self, conn: Connection) -> None:
        """Gather a connection's next request; it goes to a thread when it is whole."""
        if conn.parser is not None:
            conn.inbox += conn.parser.unreader.take_buffered()
        conn.until, conn.told_to_go_on = time.monotonic() + SECONDS, False
        conn.sock.setblocking(False)
        self.gathering[conn] = None
        self.held += len(conn.inbox)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_more, conn))
        # What came along with the request before it, or with the connection itself, is here already.
        self._read(conn)

    def on_more(self, conn: Connection, _sock: object) -> None:
        """More of a request has come, or its sender is gone."""
        if conn in self.gathering:
            self._read(conn)

    def _read(self, conn: Connection) -> None:
        gone = False
        try:
            block = conn.sock.recv(BLOCK)
            conn.inbox += block
            self.held += len(block)
            gone = not block
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self._drop(conn)
            return
        try:
            state = state_of(conn.inbox, most=self.most)
        except Refused as refusal:
            self._drop(conn, refusal.answer)
            return
        if gone and not conn.inbox:
            self._drop(conn)
        elif state != MORE or gone:
            # Of a sender that is gone in the middle gunicorn says what it always says.
            self._hand_on(conn, last=gone or state == CUT)
        else:
            self._go_on(conn)

    def _go_on(self, conn: Connection) -> None:
        if not conn.told_to_go_on and waits_for_continue(conn.inbox):
            conn.told_to_go_on = True
            with suppress(OSError):
                conn.sock.send(CONTINUE)
        while self.held > HELD_MOST and self.gathering:
            self._drop(next(iter(self.gathering)), TOO_SLOW)

    def _hand_on(self, conn: Connection, *, last: bool) -> None:
        self._let_go(conn)
        conn.last = last
        conn.init()  # no TLS here: it makes a parser and nothing more
        conn.data_ready = True
        conn.parser.unreader = Gathered()
        conn.parser.unreader.unread(bytes(conn.inbox))
        conn.inbox = bytearray()
        super().enqueue_req(conn)

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        return not conn.last and bool(super()._keepalive_after(conn, keepalive))

    def _let_go(self, conn: Connection) -> None:
        del self.gathering[conn]
        self.held -= len(conn.inbox)
        self.poller.unregister(conn.sock)

    def _drop(self, conn: Connection, answer: bytes = b"") -> None:
        self._let_go(conn)
        self.nr_conns -= 1
        if answer:
            with suppress(OSError):
                conn.sock.send(answer)
        conn.close(graceful=bool(answer))

    def linger(self, sock: socket.socket) -> None:
        """Close a connection when its other end has, or after two seconds: closed at once, it might lose its answer."""
        try:
            sock.setblocking(False)
            sock.shutdown(socket.SHUT_WR)
            self.poller.register(sock, selectors.EVENT_READ, self.on_lingering)
        except (OSError, ValueError, KeyError):
            util.close(sock)
            return
        self.lingering[sock] = [time.monotonic() + LINGER, DRAINED_MOST]
        while len(self.lingering) > self.room:
            self._end(next(iter(self.lingering)))

    def on_lingering(self, sock: socket.socket) -> None:
        """Read past what nobody asked for, up to a limit."""
        if sock not in self.lingering:
            return
        try:
            block = sock.recv(BLOCK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            block = b""
        self.lingering[sock][1] -= len(block)
        if not block or self.lingering[sock][1] <= 0:
            self._end(sock)

    def _end(self, sock: socket.socket) -> None:
        del self.lingering[sock]
        with suppress(OSError, KeyError, ValueError):
            self.poller.unregister(sock)
        util.close(sock)

    def murder_pending(self) -> None:
        """End what took too long; called at least once a second."""
        now = time.monotonic()
        for conn in list(self.gathering):
            if now < conn.until and self.alive:
                break
            # A stopping worker waits for what has begun, not for connections that said nothing yet.
            if now < conn.until and conn.inbox:
                continue
            self._drop(conn, TOO_SLOW if conn.inbox else b"")
        for sock, (until, _left) in list(self.lingering.items()):
            if now >= until:
                self._end(sock)
