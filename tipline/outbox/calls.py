"""Twilio's Calls resource, and the person who picks up: POST Calls.json rings, keys are posted as Twilio would.

refuse, 500, 429, hang, drip, garbage, error_body   as for an SMS (tipline.outbox.providers)
mailbox_gone   this number is not in use      undelivered    rings and nobody picks up
no_callback    the end of the call is not told
"""

import secrets
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

from tipline.outbox import providers
from tipline.outbox.faults import Fault
from tipline.outbox.messages import Message, Messages
from tipline.outbox.providers import Reply


def call(
    account: str, body: bytes, headers: Mapping[str, str], fault: Fault, messages: Messages, *, token: str
) -> Reply:
    """POST /2010-04-01/Accounts/<account>/Calls.json; `token` "" lets any account in."""
    if trouble := providers.not_let_in(account, headers, token):
        return trouble
    form = {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    if not form.get("To") or not form.get("From"):
        return providers.trouble(400, 21201, "No 'To' number is specified")
    try:
        said, keyed = read(form.get("Twiml", ""))
    except ElementTree.ParseError:
        return providers.trouble(400, 12100, "Document parse failure")
    if fault.mode == "mailbox_gone":
        return providers.trouble(400, 13224, "Invalid phone number")
    if refusal := providers.refused(fault):
        return refusal
    callback = form.get("StatusCallback", "")
    message = Message("voice", "voice", form["To"], form["From"], said, callback=callback, mode=fault.mode)
    message.headers = {"Account": account, "Keyed": keyed}
    message.reference = parse_qs(urlsplit(callback).query).get("reference", [""])[0]
    message.provider_reference = "CA" + secrets.token_hex(16)
    message.accepted = fault.mode not in providers.UNANSWERED
    messages.add(message)
    answer = {"sid": message.provider_reference, "account_sid": account, "to": message.to, "status": "queued"}
    return providers.answer(fault, 201, answer, message)


def read(twiml: str) -> tuple[str, str]:
    """Return what a call's script says first, and where it posts the keys. Raises ParseError."""
    script = ElementTree.fromstring(twiml)  # noqa: S314  our own sender's
    gather = script.find("Gather")
    say = script.find(".//Say")
    return (say.text or "" if say is not None else ""), (gather.get("action", "") if gather is not None else "")
