"""The pages the public door shows, and the form page kept as bytes."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from intake.channels import nonce
from intake.channels.forms import TipForm
from intake.models import Program

_NONCE_HERE = "nonce-goes-here"
SECONDS_KEPT = 10.0
_kept: list[tuple[float, Program]] = []


def program() -> Program:
    """Return the program this door serves; while the database is away, the one last seen or a plain one."""
    import time

    if not _kept or time.monotonic() - _kept[0][0] > SECONDS_KEPT:
        try:
            found = Program.objects.order_by("slug").first()
        except Error:
            found = None
        if found is not None:
            _kept[:] = [(time.monotonic(), found)]
    if _kept:
        return _kept[0][1]
    return Program(name=_("this program"), changed_on=timezone.now().date())


def forget() -> None:
    """Drop what is remembered (tests)."""
    _kept.clear()


def blank_form(now: datetime) -> HttpResponse:
    """Return the empty form: the same bytes for everyone but for the nonce."""
    shown = program()
    page = _rendered(get_language() or settings.LANGUAGE_CODE, *_version(shown))
    return HttpResponse(page.replace(_NONCE_HERE.encode(), nonce.make(now).encode()))


def _version(shown: Program) -> tuple[tuple[str, Any], ...]:
    return tuple((field.attname, getattr(shown, field.attname)) for field in Program._meta.concrete_fields)


@lru_cache(maxsize=32)
def _rendered(language: str, *version: tuple[str, Any]) -> bytes:
    context = {"program": Program(**dict(version)), "form": TipForm(), "nonce": _NONCE_HERE}
    return render_to_string("intake/tip_form.html", context).encode()


def tip_form(request: HttpRequest, form: TipForm, now: datetime, *, status: int) -> HttpResponse:
    """Show the form again with what was typed and what to change."""
    context = {"program": program(), "form": form, "nonce": nonce.make(now)}
    return render(request, "intake/tip_form.html", context, status=status)


def error(request: HttpRequest, title: str, message: str, *, status: int, **context: Any) -> HttpResponse:
    """Say what went wrong and what to do."""
    shown = {"program": program(), "title": title, "message": message, "status": status, **context}
    return render(request, "intake/error.html", shown, status=status)
