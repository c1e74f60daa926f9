"""Saved views: filters of the board that a person keeps under a name, for one program.

Which categories and languages somebody looks for may tell what came in, and a name could be anything. So
they are sealed under the program's key like the board sheet, and shown to this person alone, unlocked.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django import forms
from django.contrib import messages
from django.core.validators import RegexValidator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as now_
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from intake.models import Program, Purpose
from tipline.kernel import sealing
from tipline.kernel.sealing import SealBroken
from triage.console.filters import Filters
from triage.console.people import own_program, vault_of
from triage.console.requests import UNLOCKED, ConsoleRequest, open_to
from triage.models import SavedViews, User
from triage.vault.keys import Unlocked

MOST = 8
NAME_LIMIT = 24
"""Long enough for "Night, nobody has it", too short for a tip."""


@dataclass(frozen=True, slots=True)
class View:
    """Filters by a name, as an address without its page."""

    name: str
    query: str


class NameForm(forms.Form):
    """What a view is called."""

    name = forms.CharField(
        label=_("Name for this view"),
        max_length=NAME_LIMIT,
        error_messages={"required": _("Give it a short name.")},
        validators=[RegexValidator(r"^\w[\w -]*\Z", _("Letters, digits, spaces and dashes only."))],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "size": 16}),
    )


class TooMany(Exception):
    """One of the others must go first."""


class NoKey(Exception):
    """This person holds no key of the program yet under which anything could be kept."""


@open_to(UNLOCKED)
@require_POST
def save(request: ConsoleRequest) -> HttpResponse:
    """Keep the filters of the board one comes from; a name one has already gets them instead."""
    filters, form = Filters.of(request.POST.dict()), NameForm(request.POST)
    if not form.is_valid():
        messages.warning(request, " ".join(str(each) for each in form.errors["name"]))
        return _board(filters)
    view = View(form.cleaned_data["name"], filters.query())
    try:
        keep(own_program(request), request.user, view, vault_of(request))
    except TooMany:
        messages.warning(request, now_("These are eight already. Remove one first."))
    except NoKey:
        messages.warning(request, now_("You hold no key for tips here, so nothing can be kept for you."))
    return _board(filters)


@open_to(UNLOCKED)
@require_POST
def remove(request: ConsoleRequest) -> HttpResponse:
    """Forget one; the board stays as it is."""
    drop(own_program(request), request.user, request.POST.get("name", ""), vault_of(request))
    return _board(Filters.of(request.POST.dict()))


def of(program: Program, user: User, unlocked: Unlocked) -> list[View]:
    """Return what somebody keeps, in the order of the names."""
    row = SavedViews.objects.filter(program=program, user=user).first()
    return _read(row, unlocked) if row else []


@transaction.atomic
def keep(program: Program, user: User, view: View, unlocked: Unlocked) -> None:
    """Add a view, or put other filters under its name. Raises TooMany, NoKey."""
    views = [each for each in _held(program, user, unlocked) if each.name != view.name]
    if len(views) >= MOST:
        raise TooMany
    _write(program, user, [*views, view], unlocked)


@transaction.atomic
def drop(program: Program, user: User, name: str, unlocked: Unlocked) -> None:
    """Forget a view; without the last there is no row."""
    views = _held(program, user, unlocked)
    left = [each for each in views if each.name != name]
    if not left:
        SavedViews.objects.filter(program=program, user=user).delete()
    elif len(left) < len(views):
        _write(program, user, left, unlocked)


def _held(program: Program, user: User, unlocked: Unlocked) -> list[View]:
    row = SavedViews.objects.select_for_update().filter(program=program, user=user).first()
    return _read(row, unlocked) if row else []


def _read(row: SavedViews, unlocked: Unlocked) -> list[View]:
    for seed in _seeds(row.program_id, unlocked):
        try:
            found = json.loads(sealing.unseal(bytes(row.sealed), key=_key(seed, row.program_id), place=_place(row)))
        except SealBroken:
            continue
        return sorted((View(name, query) for name, query in found), key=lambda view: view.name)
    # The key it was sealed under is gone for good: a view is quickly made again.
    return []


def _write(program: Program, user: User, views: list[View], unlocked: Unlocked) -> None:
    row = SavedViews(program=program, user=user)
    text = json.dumps([[view.name, view.query] for view in views], ensure_ascii=False).encode()
    seed = next(_seeds(program.pk, unlocked), None)
    if seed is None:
        raise NoKey
    sealed = sealing.seal(text, key=_key(seed, program.pk), place=_place(row))
    SavedViews.objects.update_or_create(program=program, user=user, defaults={"sealed": sealed})


def _seeds(program: UUID, unlocked: Unlocked) -> Iterator[bytes]:
    """The key that counts, then those it followed."""
    for purpose in (Purpose.CONTENT, Purpose.OVERSIGHT):
        if (seed := unlocked.program_seed(program, purpose)) is not None:
            yield seed
    for key_id in unlocked.retired_ids():
        if (seed := unlocked.seed_of(key_id)) is not None:
            yield seed


def _key(seed: bytes, program: UUID) -> bytes:
    return HKDF(hashes.SHA256(), 32, program.bytes, b"tipline-saved-views").derive(seed)


def _place(row: SavedViews) -> sealing.Place:
    return sealing.Place(row.program_id, row.user_id, "saved-views")


def _board(filters: Filters) -> HttpResponse:
    query = filters.query()
    return redirect(f"{reverse('console:board')}{'?' if query else ''}{query}")
