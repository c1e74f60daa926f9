"""The second factor: six digits from an app, each good once, or one of ten recovery codes."""

import hmac
import re
import time
from typing import cast

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.db import transaction
from django.http import HttpRequest

from triage.models import User

PERIOD = 30  # seconds, RFC 6238
DRIFT = 1  # periods: a code typed in its last second still counts

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
    totp = factors.get(Authenticator.Type.TOTP)
    if totp is not None:
        secret = get_adapter().decrypt(totp.data["secret"])
        period = matching_period(secret, code, after=totp.data.get("last", 0))
        if period is not None:
            totp.data["last"] = period
            totp.save(update_fields=["data"])
            return totp
    spare = factors.get(Authenticator.Type.RECOVERY_CODES)
    if spare is not None and RecoveryCodes(spare).validate_code(re.sub(r"\s", "", code)):
        return spare
    return None


def enrolled(user: User) -> bool:
    """Whether this person has set up a second factor."""
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


@transaction.atomic
def enrol(user: User, secret: str, period: int) -> list[str]:
    """Keep the app's secret, sealed, and return ten recovery codes. A factor there already stays as it is."""
    held = User.objects.select_for_update().get(pk=user.pk)
    if enrolled(held):
        return []
    made = TOTP.activate(held, secret).instance
    made.data["last"] = period
    made.save(update_fields=["data"])
    return cast(list[str], RecoveryCodes.activate(held).generate_codes())


def passed(request: HttpRequest) -> bool:
    """Whether this session was signed in with a second factor."""
    user = request.user
    if not isinstance(user, User):
        return False
    return any(record.get("method") == "mfa" for record in get_authentication_records(request, user))


def note_passed(request: HttpRequest, user: User, kind: str) -> None:
    """Note in the session that the second factor was proved."""
    record_authentication(request, user, "mfa", type=kind)
