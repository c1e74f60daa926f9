"""The public REST API, version 1: the same actions as the pages, for programs.

Words or numbers come in the header Tipline-Receipt and stand in no address. No cookie, no session, nobody is
known, nothing is counted by address. Each program has the same calls below its own address, `/p/<slug>/api/`.
Its description is docs/openapi/public-v1.json; docs/api.md shows each call.
"""

import re
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from intake import actions, keys, models
from intake.channels import api_shapes, whose
from intake.models import TipStatus
from tipline.kernel.receipts import Phrase
from tipline.rest.problems import Problem
from tipline.rest.views import Api, Published

CHANNEL = "api"
RECEIPT = "Tipline-Receipt"
KEY = "Idempotency-Key"
KEY_FORM = r"^[A-Za-z0-9_-]{22,128}$"
_KEY = re.compile(KEY_FORM.replace("$", r"\Z"))

STORED = "We have it."
STORED_BEFORE = "We have it already: these are the words you were given."
WORDS_GONE = "We have it already; the words cannot be shown again."
_REUSED = "Something else was sent with this Idempotency-Key. To send this as well, use a new one."
_NOTHING = "We find nothing under these words. If a code was locked, it stays locked."
_NO_NAMES = "This program takes no submitter details."


class Program(Api):
    """What a client shows beside its box: who reads, and whom to call in danger."""

    def get(self, request: Request, slug: str = "") -> Response:
        shown = _program(slug)
        return Response(
            {
                "name": shown.name,
                "emergency_number": shown.emergency_number,
                "text_emergency": shown.text_emergency,
                "crisis_line": shown.crisis_line,
                "trafficking_hotline": shown.trafficking_hotline,
                "duty_text": shown.duty_text,
                "readers": shown.readers,
                "police_reader": shown.police_reader,
                "identity_allowed": shown.identity_allowed,
            }
        )


class Tips(Api):
    """Send a tip."""

    def post(self, request: Request, slug: str = "") -> Response:
        key = _key(request)
        given = self.given(request, api_shapes.Tip)
        program, who = _program(slug), api_shapes.identity(given)
        if who and not program.identity_allowed:
            errors = [{"pointer": f"#/{name}", "detail": _NO_NAMES} for name in ("name", "reach") if given[name]]
            raise Problem("invalid", errors=errors)
        message = api_shapes.message(given)
        try:
            done = actions.submit(program, message, who, channel=CHANNEL, key=key, now=timezone.now())
        except actions.KeyReused:
            raise Problem("conflict", _REUSED) from None
        except keys.KeyNotTrusted:
            raise Problem("away") from None
        return Response(_receipt(done), status=200 if done.repeated else 201)


class Conversation(Api):
    """Look for answers; never what was sent."""

    def get(self, request: Request, slug: str = "") -> Response:
        program = _program(slug)
        try:
            found = actions.conversation(program, _phrase(request))
        except actions.NoSuchReceipt:
            raise _nothing() from None
        opened = found.status != TipStatus.RECEIVED
        return Response({"status": found.status.value, "waiting": opened and found.waiting, "replies": found.replies})


class Messages(Api):
    """Add something to a tip: it is treated like a tip."""

    def post(self, request: Request, slug: str = "") -> Response:
        key = _key(request)
        message, program = api_shapes.message(self.given(request, api_shapes.FollowUp)), _program(slug)
        try:
            phrase, now = _phrase(request), timezone.now()
            fresh = actions.follow_up(program, phrase, message, channel=CHANNEL, key=key, now=now)
        except actions.NoSuchReceipt:
            raise _nothing() from None
        except actions.KeyReused:
            raise Problem("conflict", _REUSED) from None
        except keys.KeyNotTrusted:
            raise Problem("away") from None
        return Response({"repeated": not fresh}, status=201 if fresh else 200)


class Lock(Api):
    """Make the words lead nowhere, for ever."""

    def post(self, request: Request, slug: str = "") -> Response:
        self.given(request, api_shapes.Confirmed)
        try:
            actions.lock(_program(slug), _phrase(request))
        except actions.NoSuchReceipt:
            raise _nothing() from None
        return Response(status=204)


class Withdraw(Api):
    """Take back who one is. The answer is the same whether anything was there."""

    def post(self, request: Request, slug: str = "") -> Response:
        self.given(request, api_shapes.Confirmed)
        try:
            actions.withdraw_identity(_program(slug), _phrase(request), now=timezone.now())
        except actions.NoSuchReceipt:
            raise _nothing() from None
        return Response(status=204)


class Schema(Published):
    """The description of this API (OpenAPI 3)."""

    file = "public-v1.json"


def _program(slug: str) -> models.Program:
    """The program whose address was called."""
    here = whose.at(slug)
    if here is None:
        raise Problem("not-found")
    return here.program


def _phrase(request: Request) -> Phrase:
    """The words somebody came with.

    What cannot be words is looked up as words that nobody has: no refusal is quicker than another.
    """
    typed = request.headers.get(RECEIPT)
    if typed is None:
        raise Problem("words")
    return Phrase.parse(typed) or Phrase.random()


def _nothing() -> Problem:
    return Problem("not-found", _NOTHING)


def _key(request: Request) -> str:
    key: str = request.headers.get(KEY, "")
    if not _KEY.match(key):
        raise Problem("key")
    return key


def _receipt(done: actions.Submitted) -> dict[str, Any]:
    phrase = done.phrase
    said = WORDS_GONE if phrase is None else STORED_BEFORE if done.repeated else STORED
    return {
        "repeated": done.repeated,
        "words": " ".join(phrase.words) if phrase else None,
        "numbers": " ".join(phrase.numbers) if phrase else None,
        "detail": said,
    }
