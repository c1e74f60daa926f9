"""`{% way %}`: says whether this visit came through Tor, on every page where something is typed."""

from django import template
from django.conf import settings

from tipline import onion

register = template.Library()


@register.inclusion_tag("intake/_way.html")
def way() -> dict[str, str]:
    """Return how the visit came, and the onion's address if there is one."""
    return {"way": onion.way(), "onion": settings.ONION_HOST}
