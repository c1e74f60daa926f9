"""Tokens of programs: made by a person, shown once, good until a day, gone when the person goes.

From the token's 256 bits come two things: the keyed hash by which it is found, and a key pair. Who holds
a program's key may seal it to the pair's public half; then the token reads tips, never who sent them.
Deleting a token deletes what was sealed to it.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from intake.models import Program, ProgramKey, Purpose
from intake.sealed import public_key
from tipline.kernel import wraps
from triage.audit.chain import Event, record
from triage.models import ApiToken, Grant, Membership, Role, User

from . import holders
from .keys import Unlocked
from .roles import MAIN
from .rotation import NotHeld

PREFIX = "tipline_"
SIZE = 32
LONGEST = timedelta(days=366)
MOST = 20  # tokens of one person in one program


class NameTaken(Exception):
    """This person has a token of that name already."""


class TooMany(Exception):
    """Nobody needs so many: revoke one first."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token somebody came with: its row, and the private key that lies in it."""

    token: ApiToken
    seed: bytes = field(repr=False)

    @property
    def user(self) -> User:
        return self.token.user

    def unlocked(self) -> Unlocked:
        """What was granted to the token, to be opened in this request."""
        return Unlocked(self.token.user_id, self.seed, token_id=self.token.pk)


def of(user: User, program: Program) -> QuerySet[ApiToken]:
    """A person's tokens with `reads`: whether a key was sealed to them."""
    granted = Grant.objects.filter(token=OuterRef("pk"))
    return ApiToken.objects.filter(user=user, program=program).annotate(reads=Exists(granted)).order_by("name")


@transaction.atomic
def make(
    program: Program,
    *,
    by: User,
    name: str,
    may_take: bool,
    reads: bool,
    expires_on: date,
    unlocked: Unlocked,
    now: datetime,
) -> str:
    """Make a token for a program of one's own and return it; it is shown once.

    `reads` seals to it the key for tips that the person's role holds. Raises NameTaken, TooMany, NotHeld.
    """
    holders.hold_still(program.pk)
    mine = ApiToken.objects.filter(program=program, user=by)
    if mine.filter(name=name).exists():
        raise NameTaken
    if mine.count() >= MOST:
        raise TooMany
    text = PREFIX + secrets.token_urlsafe(SIZE)
    token = ApiToken(program=program, user=by, name=name, may_take=may_take, expires_on=expires_on)
    token.lookup, token.public_key = _lookup(text), public_key(_seed(text))
    token.save(force_insert=True)
    if reads:
        _grant(token, unlocked)
    record(program, Event.TOKEN_MADE, actor=by, now=now)
    return text


@transaction.atomic
def revoke(token: ApiToken, *, by: User, now: datetime) -> None:
    """End a token; what was sealed to it goes with it."""
    token.delete()
    record(token.program_id, Event.TOKEN_REVOKED, actor=by, now=now)


def bearer(text: str, *, today: date) -> Bearer | None:
    """Return who came with this token; None if it is no token in force, or its person is gone."""
    if not text.startswith(PREFIX) or len(text) > 100:
        return None
    found = ApiToken.objects.filter(lookup=_lookup(text), expires_on__gte=today, user__is_active=True)
    member = Membership.objects.filter(user=OuterRef("user"), program=OuterRef("program"))
    token = found.filter(Exists(member)).select_related("user").first()
    return Bearer(token, _seed(text)) if token else None


def _grant(token: ApiToken, unlocked: Unlocked) -> None:
    unlocked.forget()
    role = Membership.objects.get(program=token.program_id, user=token.user_id).role
    purpose = MAIN[Role(role)]
    if purpose is None:
        raise NotHeld(Purpose.CONTENT)
    key = ProgramKey.objects.get(program=token.program_id, purpose=purpose, retired=False)
    seed = unlocked.seed_of(key.pk)
    if seed is None:
        raise NotHeld(purpose)
    holders.give(key, seed, to=token)


def _lookup(text: str) -> bytes:
    return hmac.digest(settings.VAULT_PEPPER.encode(), b"api-token|" + text.encode(), "sha256")


def _seed(text: str) -> bytes:
    return wraps.derive_seed(text.encode(), salt=settings.VAULT_PEPPER.encode(), purpose="api-token")
