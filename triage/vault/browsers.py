"""Browsers people signed in with before, so that a stranger's guessing locks nobody out.

Source: OWASP, "Slow down online guessing attacks with device cookies". The cookie names a person's
sign-in name and a random number, signed; it opens nothing and is stored nowhere.
"""

import secrets

from django.core import signing
from django.http import HttpRequest, HttpResponseBase

COOKIE = "__Host-known"
SALT = "tipline.known-browser"
AGE = 400 * 24 * 3600  # seconds; browsers keep none longer


def known(request: HttpRequest, name: str) -> str:
    """Return what tells this browser from others for this name; empty if they never signed in here."""
    try:
        found, number = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=AGE)
    except (signing.BadSignature, ValueError):
        return ""
    return str(number) if found == name.casefold() else ""


def remember(response: HttpResponseBase, name: str) -> None:
    """Let this browser be told from strangers' the next time."""
    value = signing.dumps([name.casefold(), secrets.token_hex(8)], salt=SALT)
    response.set_cookie(COOKIE, value, max_age=AGE, secure=True, httponly=True, samesite="Strict", path="/")
