"""One POST to a provider's HTTP API, knowing how far it came.

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


def post(
    target: Target,
    body: bytes,
    headers: Mapping[str, str],
    *,
    deadline: wire.Deadline,
    tls: ssl.SSLContext | None = None,
) -> Reply:
    """Send `body` once. Raises wire.NotConnected (nothing written) or Lost (perhaps taken over)."""
    context = (tls or ssl.create_default_context()) if target.encrypted else None
    with wire.connected(target.host, target.port, deadline, context) as sock:
        talk = http.client.HTTPConnection(target.host, target.port)
        talk.auto_open = 0  # it must never open a second, unbounded connection by itself
        talk.sock = sock
        try:
            talk.request("POST", target.path, body, {"Host": target.authority, **headers})
            answer = talk.getresponse()
        except (OSError, ValueError, http.client.HTTPException) as fault:
            raise Lost("timeout_after_write" if deadline.over else "lost_after_write") from fault
        with answer:
            content, trouble = _content(answer, deadline)
        return Reply(answer.status, content, _retry_after(answer), trouble)


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
