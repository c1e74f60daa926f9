"""POSTs to a provider's HTTP API, each knowing how far it came.

http.client rather than a full HTTP library: it follows no redirect, reads no proxy or netrc
settings from the environment, and takes a socket that `wire` has already bounded, so that "never
written" and "perhaps written" stay apart.
"""

import http.client
import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from triage.escalation.senders import wire

BODY_LIMIT = 64 * 1024
LONGEST_RETRY = 3600.0


class Lost(Exception):
    """Something was written and no status came back. Holds a short code only."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Target:
    """A provider's address, checked once: HTTPS, or plain HTTP to this machine only."""

    host: str
    port: int
    path: str
    encrypted: bool

    @classmethod
    def parse(cls, url: str) -> "Target":
        """ValueError for anything that would carry a token in clear over a network."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or not host or parts.username or parts.fragment:
            raise ValueError("a provider's URL must be https://host/path")
        if parts.scheme == "http" and not wire.is_loopback(host):
            raise ValueError("a provider's URL must be https unless it is on this machine")
        encrypted = parts.scheme == "https"
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(host, parts.port or (443 if encrypted else 80), path, encrypted)

    @property
    def authority(self) -> str:
        """The Host header: with the port only where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.encrypted else 80) else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the provider said. `content` is None when its body was lost, too large or no JSON object."""

    status: int
    content: dict[str, Any] | None
    retry_after: float | None
    fault: str = ""


KEEP_SECONDS = 2.0
"""Far less than servers keep a silent connection: one that closes it while we write costs an "unknown"."""


class Client:
    """Posts to one address. A connection is kept for the next message where the server allows it."""

    def __init__(self, target: Target, *, ca_file: str | None = None) -> None:
        self._target = target
        self._tls = ssl.create_default_context(cafile=ca_file) if target.encrypted else None
        self._kept = wire.Store[_Talk](KEEP_SECONDS)

    def post(self, body: bytes, headers: Mapping[str, str], *, deadline: wire.Deadline) -> Reply:
        """Send `body` once. Raises wire.NotConnected (nothing written) or Lost (perhaps taken over)."""
        talk = self._kept.take() or _Talk(wire.connect(self._target.host, self._target.port, deadline, self._tls))
        talk.line.deadline = deadline
        keep = False
        try:
            talk.request("POST", self._target.path, body, {"Host": self._target.authority, **headers})
            with talk.getresponse() as answer:
                content, trouble = _content(answer, deadline)
                keep = not (trouble or answer.will_close)
                return Reply(answer.status, content, _retry_after(answer), trouble)
        except (OSError, ValueError, http.client.HTTPException) as fault:
            raise Lost("timeout_after_write" if deadline.over else "lost_after_write") from fault
        finally:
            if keep:
                self._kept.keep(talk)
            else:
                talk.close()


class _Talk(http.client.HTTPConnection):
    auto_open = 0  # it must never open a second, unbounded connection by itself

    def __init__(self, line: wire.Line) -> None:
        super().__init__("")
        self.line = line
        self.sock = line

    @property
    def silent(self) -> bool:
        return self.line.silent


def _content(answer: http.client.HTTPResponse, deadline: wire.Deadline) -> tuple[dict[str, Any] | None, str]:
    try:
        raw = answer.read(BODY_LIMIT + 1)
    except (OSError, ValueError, http.client.HTTPException):
        return None, "timeout_after_write" if deadline.over else "lost_after_write"
    # A body cut at the deadline may look complete when the server named no length.
    if deadline.over:
        return None, "timeout_after_write"
    if len(raw) > BODY_LIMIT:
        return None, "too_large"
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        return None, "garbage"
    return (content, "") if isinstance(content, dict) else (None, "garbage")


def _retry_after(answer: http.client.HTTPResponse) -> float | None:
    # RFC 9110, 10.2.3: seconds or a date. A date is read against the server's own, never our clock.
    value = (answer.getheader("Retry-After") or "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(float(value), LONGEST_RETRY)
    try:
        until = parsedate_to_datetime(value)
        seconds = (until - parsedate_to_datetime(answer.getheader("Date") or "")).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY)
