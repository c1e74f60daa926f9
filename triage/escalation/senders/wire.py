"""Sockets with one hard deadline for everything: look-up, connecting, TLS and a slow drip of bytes.

A socket time-out bounds one read; a server that sends a byte a second would hold a sender for
ever. So every single read and write is given what is left of the whole attempt's time.
"""

import io
import ipaddress
import queue
import select
import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar

_Address = tuple[int, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


class NotConnected(Exception):
    """No connection came about, so nothing was written. Holds a short code only."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Deadline:
    """A moment `seconds` from now on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, never quite zero: zero would mean "non-blocking" to a socket."""
        return max(self._end - time.monotonic(), 0.001)

    @property
    def over(self) -> bool:
        """Whether the moment has passed."""
        return time.monotonic() >= self._end


class Line:
    """A connection whose every read and write ends at the deadline, which its owner moves on for each message.

    Beyond the deadline they raise TimeoutError; ask `deadline.over` to tell it from the far side
    hanging up. It has of a socket what smtplib and http.client use.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self.deadline = deadline
        self._readers = 0
        self._closed = False

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        self._bounded().sendall(data)

    def recv_into(self, buffer: Any) -> int:
        """Read what is there, at least a byte."""
        return self._bounded().recv_into(buffer)

    def makefile(self, mode: str = "rb") -> io.BufferedReader:
        """Return a reader of what the far side sends."""
        self._readers += 1
        return io.BufferedReader(_Reader(self))

    def encrypted(self, context: ssl.SSLContext, host: str) -> "Line":
        """Return the line with TLS on it. Raises OSError."""
        # The handshake's time-out covers all of it, not each read.
        return Line(context.wrap_socket(self._bounded(), server_hostname=host), self.deadline)

    @property
    def silent(self) -> bool:
        """Whether the far side has neither hung up nor said anything unasked."""
        look = select.poll()  # unlike select(), for any number of open files
        look.register(self._sock, select.POLLIN)
        return not look.poll(0)

    def close(self) -> None:
        """Close the connection, as a socket does: once nobody reads from it any more."""
        self._closed = True
        self._close_if_done()

    def done(self) -> None:
        """Take note that one reader is closed."""
        self._readers -= 1
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._closed and self._readers <= 0:
            with suppress(OSError):
                self._sock.close()

    def _bounded(self) -> socket.socket:
        if self.deadline.over:
            raise TimeoutError
        self._sock.settimeout(self.deadline.left)
        return self._sock


class _Reader(io.RawIOBase):
    def __init__(self, line: Line) -> None:
        self._line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        return self._line.recv_into(buffer)

    def close(self) -> None:
        if not self.closed:
            self._line.done()
        super().close()


def connect(host: str, port: int, deadline: Deadline, tls: ssl.SSLContext | None = None) -> Line:
    """Return a connection to host:port. Raises NotConnected."""
    line = Line(_connect(host, port, deadline), deadline)
    if tls is None:
        return line
    try:
        return line.encrypted(tls, host)
    except OSError as fault:
        line.close()
        raise NotConnected("connect_timeout" if deadline.over else "tls") from fault


class Talk(Protocol):
    """What is kept between two messages: a connection, and how far the far side knows us."""

    @property
    def silent(self) -> bool:
        """Whether the connection still stands, as far as can be seen from here."""

    def close(self) -> None:
        """Close the connection."""


Kept = TypeVar("Kept", bound=Talk)


class Store(Generic[Kept]):
    """Connections between two messages, for every thread: the one used last is used first."""

    def __init__(self, seconds: float, most: int = 8) -> None:
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._kept: list[tuple[Kept, float]] = []

    def take(self) -> Kept | None:
        """Return a connection that nobody uses and that seems to stand; None if there is none."""
        while True:
            with self._lock:
                if not self._kept:
                    return None
                talk, until = self._kept.pop()
            if time.monotonic() < until and talk.silent:
                return talk
            talk.close()

    def keep(self, talk: Kept) -> None:
        """Keep a connection for the next message."""
        with self._lock:
            self._kept.append((talk, time.monotonic() + self._seconds))
            # The longest unused is dropped.
            dropped = self._kept.pop(0)[0] if len(self._kept) > self._most else None
        if dropped:
            dropped.close()


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine and nothing else."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    addresses = _resolve(host, port, deadline)
    code = "connect"
    for position, (family, address) in enumerate(addresses):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            # One dead address must leave time for the next.
            sock.settimeout(deadline.left / (len(addresses) - position))
            sock.connect(address)
        except OSError as fault:
            sock.close()
            code = _code(fault)
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(deadline.left)
            return sock
    raise NotConnected(code)


def _code(fault: OSError) -> str:
    match fault:
        case ConnectionRefusedError():
            return "refused"
        case TimeoutError():
            return "connect_timeout"
    return "connect"


def _resolve(host: str, port: int, deadline: Deadline) -> list[_Address]:
    # getaddrinfo knows no time-out; a dead resolver takes half a minute. A thread may wait for it.
    found: queue.SimpleQueue[list[_Address]] = queue.SimpleQueue()

    def look_up() -> None:
        answers: list[_Address] = []
        with suppress(OSError, UnicodeError):
            for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                answers.append((family, address))
        found.put(answers)

    if is_loopback(host):
        look_up()
    else:
        threading.Thread(target=look_up, name="look-up", daemon=True).start()
    try:
        addresses = found.get(timeout=deadline.left)
    except queue.Empty:
        raise NotConnected("dns_timeout") from None
    if not addresses:
        raise NotConnected("dns")
    return addresses
