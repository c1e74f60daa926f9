"""What a request that has come in part still lacks, and what becomes of it in time."""

import socket
import time
from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from tipline import gathering
from tipline.gathering import CUT, MORE, WHOLE, Connection, GatheringWorker, Refused, state_of

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", MORE),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r", MORE),
        (GET, WHOLE),
        (GET + b"GET /next", WHOLE),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", MORE),
        (b"POST / HTTP/1.1\r\ncontent-length:3\r\n\r\nabc", WHOLE),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcdef", WHOLE),
        (b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", WHOLE),
        (b"POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n", CUT),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", CUT),
        (b"POST / HTTP/1.1\r\nContent-Length: 3x\r\n\r\n", CUT),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", CUT),
        (b"POST / HTTP/1.1\r\nX-Content-Length: 9\r\n\r\n", WHOLE),
        (b"\x16\x03\x01 this is TLS \r\n\r\n", WHOLE),
    ],
)
def test_what_a_request_lacks(data, expected):
    assert state_of(data, most=100) == expected


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "411"),
        (b"POST / HTTP/1.1\r\ntransfer-encoding:gzip\r\nContent-Length: 3\r\n\r\nabc", "411"),
        (b"GET /" + b"a" * gathering.HEAD_MOST, "431"),
    ],
)
def test_what_is_refused_at_once(data, status):
    with pytest.raises(Refused, match=status):
        state_of(data, most=100)


@pytest.fixture
def worker(monkeypatch):
    """A worker whose threads do nothing but remember what they were given."""
    config = Config()
    config.set("threads", 2)
    config.set("worker_connections", 10)
    log = SimpleNamespace(info=lambda *_: None, debug=lambda *_: None)
    made = GatheringWorker(1, 1, [], SimpleNamespace(wsgi=lambda: None), 30, config, log)
    made.poller = gathering.selectors.DefaultSelector()
    made.given = []
    monkeypatch.setattr(gathering.ThreadWorker, "enqueue_req", lambda self, conn: self.given.append(conn))
    yield made
    made.poller.close()
    made.tmp.close()


@pytest.fixture
def come(worker):
    """A sender and its connection: come(b"what it sent")."""
    ends = []

    def _come(sent: bytes = b"") -> tuple[socket.socket, Connection]:
        far, near = socket.socketpair()
        ends.extend((far, near))
        far.sendall(sent)
        conn = Connection(worker, near, ("", 0), ("", 0))
        worker.nr_conns += 1
        worker.enqueue_req(conn)
        return far, conn

    yield _come
    for end in ends:
        end.close()


def test_a_thread_gets_a_request_that_is_whole_and_never_the_socket(worker, come):
    far, conn = come(GET[:10])
    assert worker.given == []

    far.sendall(GET[10:])
    worker.wait_for_and_dispatch_events(1)

    assert worker.given == [conn]
    assert conn.parser.unreader.read(5) == GET[:5]
    assert conn.parser.unreader.read(5000) == GET[5:]
    assert worker.held == 0


def test_what_takes_too_long_is_told_so_and_silence_is_not(worker, come, monkeypatch):
    slow, silent = come(b"POST /")[0], come()[0]
    later = time.monotonic() + gathering.SECONDS + 1
    monkeypatch.setattr(gathering.time, "monotonic", lambda: later)

    worker.murder_pending()

    assert slow.recv(1000).startswith(b"HTTP/1.1 408")
    assert silent.recv(1000) == b""
    assert (worker.gathering, worker.held, worker.nr_conns) == ({}, 0, 0)


def test_the_oldest_makes_room_when_too_much_is_held(worker, come, monkeypatch):
    monkeypatch.setattr(gathering, "HELD_MOST", 250)
    head = b"POST / HTTP/1.1\r\nContent-Length: 900\r\n\r\n"
    first, second, third = (come(head + b"a" * 50)[0] for _ in range(3))

    assert first.recv(1000).startswith(b"HTTP/1.1 408")
    assert len(worker.gathering) == 2
    assert worker.held == 2 * (len(head) + 50)
    second.close()
    third.close()


def test_a_worker_that_stops_waits_for_what_has_begun_and_not_for_silence(worker, come):
    come(b"POST /")
    come()
    worker.alive = False

    worker.murder_pending()

    assert [bytes(conn.inbox) for conn in worker.gathering] == [b"POST /"]


def test_a_finished_connection_that_its_sender_keeps_open_ends_after_a_while(worker, come, monkeypatch):
    _, conn = come(GET)
    conn.close(graceful=True)
    assert list(worker.lingering) == [conn.sock]
    later = time.monotonic() + gathering.LINGER + 1
    monkeypatch.setattr(gathering.time, "monotonic", lambda: later)

    worker.murder_pending()

    assert worker.lingering == {}
    assert conn.sock.fileno() == -1
