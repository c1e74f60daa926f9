"""All the sessions of one person, and their end. No row says where from or with what."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from allauth.account.internal.flows.login import _AUTHENTICATION_METHODS_USER_SESSION_KEY as HALF_SIGNED_IN
from django.contrib.auth import SESSION_KEY, update_session_auth_hash
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest

from tipline.kernel import times
from triage.models import User

from .session import started_minute


@dataclass(frozen=True, slots=True)
class Own:
    """One session, as its person may see it: the hour it began, and whether it is the one they look from."""

    hour: datetime | None
    here: bool


def of(user: User, request: HttpRequest, *, now: datetime) -> list[Own]:
    """Return this person's sessions, the one of this request first, then the newest."""
    found = [
        Own(_hour(data), row.session_key == request.session.session_key)
        for row, data in _rows(user)
        if row.expire_date > now and SESSION_KEY in data
    ]
    return sorted(found, key=lambda own: (not own.here, -own.hour.timestamp() if own.hour else 0.0))


@transaction.atomic
def end_everywhere(user: User, *, but: HttpRequest | None = None) -> int:
    """End every session of this person, half-begun ones too, except that of the request `but`; returns how many.

    Each session carries a hash of this person's (unusable) password: a new one ends them all at once,
    those of requests in hand included. Their rows go as well, with the sealed keys in them.
    """
    held = User.objects.select_for_update().get(pk=user.pk)
    held.set_unusable_password()
    held.save(update_fields=["password"])
    user.password = held.password
    here = but.session.session_key if but else None
    ended = [row.pk for row, _ in _rows(user) if row.session_key != here]
    Session.objects.filter(pk__in=ended).delete()
    if but is not None:
        update_session_auth_hash(but, user)
    return len(ended)


def _rows(user: User) -> Iterator[tuple[Session, dict[str, Any]]]:
    # A handful of people: reading all rows is cheaper than a column that says whose they are.
    for row in Session.objects.all():
        data = row.get_decoded()
        if str(user.pk) in (data.get(SESSION_KEY), data.get(HALF_SIGNED_IN)):
            yield row, data


def _hour(data: dict[str, Any]) -> datetime | None:
    minute = started_minute(data)
    return times.hour(datetime.fromtimestamp(minute * 60, UTC)) if minute is not None else None
