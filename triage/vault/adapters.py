"""How the sign-in library is bent to our rules."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up: people are invited."""


class MFAAdapter(DefaultMFAAdapter):
    """Second factors, their secrets sealed."""
