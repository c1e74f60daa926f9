"""What docs/openapi/public-v1.json says of the public API. Read by `manage.py openapi` only, never by the door."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers

from intake.channels import api, api_shapes
from intake.models import TipStatus
from tipline.rest.describing import WITH_BODY, described, header, problems

FILE = "public-v1.json"
TITLE = "Tipline: the public API"
TEXT = (
    "Send a tip, look for answers, add something, lock the code. Nobody is known: no cookie, no session, no account. "
    "Words or numbers of a receipt stand in the header Tipline-Receipt, never in an address."
)
SERVERS = (
    {"url": "/", "description": "The first program."},
    {
        "url": "/p/{program}",
        "description": "Each program; its words open nothing at another.",
        "variables": {"program": {"default": "first", "description": "Its short name, as in the address of its form."}},
    },
)
KEY = header(
    api.KEY,
    "22 to 128 random letters, digits, - or _, a new one for each message. The same key with the same body "
    "is the same message, and gives the same words for some minutes; with another body it is refused.",
    pattern=api.KEY_FORM,
)
WORDS = header(api.RECEIPT, "The seven words, or the seven numbers, of the receipt, in order.")
RECEIPT = {
    "type": "object",
    "properties": {
        "repeated": {"type": "boolean", "description": "This very message was stored before."},
        "words": {"type": ["string", "null"], "description": "Seven words; null where they cannot be shown again."},
        "numbers": {"type": ["string", "null"], "description": "The same as seven numbers of four digits."},
        "detail": {"type": "string"},
    },
    "required": ["repeated", "words", "numbers", "detail"],
    "additionalProperties": False,
}
ADDED = {
    "type": "object",
    "properties": {"repeated": {"type": "boolean", "description": "This very message was stored before."}},
    "required": ["repeated"],
    "additionalProperties": False,
}
CONVERSATION = {
    "type": "object",
    "properties": {
        "status": {
            "type": "string",
            "enum": [status.value for status in TipStatus if status != TipStatus.ERASED],
            "description": "Whether a person has opened it.",
        },
        "waiting": {"type": "boolean", "description": "Opened, but not yet what was added."},
        "replies": {"type": "array", "items": {"type": "string"}, "description": "Our answers, oldest first."},
    },
    "required": ["status", "waiting", "replies"],
    "additionalProperties": False,
}


class ProgramShape(serializers.Serializer[Any]):
    """What a client shows beside its box."""

    name = serializers.CharField()
    emergency_number = serializers.CharField()
    text_emergency = serializers.CharField(allow_blank=True)
    crisis_line = serializers.CharField()
    trafficking_hotline = serializers.CharField(allow_blank=True)
    duty_text = serializers.CharField(allow_blank=True)
    readers = serializers.IntegerField()
    police_reader = serializers.BooleanField()
    identity_allowed = serializers.BooleanField()


def _done(text: str, shape: Any = None) -> OpenApiResponse:
    return OpenApiResponse(shape, description=text)


def _links(first: str) -> dict[str, Any]:
    words = {f"header.{api.RECEIPT}": f"$response.body#/{first}"}
    return {
        operation: {"operationId": operation, "parameters": words} for operation in ("look", "add", "withdraw", "lock")
    }


def description() -> str:
    """Return the description as JSON."""
    extend_schema(
        operation_id="program", summary="Who reads here", responses={200: ProgramShape, **problems()}, auth=[]
    )(api.Program.get)
    extend_schema(
        operation_id="send",
        summary="Send a tip",
        request=api_shapes.Tip,
        parameters=[KEY],
        responses={
            201: _done("Stored. The words are shown this once.", RECEIPT),
            200: _done("Stored before: the same words, or none.", RECEIPT),
            **problems("key", "conflict", *WITH_BODY),
        },
        auth=[],
    )(api.Tips.post)
    extend_schema(
        operation_id="look",
        summary="Look for answers",
        parameters=[WORDS],
        responses={200: _done("The answers.", CONVERSATION), **problems("words", "not-found")},
        auth=[],
    )(api.Conversation.get)
    extend_schema(
        operation_id="add",
        summary="Add something",
        request=api_shapes.FollowUp,
        parameters=[WORDS, KEY],
        responses={
            201: _done("Stored.", ADDED),
            200: _done("Stored before.", ADDED),
            **problems("key", "words", "not-found", "conflict", *WITH_BODY),
        },
        auth=[],
    )(api.Messages.post)
    for view, name, text in (
        (api.Lock, "lock", "Lock the code for ever"),
        (api.Withdraw, "withdraw", "Remove the sender's name and how to reach them"),
    ):
        extend_schema(
            operation_id=name,
            summary=text,
            request=api_shapes.Confirmed,
            parameters=[WORDS],
            responses={204: _done("Done."), **problems("words", "not-found", *WITH_BODY)},
            auth=[],
        )(view.post)
    links = [("/api/v1/tips/", "post", "201", _links("words")), ("/api/v1/tips/", "post", "200", _links("numbers"))]
    return described("tipline.urls_public", TITLE, TEXT, links=links, servers=SERVERS)
