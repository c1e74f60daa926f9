"""The program's own texts for its people: whom to call, what to say and not, ready answers.

Until a program writes its own of a kind, ours stand there: they name nobody a program must have told us of.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.utils.translation import gettext as _

from intake.models import Program
from triage.models import ProgramText, TextKind

VARIABLES = ("program", "emergency", "crisis", "text_emergency")
"""What may stand in braces in a ready answer; everything else in braces is left as it is."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text as a page shows it; without an id it is one of ours."""

    kind: str
    title: str
    body: str
    language: str = ""
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Texts:
    """All texts of one program, ours where it has none of a kind."""

    contacts: list[Text]
    say: list[Text]
    not_say: list[Text]
    replies: list[Text]


def of(program: Program) -> Texts:
    """Return a program's texts: one query."""
    rows = list(ProgramText.objects.filter(program=program).order_by("title", "language", "pk"))
    own = {kind: [_text(row) for row in rows if row.kind == kind] for kind in TextKind}
    given = {kind: own[kind] or ours(kind, program) for kind in TextKind}
    return Texts(given[TextKind.CONTACT], given[TextKind.SAY], given[TextKind.NOT_SAY], given[TextKind.REPLY])


def ours(kind: TextKind, program: Program) -> list[Text]:
    """Return what stands there before a program wrote anything."""
    if kind == TextKind.CONTACT:
        return [
            Text(
                kind,
                _("Police control room"),
                _("%(number)s: a life is in danger") % {"number": program.emergency_number},
            ),
            Text(
                kind, _("Crisis line"), _("%(number)s: somebody may hurt themselves") % {"number": program.crisis_line}
            ),
            Text(kind, _("School"), _("the head, or who stands in: a pupil or the building is meant")),
            Text(kind, _("Child protection"), _("a child is hurt or left alone; the law may make you report it")),
        ]
    if kind == TextKind.SAY:
        return [
            Text(kind, "", _("One anonymous, unverified source.")),
            Text(kind, "", _("Who, where and when, in your own words, as far as it is known.")),
            Text(kind, "", _("What somebody could do now, and by when.")),
        ]
    if kind == TextKind.NOT_SAY:
        return [
            Text(kind, "", _("The words themselves, their language, or how and when they reached you.")),
            Text(kind, "", _("Anything only the sender can know.")),
            Text(kind, "", _("What you guess about who wrote.")),
        ]
    return [Text(kind, title, body, language) for language, title, body in REPLIES]


REPLIES = tuple(
    (str(each["language"]), str(each["title"]), str(each["body"]))
    for each in tomllib.loads((Path(__file__).parent / "replies.toml").read_text(encoding="utf-8"))["reply"]
)
"""Language, what it is for, the words. None confirms anything that was written."""


def filled(text: str, program: Program) -> str:
    """Put a program's own numbers in place of the variables."""
    values = {
        "program": program.name,
        "emergency": program.emergency_number,
        "crisis": program.crisis_line,
        "text_emergency": program.text_emergency,
    }
    for name in VARIABLES:
        text = text.replace("{" + name + "}", values[name])
    return text.strip()


def for_language(replies: Iterable[Text], language: str | None) -> list[Text]:
    """Put the answers in the sender's language first, then English, then the others."""
    return sorted(replies, key=lambda each: (each.language != (language or "en"), each.language != "en"))


def _text(row: ProgramText) -> Text:
    return Text(row.kind, row.title, row.body, row.language, row.pk)
