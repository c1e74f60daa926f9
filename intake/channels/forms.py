"""What the form takes, and how it says what it cannot take."""

from typing import Any, Self

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from intake.message import Identity, Message, storable

SHORT, LONG = 300, 2_000
YES_NO = [("yes", _("Yes")), ("no", _("No")), ("unsure", _("Not sure"))]


class Shared:
    """A field that no form changes: copying fourteen for every form cost more than reading what was typed."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


class Typed(Shared, forms.CharField):
    """Text kept as it was typed; only what cannot be stored is replaced."""

    def __init__(self, limit: int, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)
        self.limit = limit
        # A stored NUL is impossible and a refused one would frighten: `storable` replaces it.
        self.validators = []

    def to_python(self, value: Any) -> str:
        return storable(super().to_python(value) or "")

    def validate(self, value: str) -> None:
        if self.required and not value.strip():
            raise ValidationError(self.error_messages["required"], code="required")
        if len(value) > self.limit:
            raise ValidationError(
                gettext(
                    "This is too long: %(length)d characters. At most %(limit)d fit. Shorten it, or send it in parts."
                )
                % {"length": len(value), "limit": self.limit},
                code="too_long",
            )


class YesNo(Shared, forms.ChoiceField):
    """Yes, no, not sure, or no answer."""

    def __init__(self) -> None:
        super().__init__(
            choices=YES_NO, required=False, error_messages={"invalid_choice": _("Choose one of the three.")}
        )


class Tick(Shared, forms.BooleanField):
    """Ticked or not; neither is asked for."""

    def __init__(self) -> None:
        super().__init__(required=False)


class FollowUpForm(forms.Form):
    """What a returning sender adds."""

    text = Typed(
        settings.TIP_TEXT_LIMIT,
        error_messages={"required": _("Write something first. Half a sentence is enough.")},
    )
    danger = YesNo()

    def message(self) -> Message:
        return Message(text=self.cleaned_data["text"], danger=self.cleaned_data["danger"])


class TipForm(FollowUpForm):
    """The whole form; only `text` must be filled in."""

    about_me = Tick()
    insider = Tick()
    who_knows = Typed(LONG, required=False)
    guessable = YesNo()
    worse_if_police = YesNo()
    people = Typed(LONG, required=False)
    vehicle = Typed(SHORT, required=False)
    place = Typed(SHORT, required=False)
    time = Typed(SHORT, required=False)
    school = Typed(SHORT, required=False)
    name = Typed(SHORT, required=False)
    reach = Typed(SHORT, required=False)

    def message(self) -> Message:
        given = dict(self.cleaned_data)
        del given["name"], given["reach"]
        return Message(**given)

    def identity(self) -> Identity:
        return Identity(self.cleaned_data["name"].strip(), self.cleaned_data["reach"].strip())
