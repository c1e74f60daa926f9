"""What templates ask of the promise."""

from django import template

from intake import promise
from intake.models import Program

register = template.Library()


@register.filter
def promised(program: Program) -> list[str]:
    """The paragraphs of what this program promises."""
    return promise.paragraphs(program)


@register.filter
def not_promised(program: Program) -> list[str]:
    """What it says that it cannot protect from."""
    return promise.not_from(program)
