"""What every console page is given."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from triage.models import User


def console(request: HttpRequest) -> dict[str, Any]:
    """Say whether this session can read and how long it may rest, and where the styleguide is mounted."""
    signed_in = isinstance(getattr(request, "user", None), User)
    return {
        "unlocked": signed_in and getattr(request, "vault", None) is not None,
        "idle_minutes": settings.UNLOCKED_IDLE_MINUTES,
        "local": settings.LOCAL,
    }
