"""A real outside world on sockets for every sender's test."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tipline.outbox import OutboxServer
from tipline.outbox.server import Tokens
from triage.escalation.senders import Outgoing

BODY = (
    "TL 27 NOW. Nobody has this yet. Open your page board. On it? Reply 27 K4M9TX. "
    "No reply: next person in 2 min. We never text links or ask for passwords."
)


@pytest.fixture
def box() -> Iterator[OutboxServer]:
    with OutboxServer(tokens=Tokens("gateway-token", "twilio-token")) as box:
        yield box


@pytest.fixture
def page_text() -> Outgoing:
    return Outgoing("0f" * 16, "+15550101", BODY)


@pytest.fixture
def page_mail() -> Outgoing:
    return Outgoing("0f" * 16, "ana@program.example", BODY, "TL page 27")


@pytest.fixture
def stub_server() -> Iterator[Callable[..., int]]:
    """Start a server that plays a script to its one client; returns its port.

    Each piece of the script answers one thing the client sends (the first comes unasked), or is
    sent `every` so many seconds where `wait_for_lines` is off. Then it is silent, or hangs up.
    """
    done = threading.Event()
    threads = []

    def start(script: list[bytes], *, every: float = 0.0, wait_for_lines: bool = True, hang_up: bool = False) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(10)

        def play() -> None:
            with listener, suppress(OSError):
                client, _ = listener.accept()
                with client:
                    client.settimeout(10)
                    for position, piece in enumerate(script):
                        if position and wait_for_lines:
                            client.recv(65_536)
                        done.wait(every)
                        client.sendall(piece)
                    while not hang_up and not done.is_set():
                        done.wait(0.05)

        threads.append(threading.Thread(target=play))
        threads[-1].start()
        return int(listener.getsockname()[1])

    yield start
    done.set()
    for thread in threads:
        thread.join()
