"""The onion service, where one is set up: what the ordinary site says of it, and how a visit came here.

No address is looked at: a visit came by onion if it asked for the onion's name. docs/operator-guide.md, "Tor".
"""

from collections.abc import Callable
from contextvars import ContextVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]

CLEAR, ONION, RELAYED = "clear", "onion", "relayed"
"""Over the ordinary internet; through Tor; through Tor, but by a site that relays it and sees everything (tor2web)."""

_way: ContextVar[str] = ContextVar("way", default=CLEAR)


def way() -> str:
    """How the request came that is being answered here."""
    return _way.get()


def way_of(request: HttpRequest) -> str:
    """How a request came."""
    host = request.META.get("HTTP_HOST", "").lower().partition(":")[0]
    if not settings.ONION_HOST or host != settings.ONION_HOST:
        return CLEAR
    return RELAYED if "HTTP_X_TOR2WEB" in request.META else ONION


class OnionMiddleware:
    """Offer the onion's address with every page of the ordinary site, and nothing of that site on the onion."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        before = _way.set(way_of(request))
        try:
            response = self.get_response(request)
            if way() != CLEAR:
                # It is meant for names with certificates, and lasts longer than a visit.
                response.headers.pop("Strict-Transport-Security", None)
            elif settings.ONION_HOST and response.get("Content-Type", "").startswith("text/html"):
                # The path alone: a query could be anything.
                response.headers["Onion-Location"] = f"http://{settings.ONION_HOST}{request.path}"
            return response
        finally:
            _way.reset(before)
