"""What an API call brings, field by field: the form's fields, under the form's limits."""

from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator

from intake.channels.forms import LONG, SHORT, YES_NO
from intake.message import Identity, Message, storable
from tipline.rest.fields import Choice, Strict, Text, Tick

# What JavaScript and Python call blank differs: this is neither's, so that the description means the same to both.
NOT_BLANK = r"[^\s\u001c-\u001f\u0085\ufeff]"
ANSWERS = [value for value, _ in YES_NO]


class Typed(Text):
    """Text kept as it was typed; only what cannot be stored is replaced, as in the form."""

    def to_internal_value(self, data: Any) -> str:
        return storable(super().to_internal_value(data))


def _text() -> Typed:
    return Typed(
        max_length=settings.TIP_TEXT_LIMIT,
        validators=[RegexValidator(NOT_BLANK, "This must not be empty.")],
        error_messages={"max_length": f"At most {settings.TIP_TEXT_LIMIT} characters fit. Send it in parts."},
        help_text="What happened, or is going to happen. Half a sentence is enough.",
    )


def _optional(limit: int, help_text: str) -> Typed:
    return Typed(
        max_length=limit,
        required=False,
        allow_blank=True,
        default="",
        error_messages={"max_length": f"At most {limit} characters fit."},
        help_text=help_text,
    )


def _yes_no(help_text: str) -> Choice:
    return Choice(choices=ANSWERS, required=False, help_text=help_text)


def _tick(help_text: str) -> Tick:
    return Tick(required=False, default=False, help_text=help_text)


class FollowUp(Strict):
    """What a returning sender adds."""

    text = _text()
    danger = _yes_no("Is somebody in danger right now? `yes` calls somebody at once.")


class Tip(FollowUp):
    """What somebody has to tell. Only `text` must be there."""

    about_me = _tick("It happens to the sender.")
    insider = _tick("It is about somebody in the police, the school or this program: other people read it.")
    who_knows = _optional(LONG, "Who else knows this?")
    guessable = _yes_no("Could somebody guess who wrote it?")
    worse_if_police = _yes_no("Would it get worse if police came today?")
    people = _optional(LONG, "Who is it about?")
    vehicle = _optional(SHORT, "A vehicle.")
    place = _optional(SHORT, "Where?")
    time = _optional(SHORT, "When?")
    school = _optional(SHORT, "Which school?")
    name = _optional(SHORT, "Who the sender is, if they want to say it. Locked apart from the rest.")
    reach = _optional(SHORT, "How to reach the sender, if they want to say it. Locked apart from the rest.")


class Confirmed(Strict):
    """That what cannot be undone is meant."""

    confirm = Choice(choices=["yes"], help_text="Nobody may see the answers again, not even the sender.")


def message(given: dict[str, Any]) -> Message:
    """The message of a call that was checked."""
    return Message(**{name: value for name, value in given.items() if name not in {"name", "reach"}})


def identity(given: dict[str, Any]) -> Identity:
    """Who the sender says they are."""
    return Identity(given["name"].strip(), given["reach"].strip())
