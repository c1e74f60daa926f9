"""Passkeys: a second factor after the pass phrase; alone they take pages and open nothing.

The checks are the library's (allauth and fido2). What it stores of a passkey is public; a keyed hash
beside it shows that it was this person who added it, not somebody who writes to the database.
"""

import hmac
import json
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from cryptography.exceptions import InvalidSignature
from django.core.exceptions import ValidationError
from django.db import transaction

from triage.models import User

from . import second

LONGEST = 20_000  # characters of an answer of navigator.credentials
MOST = 10  # passkeys of one person

# What a made-up answer can run into in the library.
_MADE_UP = (ValidationError, InvalidSignature, ValueError, TypeError, KeyError, AttributeError)


class NotAccepted(Exception):
    """The browser's answer does not fit what was asked for."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """One passkey, as its person sees it."""

    pk: int
    name: str


def of(user: User) -> list[Passkey]:
    """Return a person's passkeys, oldest first."""
    found = Authenticator.objects.filter(user=user, type=second.Kind.WEBAUTHN).order_by("pk")
    return [Passkey(row.pk, row.data["name"]) for row in found]


def ask_to_make(user: User) -> str:
    """Return what navigator.credentials.create is given, as JSON; the question is kept in the session."""
    return json.dumps(auth.begin_registration(user, passwordless=True))


def add(user: User, name: str, answer: str) -> None:
    """Keep the passkey that was made. Raises NotAccepted."""
    try:
        credential = _read(answer)
        auth.parse_registration_response(credential)
        auth.complete_registration(credential)
    except _MADE_UP:
        raise NotAccepted from None
    with transaction.atomic():
        held = User.objects.select_for_update().get(pk=user.pk)
        if len(of(held)) >= MOST:
            raise NotAccepted
        data = {"name": name, "credential": credential, "tag": _tag(held, credential)}
        Authenticator.objects.create(user=held, type=second.Kind.WEBAUTHN, data=data)


def remove(user: User, pk: int) -> bool:
    """Forget one of a person's passkeys."""
    removed, _ = Authenticator.objects.filter(user=user, type=second.Kind.WEBAUTHN, pk=pk).delete()
    return bool(removed)


def ask_for(user: User | None) -> str:
    """Return what navigator.credentials.get is given, as JSON; nobody's passkeys are named for None."""
    return json.dumps(auth.begin_authentication(user))


def claimed(answer: str) -> User | None:
    """Return whose passkey a browser says it used; `proved` says whether that is so."""
    try:
        found = auth.extract_user_from_response(_read(answer))
    except _MADE_UP:
        return None
    return found if isinstance(found, User) and found.is_active else None


def proved(user: User, answer: str) -> Authenticator | None:
    """Return the passkey of this person that the answer proves, once; None if it proves nothing."""
    try:
        found = auth.complete_authentication(user, _read(answer))
        ours = hmac.compare_digest(str(found.data["tag"]), _tag(user, found.data["credential"]))
    except _MADE_UP:
        return None
    return found if ours else None


def _read(answer: str) -> dict[str, Any]:
    if len(answer) > LONGEST:
        raise ValueError
    found = json.loads(answer)
    if not isinstance(found, dict) or not isinstance(found.get("response"), dict):
        raise TypeError
    return found


def _tag(user: User, credential: dict[str, Any]) -> str:
    return second.tag_of(user, json.dumps(credential, sort_keys=True))
