"""Refusals of the APIs, as RFC 9457 has them: `application/problem+json` with type, title, status and detail.

None repeats what was sent, but for the names of fields.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions

MEDIA_TYPE = "application/problem+json"
PREFIX = "urn:tipline:problem:"
_API = re.compile(r"(/p/[^/]+)?/api/")

# kind -> status, title. The kind ends the `type` of the problem; docs/api.md lists them all.
KINDS: dict[str, tuple[int, str]] = {
    "unreadable": (400, "What came could not be read."),
    "key": (400, "The header Idempotency-Key is missing or unfit."),
    "words": (400, "The header Tipline-Receipt is missing."),
    "token": (401, "A token is needed."),
    "forbidden": (403, "This token may not do that."),
    "not-found": (404, "There is nothing here."),
    "method": (405, "This address does not know that method."),
    "not-acceptable": (406, "Only JSON is sent from here."),
    "conflict": (409, "Something else came before."),
    "too-large": (413, "That is too much at once."),
    "media-type": (415, "Send JSON."),
    "invalid": (422, "Some of it is not as it should be."),
    "broken": (500, "Something broke here."),
    "away": (503, "Nothing can be stored or looked up just now."),
}
DETAILS = {
    "unreadable": "The body must be one JSON object in UTF-8, each name once, without NaN or Infinity.",
    "key": "Send 22 to 128 random letters, digits, - or _: a new key for each message.",
    "words": "Send the seven words, or the seven numbers, in it.",
    "token": "Send the header Authorization: Bearer, and a token that is in force.",
    "forbidden": "Its owner can make another token that may.",
    "not-found": "Look at the address; it ends with a slash.",
    "method": "The header Allow names those it knows.",
    "not-acceptable": "Let the header Accept take application/json.",
    "conflict": "Read what is there now, then decide again.",
    "too-large": "A body has at most 256 KB. Send it in parts.",
    "media-type": "The header Content-Type must be application/json, in UTF-8.",
    "invalid": "Each error names its place and what to change.",
    "broken": "It is our fault. Try again in a minute, with the same Idempotency-Key.",
    "away": "Nothing was stored. Try again in a minute, with the same Idempotency-Key.",
}
RETRY_AFTER = "10"


class Problem(Exception):
    """A refusal a view raises; `kind` is one of KINDS."""

    def __init__(self, kind: str, detail: str = "", **more: Any) -> None:
        super().__init__(kind)
        self.kind, self.detail, self.more = kind, detail, more


def answer(kind: str, detail: str = "", **more: Any) -> HttpResponse:
    """Return the response for a problem; what is in `more` stands beside its five members."""
    status, title = KINDS[kind]
    said = {"type": PREFIX + kind, "title": title, "status": status, "detail": detail or DETAILS[kind], **more}
    text = json.dumps(said, ensure_ascii=False).encode()
    response = HttpResponse(text, status=status, content_type=MEDIA_TYPE)
    if status == 503:
        response["Retry-After"] = RETRY_AFTER
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


_OURS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (exceptions.UnsupportedMediaType, "media-type"),
    (exceptions.NotAcceptable, "not-acceptable"),
    (exceptions.MethodNotAllowed, "method"),
    ((exceptions.NotAuthenticated, exceptions.AuthenticationFailed), "token"),
    ((exceptions.PermissionDenied, PermissionDenied), "forbidden"),
    ((exceptions.NotFound, Http404), "not-found"),
    (exceptions.ParseError, "unreadable"),
    (RequestDataTooBig, "too-large"),
    ((DatabaseError, InterfaceError), "away"),
)


def handle(exc: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Say what a view raised as a problem; None, which ends as 500, for what nobody foresaw."""
    if isinstance(exc, Problem):
        return answer(exc.kind, exc.detail, **exc.more)
    if isinstance(exc, exceptions.ValidationError):
        return answer("invalid", errors=_pointed(exc.detail))
    kind = next((kind for types, kind in _OURS if isinstance(exc, types)), None)
    return answer(kind) if kind else None


def _pointed(detail: Any) -> list[dict[str, str]]:
    """The first errors of each field, with a JSON pointer as RFC 9457 shows it."""
    found = detail.items() if isinstance(detail, dict) else [("", detail)]
    return [{"pointer": f"#/{name}" if name else "#", "detail": str(errors[0])} for name, errors in found if errors]


def here(kind: str, page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A door's handler of errors outside of any view: a problem below an /api/, its own page elsewhere."""

    def handler(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        if _API.match(request.path):
            return answer(kind)
        return page(request) if exception is None else page(request, exception)

    return handler
