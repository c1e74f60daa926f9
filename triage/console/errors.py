"""Refusals of the coordinators' door, in words that say what to do."""

from django.http import HttpRequest, HttpResponse


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that the page was too old to send."""
    return HttpResponse("", status=403)
