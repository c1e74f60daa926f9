"""One short question over HTTP, for the doctor."""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and headers, or what kept us from getting any."""

    status: int = 0
    headers: Mapping[str, str] | None = None
    fault: str = ""


def ask(url: str, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
    """Ask once; never raises for what the far side does."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    try:
        talk: http.client.HTTPConnection = (
            http.client.HTTPSConnection(
                parts.hostname or "", port, timeout=PATIENCE, context=ssl.create_default_context()
            )
            if secure
            else http.client.HTTPConnection(parts.hostname or "", port, timeout=PATIENCE)
        )
        try:
            talk.request(method, parts.path or "/", headers=dict(headers or {}))
            reply = talk.getresponse()
            return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()})
        finally:
            talk.close()
    except (OSError, http.client.HTTPException, ValueError) as fault:
        return Answer(fault=type(fault).__name__)
