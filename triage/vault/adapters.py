"""How the sign-in library is bent to our rules."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up: people are invited. Nothing is counted, kept or sent by address."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Fail loudly if anything ever asks: no limit and no message here is made by address."""
        raise SuspiciousOperation("Addresses are not looked at.")

    def get_http_user_agent(self, request: HttpRequest) -> str:
        return ""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send nothing: people have no e-mail address here, and pages go another way."""

    def add_message(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Say nothing: our views say what happened."""


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors are kept by `triage.vault.second`, bound to their person; the library keeps none itself."""

    def encrypt(self, text: str) -> str:
        """Fail loudly: the library does not say whose secret it is, so it could be moved to another person."""
        raise SuspiciousOperation("Second factors are sealed elsewhere.")

    def decrypt(self, encrypted_text: str) -> str:
        raise SuspiciousOperation("Second factors are sealed elsewhere.")

    def _get_site_name(self) -> str:
        return "Tipline"
