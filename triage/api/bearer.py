"""Who calls: a token in the header Authorization, and nothing else. A browser's session counts for nothing here."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request

from triage.models import User
from triage.vault import tokens
from triage.vault.tokens import Bearer


class TokenInHeader(BaseAuthentication):
    """`Authorization: Bearer tipline_…`."""

    def authenticate(self, request: Request) -> tuple[User, Bearer]:
        """Return the token's person and the token. Raises NotAuthenticated, AuthenticationFailed: answered alike."""
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not text:
            raise NotAuthenticated
        found = tokens.bearer(text.strip(), today=timezone.now().date())
        if found is None:
            raise AuthenticationFailed
        return found.user, found

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
