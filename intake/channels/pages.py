"""The pages the public door shows. Form and receipt are the same for everyone but for a few words: kept as bytes."""

import time
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
from intake.channels.visit import Visit
from intake.models import Program
from tipline import onion
from tipline.kernel.receipts import COUNT, Phrase

_NONCE_HERE = "nonce-goes-here"
_VISIT_HERE = "visit-goes-here"
_WORDS_HERE = [f"word-{n}-goes-here" for n in range(COUNT)]
_NUMBERS_HERE = [f"number-{n}-goes-here" for n in range(COUNT)]
SECONDS_KEPT = 10.0
_kept: list[tuple[float, Program]] = []


def program() -> Program:
    """Return the program this door serves; while the database is away, the one last seen or a plain one."""
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
    page = _rendered(get_language() or settings.LANGUAGE_CODE, onion.way(), *_version(shown))
    return HttpResponse(page.replace(_NONCE_HERE.encode(), nonce.make(now).encode()))


def _version(shown: Program) -> tuple[tuple[str, Any], ...]:
    return tuple((field.attname, getattr(shown, field.attname)) for field in Program._meta.concrete_fields)


@lru_cache(maxsize=32)
def _rendered(language: str, way: str, *version: tuple[str, Any]) -> bytes:
    context = {"program": Program(**dict(version)), "form": TipForm(), "nonce": _NONCE_HERE}
    return render_to_string("intake/tip_form.html", context).encode()


def tip_form(request: HttpRequest, form: TipForm, now: datetime, *, status: int, again: str = "") -> HttpResponse:
    """Show the form again with what was typed and what to change.

    `again` is the nonce it came with, where it may have been stored all the same: sent once more it is one tip.
    """
    context = {"program": program(), "form": form, "nonce": again or nonce.make(now)}
    return render(request, "intake/tip_form.html", context, status=status)


def receipt(phrase: Phrase, *, danger: bool, sent_with: str, now: datetime) -> HttpResponse:
    """Return the receipt page with these words and numbers in it, and the nonce by which leaving it spends it."""
    page = _rendered_receipt(get_language() or settings.LANGUAGE_CODE, danger, *_version(program()))
    page = page.replace(_NONCE_HERE.encode(), sent_with.encode())
    page = page.replace(_VISIT_HERE.encode(), Visit(phrase, sent_with).token(now).encode())
    for place, part in zip(_WORDS_HERE + _NUMBERS_HERE, phrase.words + phrase.numbers, strict=True):
        page = page.replace(place.encode(), part.encode())
    return HttpResponse(page)


@lru_cache(maxsize=32)
def _rendered_receipt(language: str, danger: bool, *version: tuple[str, Any]) -> bytes:
    """Return the receipt page with place-holders: rendering takes longer than sealing and storing a tip."""
    parts = {"words": _WORDS_HERE, "numbers": _NUMBERS_HERE, "spend": _NONCE_HERE, "visit": _VISIT_HERE}
    context = {"program": Program(**dict(version)), "danger": danger, **parts}
    return render_to_string("intake/receipt.html", context).encode()


def error(request: HttpRequest, title: str, message: str, *, status: int, **context: Any) -> HttpResponse:
    """Say what went wrong and what to do."""
    shown = {"program": program(), "title": title, "message": message, "status": status, **context}
    return render(request, "intake/error.html", shown, status=status)
