"""What our middleware adds to a request, and which pages are open to whom."""

from collections.abc import Callable
from typing import TypeVar

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from triage.models import User
from triage.vault.keys import Unlocked


class AnyRequest(HttpRequest):
    """A request of somebody who may not be signed in."""

    user: User | AnonymousUser
    vault: Unlocked | None
    htmx: HtmxDetails
    just_unlocked: Unlocked


class ConsoleRequest(AnyRequest):
    """A request of somebody signed in with both factors. `vault` is None while locked."""

    user: User


View = TypeVar("View", bound=Callable[..., HttpResponseBase])

ANYONE, PASS_PHRASE_ONLY, PASSKEY_ALONE = "anyone", "pass phrase only", "passkey alone"
UNLOCKED, JUST_UNLOCKED = "unlocked", "just unlocked"
_MARK = "tipline_open_to"


def open_to(whom: str) -> Callable[[View], View]:
    """Mark a view. Unmarked, it takes the pass phrase and a second factor, and works locked.

    PASSKEY_ALONE also takes a session that a passkey began and no pass phrase: it shows nothing sealed.
    JUST_UNLOCKED asks for the pass phrase again after five minutes.
    """

    def mark(view: View) -> View:
        setattr(view, _MARK, whom)
        return view

    return mark


def whom(view: Callable[..., HttpResponseBase]) -> str:
    """Return whom a view was marked as open to; empty for the ordinary one."""
    marked: str = getattr(view, _MARK, "")
    return marked


def came_from(request: HttpRequest) -> str | None:
    """Return the address after `next=` if it is a path of this site: no name of a page, and no other site."""
    target = request.GET.get("next", "")
    return target if target.startswith("/") and url_has_allowed_host_and_scheme(target, None) else None
