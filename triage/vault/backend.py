"""Signing in by opening one's own key."""

from django.contrib.auth.backends import BaseBackend


class PassPhraseBackend(BaseBackend):
    """The pass phrase is right when it opens the person's key."""
