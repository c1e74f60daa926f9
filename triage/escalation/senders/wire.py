"""Sockets with one hard deadline for everything: look-up, connecting, TLS and a slow drip of bytes.

A socket time-out bounds one read; a server that sends a byte a second would hold a sender for
ever. So the whole attempt gets one deadline, and at that moment the connection is cut under it.
"""

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

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


@contextmanager
def connected(host: str, port: int, deadline: Deadline, tls: ssl.SSLContext | None = None) -> Iterator[socket.socket]:
    """A connection to host:port that is cut at the deadline and closed at the end of the block.

    Raises NotConnected before the block is entered. Inside it, the cut shows as a read of nothing
    or an OSError; ask `deadline.over` to tell it from the far side hanging up.
    """
    sock = _connect(host, port, deadline)
    with _cut_at(sock, deadline):
        try:
            if tls is not None:
                try:
                    # The handshake's time-out covers all of it, not each read.
                    sock = tls.wrap_socket(sock, server_hostname=host)
                except OSError as fault:
                    raise NotConnected("connect_timeout" if deadline.over else "tls") from fault
            yield sock
        finally:
            with suppress(OSError):
                sock.close()


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


@contextmanager
def _cut_at(sock: socket.socket, deadline: Deadline) -> Iterator[None]:
    # A duplicate, because TLS takes the original over; shutting it down ends the connection for both.
    handle = sock.dup()

    def cut() -> None:
        with suppress(OSError):
            handle.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(deadline.left, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        handle.close()
