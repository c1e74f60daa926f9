"""The ports of one installation: free before we start, answering before we say we are ready."""

import http.client
import socket

from tipline.runner.environment import HOST
from tipline.runner.processes import PROCESSES, SMTP_DOOR, Process


class PortTaken(Exception):
    """A port we need is in use. Says which, and what to do."""


def check(base: int) -> None:
    """Raises PortTaken if one of our ports cannot be had."""
    doors = {process.name: process.door for process in PROCESSES if process.door is not None}
    for name, distance in {**doors, "outbox, mail": SMTP_DOOR}.items():
        with socket.socket() as trial:
            # As the servers do: a port that is only waiting for its last connections to fade is free.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((HOST, base + distance))
            except PermissionError:
                problem = "may only be used by root"
            except OSError:
                problem = "is taken"
            else:
                continue
        raise PortTaken(f"Port {base + distance} ({name}) {problem}. {_advice(base)}")


def healthy(base: int, process: Process) -> bool:
    """Whether a door answers /healthz."""
    port = base + (process.door or 0)
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _advice(base: int) -> str:
    other = 9000 if base != 9000 else 8000
    return f"Choose other ports, for instance: scripts/up --port {other}"
