"""Any SMS gateway that speaks our small HTTP protocol.

    POST <url>   Authorization: Bearer <token>   Idempotency-Key: <reference>
    {"to": "+15550100", "text": "...", "reference": "<reference>"}

    2xx {"id": "..."}           taken over
    409                         this reference was taken over before; counts as taken over
    408, 425, 429, 5xx          not now; Retry-After is honoured
    410, 422                    this number cannot be texted
    any other 4xx               not as we ask; our settings or account

Delivery receipts and replies come back to the pager door, signed (see triage.escalation.signatures).
"""

import json
from dataclasses import dataclass, field
from typing import Any

from triage.escalation.senders import web, wire
from triage.escalation.senders.base import Outcome, Outgoing, Result


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Where the gateway listens, and the bearer token it knows us by."""

    url: str
    token: str = field(repr=False)
    ca_file: str | None = None

    def __post_init__(self) -> None:
        web.Target.parse(self.url)


class GatewaySender:
    """Hands one SMS to the generic gateway."""

    name = "gateway"

    def __init__(self, settings: GatewaySettings) -> None:
        self._client = web.Client(web.Target.parse(settings.url), ca_file=settings.ca_file)
        self._headers = {
            "Authorization": f"Bearer {settings.token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }

    def send(self, message: Outgoing, *, timeout: float = 5.0) -> Result:
        """See Sender."""
        content = {"to": message.to, "text": message.body, "reference": message.reference}
        try:
            reply = self._client.post(
                json.dumps(content).encode(),
                {**self._headers, "Idempotency-Key": message.reference},
                deadline=wire.Deadline(timeout),
            )
        except wire.NotConnected as fault:
            return Result(Outcome.FAILED_FOR_NOW, self.name, detail=fault.code)
        except web.Lost as fault:
            return Result(Outcome.UNKNOWN, self.name, detail=fault.code)
        return judge(reply, self.name)


def judge(reply: web.Reply, provider: str) -> Result:
    """What a gateway's answer means for the notification."""
    detail = f"http_{reply.status}"
    identifier = _identifier(reply.content)
    match reply.status:
        case status if 200 <= status < 300:
            return _judge_success(reply, provider, identifier)
        case 409:
            return Result(Outcome.ACCEPTED, provider, identifier, detail="duplicate")
        case 410 | 422:
            return Result(Outcome.FAILED_FOR_GOOD, provider, detail=detail, address_is_bad=True)
        case status if 400 <= status < 500 and status not in (408, 425, 429):
            return Result(Outcome.FAILED_FOR_GOOD, provider, detail=detail)
    # Redirects are never followed: a token goes where it was configured to go or nowhere.
    return Result(Outcome.FAILED_FOR_NOW, provider, retry_after=reply.retry_after, detail=detail)


def _judge_success(reply: web.Reply, provider: str, identifier: str | None) -> Result:
    if identifier is not None:
        return Result(Outcome.ACCEPTED, provider, identifier, detail=f"http_{reply.status}")
    if reply.content is not None and reply.content.get("error"):
        return Result(Outcome.FAILED_FOR_NOW, provider, retry_after=reply.retry_after, detail="error_body")
    return Result(Outcome.UNKNOWN, provider, detail=reply.fault or "no_id")


def _identifier(content: dict[str, Any] | None) -> str | None:
    value = (content or {}).get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    # It is stored and looked up; what is not short plain text is no identifier.
    if isinstance(value, str) and 0 < len(value) <= 128 and value.isascii() and value.isprintable():
        return value
    return None
