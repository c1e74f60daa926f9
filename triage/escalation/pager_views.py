"""The providers' door. It checks a signature, seals what came, and can read nothing back.

There is no cookie and no session here, so there is nothing a cross-site request could borrow.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID
from xml.sax.saxutils import escape

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from tipline.kernel.clock import database_now
from triage import rows
from triage.escalation import events, signatures, texts, wake
from triage.escalation.loop import ESCALATORS, SILENT_AFTER
from triage.models import Heartbeat
from triage.watching import beats

BODY_LIMIT = 16 * 1024

_KEEP = "INSERT INTO triage_pagerevent (id, sealed) VALUES (%(id)s, %(sealed)s) ON CONFLICT DO NOTHING"

Event = dict[str, str]
Reader = Callable[[HttpRequest], HttpResponse]


class Refused(Exception):
    """The request is answered with this status and nothing is kept of it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _door(view: Reader) -> Reader:
    """Refuse what is too large, and answer plainly when the database is away: providers try again."""

    @csrf_exempt
    @require_POST
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except Refused as refused:
            return HttpResponse(status=refused.status)
        except (OperationalError, InterfaceError):
            connection.close()
            return HttpResponse(status=503, headers={"Retry-After": "10"})

    return guarded


@_door
def gateway_sms(request: HttpRequest) -> HttpResponse:
    """A reply that came in at the generic gateway."""
    content = _gateway_content(request)
    _keep(settings.SMS_GATEWAY_SECRET, _reply("gateway", content, {"from": "from", "text": "text", "id": "id"}))
    return HttpResponse(status=204)


@_door
def gateway_receipt(request: HttpRequest) -> HttpResponse:
    """What became of an SMS the generic gateway had accepted."""
    content = _gateway_content(request)
    names = {"id": "id", "reference": "reference", "status": "status"}
    _keep(settings.SMS_GATEWAY_SECRET, _receipt("gateway", content, names))
    return HttpResponse(status=204)


@_door
def twilio_sms(request: HttpRequest) -> HttpResponse:
    """A reply that came in at Twilio."""
    form = _twilio_form(request)
    _keep(settings.TWILIO_TOKEN, _reply("twilio", form, {"from": "From", "text": "Body", "id": "MessageSid"}))
    # An empty answer in Twilio's language: send nothing back.
    return HttpResponse("<Response/>", content_type="text/xml; charset=utf-8")


@_door
def twilio_receipt(request: HttpRequest) -> HttpResponse:
    """What became of an SMS Twilio had accepted; our reference stands in the address it calls."""
    form = _twilio_form(request) | {"reference": request.GET.get("reference", "")}
    names = {"id": "MessageSid", "reference": "reference", "status": "MessageStatus"}
    _keep(settings.TWILIO_TOKEN, _receipt("twilio", form, names))
    return HttpResponse(status=204)


@_door
def twilio_keyed(request: HttpRequest) -> HttpResponse:
    """What somebody keyed in a call. This door cannot judge it, so everybody hears the same."""
    form = _twilio_form(request) | {"reference": request.GET.get("reference", "")}
    names = {"id": "CallSid", "reference": "reference", "digits": "Digits"}
    _keep(settings.TWILIO_TOKEN, _event("keyed", "twilio", form, names, needed=("reference", "digits")))
    said = escape(texts.voice_goodbye())
    return HttpResponse(f"<Response><Say>{said}</Say><Hangup/></Response>", content_type="text/xml; charset=utf-8")


@_door
def twilio_call_ended(request: HttpRequest) -> HttpResponse:
    """How a call ended."""
    form = _twilio_form(request) | {"reference": request.GET.get("reference", "")}
    names = {"id": "CallSid", "reference": "reference", "status": "CallStatus"}
    _keep(settings.TWILIO_TOKEN, _receipt("twilio", form, names))
    return HttpResponse(status=204)


