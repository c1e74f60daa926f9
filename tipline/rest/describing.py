"""The descriptions of the APIs (OpenAPI 3), made from the views: for docs/openapi and for nothing that runs.

scripts/manage openapi            writes them anew
scripts/manage openapi --check    says whether they are up to date
"""

import json
from collections.abc import Iterable
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from tipline.rest.problems import DETAILS, KINDS, MEDIA_TYPE, PREFIX


class Pointed(serializers.Serializer[Any]):
    """What is wrong with one field."""

    pointer = serializers.CharField()
    detail = serializers.CharField()


class ProblemShape(serializers.Serializer[Any]):
    """A problem as RFC 9457 has it."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = Pointed(many=True, required=False)  # type: ignore[assignment]


def problems(*kinds: str) -> dict[tuple[int, str], Any]:
    """The responses of an operation that may be refused in these ways, and in those that every one may."""
    by_status: dict[int, list[str]] = {}
    for kind in (*kinds, "not-acceptable", "away"):
        by_status.setdefault(KINDS[kind][0], []).append(kind)
    return {
        (status, MEDIA_TYPE): OpenApiResponse(
            ProblemShape,
            description=" ".join(KINDS[kind][1] for kind in found),
            examples=[_example(kind) for kind in found],
        )
        for status, found in sorted(by_status.items())
    }


WITH_BODY = ("unreadable", "media-type", "too-large", "invalid")


def header(name: str, text: str, *, pattern: str = "", required: bool = True) -> OpenApiParameter:
    """A header that a call brings."""
    shape: dict[str, Any] = {"type": "string"} | ({"pattern": pattern} if pattern else {})
    return OpenApiParameter(name, shape, OpenApiParameter.HEADER, required=required, description=text)


def described(
    urlconf: str,
    title: str,
    text: str,
    *,
    links: Iterable[tuple[str, str, str, dict[str, Any]]] = (),
    servers: Iterable[dict[str, Any]] = (),
) -> str:
    """Return the description of what lies below /api/v1/ of a door, as JSON.

    `servers` are the addresses that the same calls are found below, as OpenAPI writes them; `links` are (path, method,
    status, links): what OpenAPI calls so, and drf-spectacular cannot say.
    """
    told = {
        "TITLE": title,
        "DESCRIPTION": text,
        "VERSION": "1",
        "OAS_VERSION": "3.1.0",
        "SERVERS": list(servers),
        "SCHEMA_PATH_PREFIX": r"/api/v1/",
        "PREPROCESSING_HOOKS": ["tipline.rest.describing.only_ours"],
        "POSTPROCESSING_HOOKS": ["tipline.rest.describing.strict"],
        "COMPONENT_SPLIT_REQUEST": True,
        "DISABLE_ERRORS_AND_WARNINGS": False,
        "AUTHENTICATION_WHITELIST": None,
        "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    }
    with patched_settings(told):
        maker: Any = SchemaGenerator
        found = maker(urlconf=urlconf).get_schema(request=None, public=True)
    for path, method, status, more in links:
        found["paths"][path][method]["responses"][status]["links"] = more
    return json.dumps(found, indent=2, ensure_ascii=False, sort_keys=False) + "\n"


def only_ours(endpoints: list[Any], **_: Any) -> list[Any]:
    """Keep what lies below /api/v1/."""
    return [each for each in endpoints if each[0].startswith("/api/v1/") and not each[0].endswith("/schema/")]


def strict(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say of every object that comes in that it has no other fields; leave out the library's own notes."""
    for name, shape in result.get("components", {}).get("schemas", {}).items():
        if name.endswith("Request"):
            shape["additionalProperties"] = False
        for field in shape.get("properties", {}).values():
            field.pop("x-spec-enum-id", None)
    return result


def _example(kind: str) -> OpenApiExample:
    status, title = KINDS[kind]
    said = {"type": PREFIX + kind, "title": title, "status": status, "detail": DETAILS[kind]}
    return OpenApiExample(kind, said, response_only=True, status_codes=[str(status)], media_type=MEDIA_TYPE)
