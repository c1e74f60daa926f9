"""The two SMS providers' own APIs, as pure functions from a request to a reply. Their misbehaviour:

refuse        the connection is cut unanswered    500        internal error
429           with Retry-After                    hang       no answer
drip          the answer a byte at a time         garbage    200 and no JSON
error_body    200 and an error                    mailbox_gone  this number cannot be texted
no_callback   taken over, no delivery receipt     undelivered   taken over, receipt says it failed
"""

import base64
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tipline.outbox.faults import Fault
from tipline.outbox.messages import Message, Messages

UNANSWERED = ("refuse", "hang", "drip", "garbage")
_REFUSED = ("500", "429", "error_body", "mailbox_gone")


@dataclass(frozen=True)
class Reply:
    """What goes back; the server plays `manner` (refuse, hang, drip) while sending it."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    manner: str = ""
    message: Message | None = None


def gateway(body: bytes, headers: Mapping[str, str], fault: Fault, messages: Messages, *, token: str = "") -> Reply:
    """POST /sms of the generic gateway; `token` is the bearer token expected, "" for any."""
    scheme, _, given = headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not given or (token and not _same(given, token)):
        return _json(401, {"error": "unauthorized"})
    try:
        wish = json.loads(body)
        to, text, reference = (str(wish[name]) for name in ("to", "text", "reference"))
    except (ValueError, KeyError, TypeError):
        return _json(400, {"error": "to, text and reference are needed"})
    if fault.mode in _REFUSED:
        gone = fault.mode == "mailbox_gone"
        return _refusal(fault, {"error": "temporarily out of order"}, 422 if gone else 500)
    known = messages.first("gateway", reference)
    message = Message("sms", "gateway", to, "", text, reference=reference, mode=fault.mode, headers=_shown(headers))
    message.provider_reference = known.provider_reference if known else f"gw-{secrets.token_hex(8)}"
    message.accepted = fault.mode not in UNANSWERED
    messages.add(message)
    status = 409 if known else 202
    return answer(fault, status, {"id": message.provider_reference}, message)


def twilio(
    account: str, body: bytes, headers: Mapping[str, str], fault: Fault, messages: Messages, *, token: str
) -> Reply:
    """POST /2010-04-01/Accounts/<account>/Messages.json; `token` "" lets any account in."""
    if unknown := not_let_in(account, headers, token):
        return unknown
    form = {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    sender = form.get("From") or form.get("MessagingServiceSid") or ""
    for name, code in (("To", 21604), ("Body", 21602)):
        if not form.get(name):
            return trouble(400, code, f"A '{name}' is required.")
    if not sender:
        return trouble(400, 21603, "A 'From' phone number is required.")
    if fault.mode == "mailbox_gone":
        return trouble(400, 21610, "Attempt to send to unsubscribed recipient")
    if refusal := refused(fault):
        return refusal
    callback = form.get("StatusCallback", "")
    message = Message("sms", "twilio", form["To"], sender, form["Body"], callback=callback, mode=fault.mode)
    message.headers = _shown(headers) | {"Account": account}
    message.reference = parse_qs(urlsplit(callback).query).get("reference", [""])[0]
    message.provider_reference = "SM" + secrets.token_hex(16)
    message.accepted = fault.mode not in UNANSWERED
    messages.add(message)
    said = {
        "sid": message.provider_reference,
        "account_sid": account,
        "to": message.to,
        "from": sender,
        "status": "queued",
        "num_segments": "1",
        "error_code": None,
        "error_message": None,
    }
    return answer(fault, 201, said, message)


def not_let_in(account: str, headers: Mapping[str, str], token: str) -> Reply | None:
    """Twilio's answer to a wrong account or token; `token` "" lets any account in."""
    expected = base64.b64encode(f"{account}:{token}".encode()).decode()
    scheme, _, given = headers.get("Authorization", "").partition(" ")
    known = scheme == "Basic" and (not token or _same(given, expected))
    return None if known else trouble(401, 20003, "Authenticate")


def refused(fault: Fault) -> Reply | None:
    """Twilio's answer where it is told to take nothing."""
    if fault.mode not in _REFUSED:
        return None
    code = 20429 if fault.mode == "429" else 20500
    return _refusal(fault, {"code": code, "message": "Not now", "status": 500}, 500)


def answer(fault: Fault, status: int, content: dict[str, Any], message: Message) -> Reply:
    """What a provider says that took a message over, or would have."""
    if fault.mode == "garbage":
        return Reply(200, b"<html>\x00 {oops", {"Content-Type": "application/json"}, "", message)
    manner = fault.mode if fault.mode in ("refuse", "hang", "drip") else ""
    return Reply(status, json.dumps(content).encode(), {"Content-Type": "application/json"}, manner, message)


def _refusal(fault: Fault, content: dict[str, Any], status: int) -> Reply:
    match fault.mode:
        case "429":
            return _json(429, content, {"Retry-After": f"{fault.seconds:.0f}"})
        case "error_body":
            return _json(200, content)
    return _json(status, content)


def trouble(status: int, code: int, message: str) -> Reply:
    """One of Twilio's errors."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return _json(status, {"code": code, "message": message, "more_info": more, "status": status})


def _json(status: int, content: dict[str, Any], headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, json.dumps(content).encode(), {"Content-Type": "application/json", **(headers or {})})


def _shown(headers: Mapping[str, str]) -> dict[str, str]:
    # The page and /messages.json show what came; a token is not for showing.
    return {name: value for name, value in headers.items() if name.lower() != "authorization"}


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
