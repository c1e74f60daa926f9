"""What every console page is given."""

from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from triage.console import permissions, programs
from triage.models import User


def console(request: HttpRequest) -> dict[str, Any]:
    """Say whose program it is, whether this session can read and how long it may rest, and where the styleguide is."""
    user = getattr(request, "user", None)
    signed_in = isinstance(user, User)
    return {
        # A page about one tip names that tip's program itself.
        "program": SimpleLazyObject(partial(programs.program, request)) if isinstance(user, User) else None,
        "several_programs": SimpleLazyObject(partial(programs.names, request)),
        "opens": permissions.Opens(request),
        "unlocked": signed_in and getattr(request, "vault", None) is not None,
        "idle_minutes": settings.UNLOCKED_IDLE_MINUTES,
        "local": settings.LOCAL,
    }
