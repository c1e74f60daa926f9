"""What docs/openapi/console-v1.json says of the console's API. Read by `manage.py openapi` only, never by the door."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from intake.channels.forms import YES_NO
from intake.message import Message
from tipline.rest.describing import described, problems
from triage.api import views
from triage.models import CaseStatus, Urgency

FILE = "console-v1.json"
TITLE = "Tipline: the API of the console"
TEXT = (
    "For programs that somebody gave a token: list what is open, take it, and read it where a key was sealed to the "
    "token. Only a person ends a page. Nothing here says who a sender is."
)
TEXTS = {"type": "string"}
ANSWERS = {"type": "string", "enum": ["", *(value for value, _ in YES_NO)]}
COUNT = {"type": "integer", "minimum": 0}
LEVEL = {"type": "string", "enum": list(Urgency.values)}


def _object(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _or_null(shape: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [shape, {"type": "null"}]}


PAGE = _object(
    number=COUNT | {"description": "What people say aloud: page 27."},
    level=LEVEL,
    taken={"type": "boolean", "description": "Somebody has it, and has not opened it yet."},
    seconds=COUNT | {"description": "Since it began."},
)
CASE = _object(
    id=TEXTS | {"format": "uuid"},
    reference=TEXTS | {"description": "What people say and type, for example K4M 9TX."},
    level=LEVEL,
    status={"type": "string", "enum": list(CaseStatus.values)},
    unread=COUNT | {"description": "Messages no person has opened yet."},
    week=TEXTS | {"format": "date", "description": "The Monday of the week it came."},
    taken_by=_or_null(TEXTS),
    page=_or_null(PAGE),
)
CASES = _object(
    cases={"type": "array", "items": CASE},
    next=_or_null(COUNT | {"description": "What to ask as `after` for more."}),
)
SAID = _object(
    **{
        name: {"type": "boolean"}
        if isinstance(given, bool)
        else ANSWERS
        if name in {"danger", "guessable", "worse_if_police"}
        else TEXTS
        for name, given in ((each, getattr(Message(text=""), each)) for each in Message.__dataclass_fields__)
    }
)
MESSAGES = _object(
    messages={
        "type": "array",
        "items": _object(
            number=COUNT | {"description": "0 is the tip, the others were added."},
            status={"type": "string", "enum": ["received", "opened", "closed"]},
            level=_or_null(LEVEL),
            categories={"type": "array", "items": TEXTS},
            language=_or_null(TEXTS),
            quarter=TEXTS | {"format": "date-time", "description": "The quarter hour in which it came."},
            said=SAID,
        ),
    }
)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the description names the token."""

    target_class = "triage.api.bearer.TokenInHeader"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "Made in the console, under “You”."}


def _links(where: str) -> dict[str, Any]:
    given = {"path.case_id": f"$response.body#/{where}id"}
    return {name: {"operationId": name, "parameters": given} for name in ("case", "text", "take")}


def description() -> str:
    """Return the description as JSON."""
    number: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 999_999}
    after = OpenApiParameter("after", number, required=False, description="What `next` said.")
    operations: list[tuple[Any, str, str, dict[str, Any], dict[str, Any]]] = [
        (views.Cases.get, "cases", "List open cases", CASES, {"parameters": [after]}),
        (views.OneCase.get, "case", "Look at one case", CASE, {}),
        (views.Text.get, "text", "Read what was written", MESSAGES, {}),
        (views.Take.post, "take", "Take a case", CASE, {"request": None}),
    ]
    for view, name, summary, shape, more in operations:
        kinds = ["token"]
        kinds += ["invalid"] if name == "cases" else ["not-found"]
        kinds += ["forbidden"] if name in {"text", "take"} else []
        kinds += ["conflict"] if name == "take" else []
        answers: dict[Any, Any] = {200: OpenApiResponse(shape, description=summary), **problems(*kinds)}
        if name == "cases":
            # Said by the server itself, before any view: an address has at most 4,094 bytes here.
            answers[414, "text/html"] = OpenApiResponse(TEXTS, description="The address is too long.")
        extend_schema(operation_id=name, summary=summary, responses=answers, **more)(view)
    links = [("/api/v1/cases/", "get", "200", _links("cases/0/"))]
    return described("tipline.urls_console", TITLE, TEXT, links=links)
