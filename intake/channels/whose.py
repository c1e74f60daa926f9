"""Whose pages somebody is at: each program has its own below `/p/<slug>/`, and the first one's stand at `/` as well.

A page, its nonce, its visit and every address on it belong to the pages it came from: what began at one program
ends at no other. Nothing but the program stands in an address.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from intake.models import Logo, Program

View = Callable[..., HttpResponse]

ROOT = "/"
SECONDS_KEPT = 10.0
_OF_A_PROGRAM = re.compile(r"/p/([^/]+)/")
_kept: list[tuple[float, list[Program], dict[UUID, Logo]]] = []


@dataclass(frozen=True, slots=True)
class Here:
    """A program, and the address that its pages begin with: "/" or "/p/riverside/"."""

    program: Program
    base: str = ROOT


def first() -> Here:
    """Return the pages at `/`; while the database is away, those of the program last seen there, or of a plain one."""
    known = _programs()
    return Here(known[0] if known else _plain())


def at(slug: str) -> Here | None:
    """Return the pages below `/p/<slug>/`, None if there are none; with no slug, those at `/`."""
    if not slug:
        return first()
    known, slug = _programs(), slug.lower()
    found = next((each for each in known if each.slug == slug), None)
    if found is None and known:
        return None
    return Here(found or _plain(), f"/p/{slug}/")


def at_path(path: str) -> Here:
    """Return the pages that an address belongs to, also one that leads nowhere."""
    found = _OF_A_PROGRAM.match(path)
    return (at(found[1]) if found else None) or first()


def others() -> list[tuple[str, str]]:
    """Return names and addresses of the programs that the page at `/` tells of beside its own."""
    return [(each.name, f"/p/{each.slug}/") for each in _programs()[1:] if each.listed]


def logo(here: Here) -> Logo | None:
    """Return the picture of this program, if it has one."""
    return _kept[0][2].get(here.program.pk) if _kept else None


def forget() -> None:
    """Drop what is remembered (tests)."""
    _kept.clear()


def of_a_program(view: View) -> View:
    """Find whose page was asked for, and answer in a language of theirs."""

    @wraps(view)
    def found(request: HttpRequest, *, slug: str = "", **kwargs: Any) -> HttpResponse:
        here = at(slug)
        if here is None:
            raise Http404
        with speaking(here, request):
            return view(request, here, **kwargs)

    return found


def of_its_address(view: View) -> View:
    """The same for what answers where no page is."""

    @wraps(view)
    def found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        here = at_path(request.path)
        with speaking(here, request):
            return view(request, here)

    return found


def speaking(here: Here, request: HttpRequest) -> translation.override:
    """Speak a language that the program offers: one the phone asks for, or else the program's first.

    What the phone asks for is looked at for this answer and kept nowhere; Django's own reading of it would keep it.
    """
    offered = [code for code in here.program.languages.split() if code in dict(settings.LANGUAGES)]
    asked = [part.partition(";")[0].strip() for part in request.headers.get("Accept-Language", "").lower().split(",")]
    spoken = [code for wish in asked for code in offered if code in (wish, wish.partition("-")[0])]
    return translation.override([*spoken, *offered, settings.LANGUAGE_CODE][0])


def _programs() -> list[Program]:
    """All programs, the first one first; asked of the database every few seconds."""
    if not _kept or time.monotonic() - _kept[0][0] > SECONDS_KEPT:
        try:
            found = list(Program.objects.order_by("position", "slug"))
            logos = {each.pk: each for each in Logo.objects.all()} if found else {}
        except Error:
            found = []
        if found:
            _kept[:] = [(time.monotonic(), found, logos)]
    return _kept[0][1] if _kept else []


def _plain() -> Program:
    return Program(id=UUID(int=0), name=_("this program"), changed_on=timezone.now().date())
