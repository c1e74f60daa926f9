"""SMS through Twilio's REST API (2010-04-01), Messages resource.

    POST /2010-04-01/Accounts/<account>/Messages.json   HTTP Basic: account, token
    To, From (or MessagingServiceSid), Body, StatusCallback     form-encoded

201 answers with the message's sid; an error answers {"code": n, "message": ..., "status": n}.
Twilio knows no idempotency key here. The notification's reference therefore travels in the status
callback's query, so that a delivery receipt finds its row even if our write of the sid was lost.
Sources: Twilio, "Messages resource"; "Error and Warning Dictionary".
"""

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from triage.escalation.senders import web, wire
from triage.escalation.senders.base import Outcome, Outgoing, Result

UNREACHABLE = frozenset(
    {
        21211,  # To is no valid number
        21217,  # the number does not appear to be valid
        13224,  # the number dialled is not in use, or no number
        21265,  # To is one of our own short codes
        21407,  # this kind of number has no SMS
        21610,  # the person sent STOP
        21612,  # To cannot be reached from this From
        21614,  # To is no mobile number
        30004,  # message blocked by the person or carrier
        30005,  # unknown number, may no longer exist
        30006,  # landline or unreachable carrier
    }
)
"""Error codes that are about the person's number, in an answer or in a status callback."""
STOPPED = 21610
NOT_NOW = frozenset(
    {
        14107,  # message rate limit
        20429,  # too many requests
        21611,  # this sender's queue is full
        30001,  # queue overflow
        30022,  # A2P rate limit
    }
)

_SID = re.compile(r"(SM|MM|CA)[0-9a-fA-F]{32}")


@dataclass(frozen=True, slots=True)
class TwilioSettings:
    """`sender` is a number, a sender id or a Messaging Service ("MG..."); `status_callback` the pager
    door's receipt URL, None for no receipts."""

    account: str
    token: str = field(repr=False)
    sender: str
    status_callback: str | None = None
    base_url: str = "https://api.twilio.com"
    ca_file: str | None = None

    def __post_init__(self) -> None:
        web.Target.parse(self.base_url)


class TwilioSender:
    """Hands one SMS to Twilio."""

    name = "twilio"

    def __init__(self, settings: TwilioSettings) -> None:
        self._settings = settings
        self._client, self._headers = client(
            settings.base_url, settings.account, settings.token, "Messages", ca_file=settings.ca_file
        )

    def send(self, message: Outgoing, *, timeout: float = 5.0) -> Result:
        """See Sender."""
        try:
            reply = self._client.post(
                urlencode(self._form(message), errors="replace").encode(),
                self._headers,
                deadline=wire.Deadline(timeout),
            )
        except wire.NotConnected as fault:
            return Result(Outcome.FAILED_FOR_NOW, self.name, detail=fault.code)
        except web.Lost as fault:
            return Result(Outcome.UNKNOWN, self.name, detail=fault.code)
        return judge(reply, self.name)

    def _form(self, message: Outgoing) -> dict[str, str]:
        sender = self._settings.sender
        form = {
            "To": message.to,
            "MessagingServiceSid" if sender.startswith("MG") else "From": sender,
            "Body": message.body,
        }
        if self._settings.status_callback:
            form["StatusCallback"] = with_reference(self._settings.status_callback, message.reference)
        return form


def client(
    base_url: str, account: str, token: str, resource: str, *, ca_file: str | None = None
) -> tuple[web.Client, dict[str, str]]:
    """A client for one resource of an account, and the headers each request to it carries."""
    path = f"/2010-04-01/Accounts/{quote(account, safe='')}/{resource}.json"
    basic = base64.b64encode(f"{account}:{token}".encode()).decode()
    headers = {
        "Authorization": f"Basic {basic}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    return web.Client(web.Target.parse(base_url.rstrip("/") + path), ca_file=ca_file), headers


def with_reference(callback: str, reference: str) -> str:
    """The status callback's URL for one notification; Twilio signs and calls exactly this URL."""
    return f"{callback}{'&' if '?' in callback else '?'}{urlencode({'reference': reference})}"


def judge(reply: web.Reply, provider: str) -> Result:
    """What Twilio's answer means for the notification."""
    content = reply.content or {}
    code = content.get("code") or content.get("error_code")
    sid = content.get("sid")
    if 200 <= reply.status < 300 and isinstance(sid, str) and _SID.fullmatch(sid):
        if content.get("status") not in ("failed", "undelivered"):
            return Result(Outcome.ACCEPTED, provider, sid, detail=f"http_{reply.status}")
    elif 200 <= reply.status < 300 and not code:
        return Result(Outcome.UNKNOWN, provider, detail=reply.fault or "no_sid")
    code = code if isinstance(code, int) else 0
    detail = f"twilio_{code}" if code else f"http_{reply.status}"
    if code in UNREACHABLE:
        return Result(Outcome.FAILED_FOR_GOOD, provider, detail=detail, address_is_bad=True)
    passing = code in NOT_NOW or reply.status in (408, 425, 429) or not 400 <= reply.status < 500
    outcome = Outcome.FAILED_FOR_NOW if passing else Outcome.FAILED_FOR_GOOD
    return Result(outcome, provider, retry_after=reply.retry_after if passing else None, detail=detail)
