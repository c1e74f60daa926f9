"""Reading the body of an API call: one JSON object, strictly, and no more of it than is allowed."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

DEPTH = 8


class StrictJson(BaseParser):
    """JSON as RFC 8259 has it, in UTF-8: an object without NaN, Infinity or a name that stands twice."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            body = stream.read(settings.API_BODY_LIMIT + 1)
        except UnreadablePostError:
            raise ParseError from None
        if len(body) > settings.API_BODY_LIMIT:
            raise RequestDataTooBig
        try:
            found = json.loads(body.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_once)
        except (ValueError, RecursionError):
            raise ParseError from None
        if not isinstance(found, dict) or _deeper(found, DEPTH):
            raise ParseError
        return found


def check(request: HttpRequest) -> None:
    """Look at what a call says about its body before a byte of it is read.

    Raises UnsupportedMediaType, RequestDataTooBig.
    """
    kind, _, rest = request.META.get("CONTENT_TYPE", "").partition(";")
    parameters = [part.strip().lower() for part in rest.split(";") if part.strip()]
    if kind.strip().lower() != StrictJson.media_type:
        raise UnsupportedMediaType("")
    if any(part not in {"charset=utf-8", 'charset="utf-8"'} for part in parameters):
        raise UnsupportedMediaType("")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isascii() or not length.isdigit() or len(length) > 12 or int(length) > settings.API_BODY_LIMIT:
        raise RequestDataTooBig


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two readers would take two different values: nobody shall be able to hide one from the other.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("A name stands twice.")
    return found


def _deeper(value: Any, depth: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return bool(inner) and (depth == 0 or any(_deeper(each, depth - 1) for each in inner))
