"""The pages the public door shows. Form and receipt are the same for everyone but for a few words: kept as bytes."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import get_language

from intake.channels import nonce, whose
from intake.channels.forms import TipForm
from intake.channels.visit import Visit
from intake.channels.whose import Here
from intake.models import Program
from tipline import onion
from tipline.kernel.receipts import COUNT, Phrase

_NONCE_HERE = "nonce-goes-here"
_VISIT_HERE = "visit-goes-here"
_WORDS_HERE = [f"word-{n}-goes-here" for n in range(COUNT)]
_NUMBERS_HERE = [f"number-{n}-goes-here" for n in range(COUNT)]


def blank_form(here: Here, now: datetime) -> HttpResponse:
    """Return the empty form: the same bytes for everyone but for the nonce."""
    page = _rendered(_language(), onion.way(), here.base, others(here), _logo(here), *_version(here.program))
    return HttpResponse(page.replace(_NONCE_HERE.encode(), nonce.make(now, here.base).encode()))


def _language() -> str:
    return get_language() or settings.LANGUAGE_CODE


def others(here: Here) -> tuple[tuple[str, str], ...]:
    """The programs that a blank page tells of: whoever was given a program's own address has chosen already."""
    return tuple(whose.others()) if here.base == whose.ROOT else ()


def _version(shown: Program) -> tuple[tuple[str, Any], ...]:
    return tuple((field.attname, getattr(shown, field.attname)) for field in Program._meta.concrete_fields)


def _logo(here: Here) -> tuple[int, int] | None:
    """Width and height of the picture above the form, as it is shown: half its pixels."""
    found = whose.logo(here)
    return (-(-found.width // 2), -(-found.height // 2)) if found else None


@lru_cache(maxsize=128)
def _rendered(
    language: str,
    way: str,
    base: str,
    others: tuple[tuple[str, str], ...],
    logo: tuple[int, int] | None,
    *version: tuple[str, Any],
) -> bytes:
    shown = {"program": Program(**dict(version)), "base": base, "others": others, "logo": logo}
    context = {**shown, "form": TipForm(), "nonce": _NONCE_HERE}
    return render_to_string("intake/tip_form.html", context).encode()


def tip_form(
    request: HttpRequest, here: Here, form: TipForm, now: datetime, *, status: int, again: str = ""
) -> HttpResponse:
    """Show the form again with what was typed and what to change.

    `again` is the nonce it came with, where it may have been stored all the same: sent once more it is one tip.
    """
    context = {"form": form, "nonce": again or nonce.make(now, here.base), "logo": _logo(here)}
    return show(request, here, "intake/tip_form.html", context, status=status)


def receipt(here: Here, phrase: Phrase, *, danger: bool, sent_with: str, now: datetime) -> HttpResponse:
    """Return the receipt page with these words and numbers in it, and the nonce by which leaving it spends it."""
    page = _rendered_receipt(_language(), danger, here.base, *_version(here.program))
    page = page.replace(_NONCE_HERE.encode(), sent_with.encode())
    page = page.replace(_VISIT_HERE.encode(), Visit(phrase, sent_with).token(now, here.base).encode())
    for place, part in zip(_WORDS_HERE + _NUMBERS_HERE, phrase.words + phrase.numbers, strict=True):
        page = page.replace(place.encode(), part.encode())
    return HttpResponse(page)


@lru_cache(maxsize=128)
def _rendered_receipt(language: str, danger: bool, base: str, *version: tuple[str, Any]) -> bytes:
    """Return the receipt page with place-holders: rendering takes longer than sealing and storing a tip."""
    parts = {"words": _WORDS_HERE, "numbers": _NUMBERS_HERE, "spend": _NONCE_HERE, "visit": _VISIT_HERE}
    context = {"program": Program(**dict(version)), "base": base, "danger": danger, **parts}
    return render_to_string("intake/receipt.html", context).encode()


def show(
    request: HttpRequest, here: Here, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render a page of this program, whose addresses stay with it."""
    return render(request, template, {"program": here.program, "base": here.base, **context}, status=status)


def answers(request: HttpRequest, here: Here, now: datetime, *, error: bool = False) -> HttpResponse:
    """Ask for the words. They open nothing at another program, so it names the others, to all alike."""
    context = {"nonce": nonce.make(now, here.base), "error": error, "others": others(here)}
    return show(request, here, "intake/answers.html", context, status=404 if error else 200)


def error(request: HttpRequest, here: Here, title: str, message: str, *, status: int, **context: Any) -> HttpResponse:
    """Say what went wrong and what to do."""
    shown = {"title": title, "message": message, "status": status, **context}
    return show(request, here, "intake/error.html", shown, status=status)
