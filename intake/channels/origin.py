"""Refusing posts that another site's page sent."""

from django.http import HttpRequest

OURS = {"same-origin", "none"}


def foreign(request: HttpRequest) -> bool:
    """Whether the browser says that another site made it send this. Old browsers say nothing: the nonce holds there."""
    return request.META.get("HTTP_SEC_FETCH_SITE", "none") not in OURS
