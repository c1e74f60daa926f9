"""Signing in by opening one's own key."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from triage.models import User

from . import keys


class PassPhraseBackend(BaseBackend):
    """The pass phrase is right when it opens the person's key."""

    def authenticate(
        self, request: HttpRequest | None, username: str = "", password: str = "", **_: Any
    ) -> User | None:
        """Return the person, and leave the opened key with the request; the same work for every name."""
        user = person(username)
        unlocked = keys.unlock(user, password)
        if unlocked is None:
            return None
        if request is not None:
            request.just_unlocked = unlocked  # type: ignore[attr-defined]
        return user

    def get_user(self, user_id: Any) -> User | None:
        """Return the person of a session; nobody once they are no longer active."""
        return User.objects.filter(pk=user_id, is_active=True).first()


def person(username: str) -> User | None:
    """Return the active person of this name, in whatever case it was typed."""
    return User.objects.filter(username__iexact=username.strip(), is_active=True).first()
