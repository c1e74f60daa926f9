"""The second factor: six digits from an app, each good once; a passkey; or one of ten recovery codes.

What is stored of them is bound to the person: a secret is sealed under a key made from the vault
pepper, with the person and the kind in what is authenticated; of recovery codes only keyed hashes
are kept. Whoever writes to the database can neither read a factor nor make or move one.
"""

import hmac
import re
import secrets
import time
from functools import cache
from uuid import UUID

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.http import HttpRequest

from tipline.kernel import sealing
from triage.models import User

PERIOD = 30  # seconds, RFC 6238
DRIFT = 1  # periods: a code typed in its last second still counts
SPARE_CODES = 10
SPARE_DIGITS = 8

Kind = Authenticator.Type
new_secret = generate_totp_secret


def matching_period(secret: str, code: str, *, after: int = 0) -> int | None:
    """Return the period the code belongs to, if it is one of now and newer than `after`."""
    typed = re.sub(r"\s", "", code)
    present = int(time.time()) // PERIOD
    for period in range(present - DRIFT, present + DRIFT + 1):
        expected = format_hotp_value(hotp_value(secret, period))
        if period > after and hmac.compare_digest(expected.encode(), typed.encode()):
            return period
    return None


@transaction.atomic
def check(user: User, code: str) -> Authenticator | None:
    """Return the factor this code proves, and use the code up; None if it proves nothing.

    The period of the last code is kept in its row, so that no code counts twice, also after a restart.
    """
    found = Authenticator.objects.select_for_update().filter(user=user)
    factors = {factor.type: factor for factor in found}
    totp = factors.get(Kind.TOTP)
    if totp is not None:
        period = matching_period(unsealed(user, totp.data["secret"]), code, after=totp.data.get("last", 0))
        if period is not None:
            totp.data["last"] = period
            totp.save(update_fields=["data"])
            return totp
    spare = factors.get(Kind.RECOVERY_CODES)
    if spare is not None and _use_up(user, spare, code):
        return spare
    return None


def enrolled(user: User) -> bool:
    """Whether this person has set up a second factor."""
    return bool(Authenticator.objects.filter(user=user, type__in=[Kind.TOTP, Kind.WEBAUTHN]).exists())


@transaction.atomic
def enrol(user: User, secret: str, period: int, *, instead: bool = False) -> list[str]:
    """Keep the app's secret, sealed, and return ten recovery codes.

    An app there already stays as it is, and nothing is returned; with `instead` it is replaced.
    """
    held = User.objects.select_for_update().get(pk=user.pk)
    kept = Authenticator.objects.filter(user=held, type=Kind.TOTP).first()
    if kept is not None and not instead:
        return []
    totp = kept or Authenticator(user=held, type=Kind.TOTP)
    totp.data = {"secret": sealed(held, secret), "last": period}
    totp.save()
    return renew_spare(held)


@transaction.atomic
def renew_spare(user: User) -> list[str]:
    """Make ten new recovery codes and return them, to be shown once; older ones end."""
    held = User.objects.select_for_update().get(pk=user.pk)
    codes = [f"{secrets.randbelow(10**SPARE_DIGITS):0{SPARE_DIGITS}}" for _ in range(SPARE_CODES)]
    spare = Authenticator.objects.filter(user=held, type=Kind.RECOVERY_CODES).first()
    spare = spare or Authenticator(user=held, type=Kind.RECOVERY_CODES)
    spare.data = {"codes": [_tag(held.pk, code) for code in codes]}
    spare.save()
    return codes


def spare_left(user: User) -> int:
    """How many recovery codes this person has not used yet."""
    spare = Authenticator.objects.filter(user=user, type=Kind.RECOVERY_CODES).first()
    return len(spare.data["codes"]) if spare else 0


def passed(request: HttpRequest) -> bool:
    """Whether this session was signed in with a second factor."""
    user = request.user
    if not isinstance(user, User):
        return False
    return any(record.get("method") == "mfa" for record in get_authentication_records(request, user))


def note_passed(request: HttpRequest, user: User, kind: str) -> None:
    """Note in the session that the second factor was proved."""
    record_authentication(request, user, "mfa", type=kind)


def sealed(user: User, text: str) -> str:
    """Seal a factor's secret to its person."""
    return sealing.seal(text.encode(), key=_key(b"seal"), place=_place(user.pk)).hex()


def unsealed(user: User, stored: str) -> str:
    """Open a factor's secret; SuspiciousOperation if it was changed, or is another person's."""
    try:
        return sealing.unseal(bytes.fromhex(stored), key=_key(b"seal"), place=_place(user.pk)).decode()
    except (sealing.SealBroken, ValueError):
        raise SuspiciousOperation("A second factor was changed in the database.") from None


def tag_of(user: User, text: str) -> str:
    """Return a keyed hash by which what stands in clear (a passkey's public half) is known to be this person's."""
    return _tag(user.pk, text)


def _use_up(user: User, spare: Authenticator, code: str) -> bool:
    tag = _tag(user.pk, re.sub(r"\s", "", code))
    left = [kept for kept in spare.data["codes"] if not hmac.compare_digest(kept, tag)]
    if len(left) == len(spare.data["codes"]):
        return False
    spare.data["codes"] = left
    spare.save(update_fields=["data"])
    return True


def _place(owner: UUID) -> sealing.Place:
    return sealing.Place(owner, owner, "second-factor")


def _tag(owner: UUID, text: str) -> str:
    return hmac.digest(_key(b"tag"), owner.bytes + text.encode(), "sha256").hex()


@cache
def _derived(pepper: str, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, None, b"tipline-second-factor-" + purpose).derive(pepper.encode())


def _key(purpose: bytes) -> bytes:
    return _derived(settings.VAULT_PEPPER, purpose)
