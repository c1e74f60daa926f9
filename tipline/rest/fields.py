"""Fields that take what the schema says and nothing that merely looks like it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

SHOWN = 20  # unknown names that an answer repeats


class Text(serializers.CharField):
    """A string as it was typed; numbers and booleans are no strings."""

    default_error_messages = {
        "invalid": "This must be a string.",
        "required": "This is missing.",
        "null": "This must be a string.",
        "blank": "This must not be empty.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)
        # What no database can hold (NUL, lone surrogates) is replaced, as in the form, and not refused.
        self.validators = [each for each in self.validators if "Prohibit" not in type(each).__name__]

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(data)


class Choice(serializers.ChoiceField):
    """One of a few strings."""

    default_error_messages = {"invalid_choice": "This must be one of the values that the schema names."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice")
        return super().to_internal_value(data)


class Tick(serializers.BooleanField):
    """true or false; "yes" and 1 are neither."""

    default_error_messages = {"invalid": "This must be true or false.", "null": "This must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return bool(data)


class Strict(serializers.Serializer[Any]):
    """An object with these fields and no others: a misspelt "danger" must not be lost in silence."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(set(data) - set(self.fields))[:SHOWN]
            if unknown:
                raise ValidationError({_token(name): ["There is no such field."] for name in unknown})
        return super().to_internal_value(data)


def _token(name: str) -> str:
    """A name as a part of a JSON pointer in a URI fragment (RFC 6901)."""
    return quote(name[:60].replace("~", "~0").replace("/", "~1"), errors="replace", safe="~")