@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """Whether this door can take something in."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (OperationalError, InterfaceError):
        connection.close()
        return HttpResponse("database away\n", status=503, content_type="text/plain; charset=utf-8")
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@require_GET
def escalators(request: HttpRequest) -> HttpResponse:
    """Whether both escalators finished a full tick just now: for a monitor outside, which pages by its own way."""
    try:
        now, beats = database_now(), dict(Heartbeat.objects.values_list("name", "beat_at"))
    except (OperationalError, InterfaceError):
        connection.close()
        beats = {}
    alive = all(name in beats and now - beats[name] <= SILENT_AFTER for name in ESCALATORS)
    answer, status = ("ok\n", 200) if alive else ("silent\n", 503)
    return HttpResponse(answer, status=status, content_type="text/plain; charset=utf-8")


@require_GET
def watch(request: HttpRequest) -> HttpResponse:
    """Whether who watches the others lives, for the same monitor."""
    return _young(beats.WATCH, timedelta(seconds=30))


@require_GET
def canary(request: HttpRequest) -> HttpResponse:
    """Whether a test tip came through in the last quarter hour, for the same monitor."""
    return _young(beats.CANARY, timedelta(minutes=15))


def _young(name: str, age: timedelta) -> HttpResponse:
    try:
        young = Heartbeat.objects.filter(name=name, beat_at__gte=database_now() - age).exists()
    except (OperationalError, InterfaceError):
        connection.close()
        young = False
    answer, status = ("ok\n", 200) if young else ("silent\n", 503)
    return HttpResponse(answer, status=status, content_type="text/plain; charset=utf-8")


def _body(request: HttpRequest) -> bytes:
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise Refused(400) from None
    if length > BODY_LIMIT:
        raise Refused(413)
    return request.body


def _gateway_content(request: HttpRequest) -> Mapping[str, Any]:
    body = _body(request)
    stamp = request.headers.get("X-Tipline-Timestamp", "")
    signature = request.headers.get("X-Tipline-Signature", "")
    if not signatures.verify_gateway(settings.SMS_GATEWAY_SECRET, stamp, body, signature, now=time.time()):
        raise Refused(403)
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400) from None
    if not isinstance(content, dict):
        raise Refused(400)
    return content


def _twilio_form(request: HttpRequest) -> dict[str, str]:
    body = _body(request)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100, errors="strict")
    except ValueError:
        raise Refused(400) from None
    # Twilio signs the address it was given, not what a proxy made of it.
    query = request.META.get("QUERY_STRING", "")
    url = settings.PAGER_URL.rstrip("/") + request.path + (f"?{query}" if query else "")
    signature = request.headers.get("X-Twilio-Signature", "")
    if not signatures.verify_twilio(settings.TWILIO_TOKEN, url, pairs, signature):
        raise Refused(403)
    return dict(pairs)


def _reply(provider: str, content: Mapping[str, Any], names: Mapping[str, str]) -> Event:
    return _event("sms", provider, content, names, needed=("from", "text"))


def _receipt(provider: str, content: Mapping[str, Any], names: Mapping[str, str]) -> Event:
    return _event("receipt", provider, content, names, needed=("status",))


def _event(
    kind: str, provider: str, content: Mapping[str, Any], names: Mapping[str, str], *, needed: tuple[str, ...]
) -> Event:
    event = {"kind": kind, "provider": provider}
    for ours, theirs in names.items():
        value = content.get(theirs, "")
        if not isinstance(value, str) or (ours in needed and not value.strip()):
            raise Refused(400)
        event[ours] = value[:2000]
    return event


def _keep(secret: str, event: Event) -> None:
    """Seal and store an event; the same one twice is stored once."""
    rows.run(_KEEP, {"id": _id_of(secret, event), "sealed": events.seal_event(event)})
    if events.is_pressing(event):
        wake.wake(wake.PAGE)


def _id_of(secret: str, event: Event) -> UUID:
    """Derive the row's id from the provider's: of two equal callbacks the second finds its place taken."""
    said = json.dumps(event, sort_keys=True).encode()
    return UUID(bytes=hmac.new(secret.encode(), b"event|" + said, hashlib.sha256).digest()[:16], version=4)
