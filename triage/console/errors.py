"""Refusals of the coordinators' door, in words that say what to do."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that the page was too old to send; why exactly is nobody else's business."""
    return render(request, "console/page_too_old.html", status=403)
