"""How the sign-in library is bent to our rules."""

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest

from tipline.kernel.sealing import NONCE_SIZE

from . import browsers


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

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # Misses are counted by name and browser: a stranger's guesses slow the stranger, while
        # the person who signed in here before is still let try.
        name = str(credentials.get("username", "")).strip().casefold()
        return f"{name}|{browsers.known(request, name)}"


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors, their secrets sealed under a key made from the vault pepper."""

    def encrypt(self, text: str) -> str:
        nonce = AESGCM.generate_key(bit_length=128)[:NONCE_SIZE]
        return base64.urlsafe_b64encode(nonce + AESGCM(_key()).encrypt(nonce, text.encode(), None)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        blob = base64.urlsafe_b64decode(encrypted_text)
        try:
            return AESGCM(_key()).decrypt(blob[:NONCE_SIZE], blob[NONCE_SIZE:], None).decode()
        except InvalidTag:
            raise SuspiciousOperation("A second factor was changed in the database.") from None


def _key() -> bytes:
    return HKDF(hashes.SHA256(), 32, None, b"tipline-second-factor").derive(settings.VAULT_PEPPER.encode())
