"""Signatures on what providers send us: replies and delivery receipts.

Pure functions. The pager door verifies with them, the local outbox signs with them. All
comparisons take the same time whatever the signature, and no function raises for a bad one.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit, urlunsplit

GATEWAY_TOLERANCE = 300
"""Seconds a gateway callback may lie from now before it counts as replayed."""

Params = Mapping[str, str] | Iterable[tuple[str, str]]


def sign_twilio(token: str, url: str, params: Params) -> str:
    """The value of X-Twilio-Signature for a form POST of `params` to `url`.

    HMAC-SHA1 keyed by the account's token over the full URL, query included, followed by each
    name and value sorted by name, without separators; base64. A name given twice with different
    values is written once per value, values sorted; pass such a form as pairs.
    Source: Twilio, "Webhooks security: validating signatures from Twilio".
    """
    pairs = params.items() if isinstance(params, Mapping) else params
    signed = url + "".join(name + value for name, value in sorted(set(pairs)))
    digest = hmac.new(_bytes(token), _bytes(signed), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def verify_twilio(token: str, url: str, params: Params, signature: str) -> bool:
    """Whether Twilio signed this form POST. `url` is what Twilio was given, not what a proxy made of it."""
    pairs = list(params.items() if isinstance(params, Mapping) else params)
    # Twilio has signed URLs with and without their port over the years; its own libraries try both.
    verdicts = [_same(sign_twilio(token, form, pairs), signature) for form in _with_and_without_port(url)]
    return bool(token) and any(verdicts)


def sign_gateway(secret: str, timestamp: str, body: bytes) -> str:
    """The value of X-Tipline-Signature for `body` sent at `timestamp` (X-Tipline-Timestamp).

    HMAC-SHA256 keyed by the shared secret over timestamp + "." + body, in hex. The timestamp is
    whole seconds since 1970 in decimal.
    """
    return hmac.new(_bytes(secret), _bytes(timestamp) + b"." + body, hashlib.sha256).hexdigest()


def verify_gateway(
    secret: str,
    timestamp: str,
    body: bytes,
    signature: str,
    *,
    now: float,
    tolerance: float = GATEWAY_TOLERANCE,
) -> bool:
    """Whether the gateway signed this body within `tolerance` seconds of `now` (seconds since 1970).

    A replay inside the tolerance passes here: who stores the event refuses its id a second time.
    """
    genuine = _same(sign_gateway(secret, timestamp, body), signature)
    # isdecimal() alone would let other scripts' digits through, and a huge number would raise.
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        return False
    return bool(secret) and genuine and abs(now - int(timestamp)) <= tolerance


def _same(expected: str, given: str) -> bool:
    # compare_digest refuses non-ASCII text.
    return hmac.compare_digest(_bytes(expected), _bytes(given))


def _bytes(text: str) -> bytes:
    # A forger's bytes that are no UTF-8 may arrive as lone surrogates; they are wrong, not an error.
    return text.encode("utf-8", "surrogatepass")


def _with_and_without_port(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url, url
    host = parts.netloc.rsplit(":", 1)[0] if port else parts.netloc
    default = 443 if parts.scheme == "https" else 80
    bare = urlunsplit(parts._replace(netloc=host))
    ported = urlunsplit(parts._replace(netloc=f"{host}:{port or default}"))
    return (bare, ported)
