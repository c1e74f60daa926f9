"""Naming the program of a tip, for people of several."""

from collections.abc import Mapping
from uuid import UUID

from django import template

register = template.Library()


@register.filter
def named(names: Mapping[UUID, str], program_id: UUID) -> str:
    """The name of this program among those of the person; nothing for a person of one."""
    return names.get(program_id, "")
