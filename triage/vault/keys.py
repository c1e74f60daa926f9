"""Who holds which key: programs' key pairs, people's key pairs, and the grants between them.

A program's private key exists only sealed to people's own keys, to those of invitations, and to the
recovery kit. Django checks no password: a pass phrase is right when it opens.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from intake.models import Program, ProgramKey, Purpose
from intake.sealed import public_key
from tipline.kernel import sealing, wraps
from tipline.kernel.sealing import SealBroken
from triage.models import READERS, Grant, Invitation, KeyLink, Membership, PersonKey, User

from . import holders, phrases, pins
from .stretching import SALT_SIZE, Cost, stretch


class WrongCode(Exception):
    """The one-time code does not open this invitation, or it was used up meanwhile."""


@dataclass(slots=True)
class Unlocked:
    """A person's private key, or that of a token of theirs, open for one request.

    Opens the grants to it when they are first asked for.
    """

    user_id: UUID
    seed: bytes = field(repr=False)
    _grants: dict[UUID, Grant] | None = field(default=None, repr=False)
    _links: dict[UUID, KeyLink] = field(default_factory=dict, repr=False)
    _opened: dict[UUID, bytes] = field(default_factory=dict, repr=False)
    token_id: UUID | None = field(default=None, kw_only=True)

    def program_seed(self, program: Program | UUID, purpose: str) -> bytes | None:
        """Return the private half of the program's current key for this purpose; None without a grant."""
        program_id = program if isinstance(program, UUID) else program.pk
        for grant in self._all().values():
            key = grant.program_key
            if grant.program_id == program_id and key.purpose == purpose and not key.retired:
                return self.seed_of(key.pk)
        return None

    def seed_of(self, key_id: UUID) -> bytes | None:
        """Return the private half of this very program key, through the keys that followed it if it is retired.

        None without a grant.
        """
        if key_id not in self._opened:
            grant, link = self._all().get(key_id), self._links.get(key_id)
            if grant is not None:
                self._opened[key_id] = holders.open_grant(grant, seed=self.seed)
            elif link is not None and (newer := self.seed_of(link.newer_id)) is not None:
                self._opened[key_id] = holders.open_link(link, seed=newer)
            else:
                return None
        return self._opened[key_id]

    def key_ids(self) -> set[UUID]:
        """The ids of all program keys this person was granted, and of the retired ones these lead to."""
        held = set(self._all())
        while more := {older for older, link in self._links.items() if link.newer_id in held} - held:
            held |= more
        return held

    def retired_ids(self) -> set[UUID]:
        """The ids of the retired keys among them."""
        return self.key_ids() & self._links.keys()

    def forget(self) -> None:
        """Ask the database again the next time: keys or grants were changed in this request."""
        self._grants = None
        self._opened.clear()

    def _all(self) -> dict[UUID, Grant]:
        if self._grants is None:
            mine = Q(token_id=self.token_id) if self.token_id else Q(user_id=self.user_id)
            found = list(Grant.objects.filter(mine).select_related("program_key"))
            self._grants = {grant.program_key_id: grant for grant in found}
            links = KeyLink.objects.filter(program__in={grant.program_id for grant in found})
            self._links = {link.older_id: link for link in links}
        return self._grants


@transaction.atomic
def create_program_keys(program: Program) -> dict[Purpose, bytes]:
    """Make a program's three key pairs and return the private halves, which are stored nowhere yet.

    Whoever calls seals them into an invitation at once and writes `pin_lines` to the file of pins.
    """
    seeds = {purpose: wraps.new_seed() for purpose in Purpose}
    for purpose, seed in seeds.items():
        ProgramKey(program=program, purpose=purpose, public_key=public_key(seed)).save(force_insert=True)
    return seeds


def pin_lines(program: Program) -> list[str]:
    """Return the lines of the program's current keys for the file of pins; only right after they were made here."""
    keys = ProgramKey.objects.filter(program=program, retired=False).order_by("purpose")
    return [pins.line(program.pk, key.purpose, bytes(key.public_key)) for key in keys]


@transaction.atomic
def invite(
    user: User,
    program: Program,
    seeds: Mapping[ProgramKey, bytes],
    *,
    by: User | None = None,
    expires_at: datetime | None = None,
    until_kit: bool = False,
) -> str:
    """Seal program keys to a new one-time code and return the code, which is shown once.

    An invitation the person still had is replaced. `until_kit` keeps a copy, which no door opens any
    more, until there is a recovery kit: before that, a lost pass phrase would lose every tip.
    """
    holders.hold_still(program.pk)
    Invitation.objects.filter(user=user).delete()
    code, cost, seed = phrases.generate(), Cost.now(), wraps.new_seed()
    made = Invitation(
        program=program,
        user=user,
        invited_by=by,
        expires_at=expires_at,
        until_kit=until_kit,
        public_key=public_key(seed),
        salt=secrets.token_bytes(SALT_SIZE),
        argon2=str(cost),
    )
    stretched = stretch(code, salt=bytes(made.salt), cost=cost)
    made.sealed_private = sealing.seal(seed, key=stretched, place=_invitation_place(made))
    made.save(force_insert=True)
    for key, program_seed in seeds.items():
        holders.give(key, program_seed, to=made)
    return code


def open_invitation(username: str, code: str, *, now: datetime | None = None) -> Invitation | None:
    """Return the invitation this code opens, or None; takes as long for a name nobody has."""
    found = _usable(now).filter(user__username=username, user__is_active=True).select_related("user").first()
    if found is None:
        _waste(code)
        return None
    return found if invited_seed(found, code) is not None else None


@transaction.atomic
def accept(
    invitation: Invitation, code: str, pass_phrase: str | None = None, *, now: datetime | None = None
) -> tuple[Unlocked, str]:
    """Make the person's key pair under a pass phrase, seal the invited keys to it, use the invitation up.

    Returns the unlocked key and the pass phrase (a new one unless it was made before, to be shown
    and confirmed). Raises WrongCode.
    """
    holders.hold_still(invitation.program_id)
    held, opened = _invited(invitation, code, now)
    phrase = pass_phrase or phrases.generate()
    unlocked = _new_key(held.user, phrase, opened)
    _use_up(held)
    return unlocked, phrase


@transaction.atomic
def add(unlocked: Unlocked, code: str, *, now: datetime | None = None) -> Program:
    """Seal what a one-time code holds to the key a person has already, beside what it holds; return the code's program.

    The public half is made anew from the private one: a row that somebody changed gets nothing. Raises WrongCode.
    """
    waiting = _usable(now).filter(user=unlocked.user_id).first()
    if waiting is None:
        _waste(code)
        raise WrongCode
    holders.hold_still(waiting.program_id)
    held, opened = _invited(waiting, code, now)
    own = PersonKey.objects.get(user=unlocked.user_id)
    own.public_key = public_key(unlocked.seed)
    Grant.objects.filter(user=unlocked.user_id, program_key__in=opened).delete()
    for program_key, program_seed in opened.items():
        holders.give(program_key, program_seed, to=own)
    _use_up(held)
    unlocked.forget()
    return held.program


def opens_elsewhere(user: User, program_id: UUID) -> bool:
    """Whether somebody's key opens another program too: a new key in its place would open that one no more."""
    return Grant.objects.filter(user=user).exclude(program=program_id).exists()


@transaction.atomic
def change_phrase(unlocked: Unlocked, pass_phrase: str) -> Unlocked:
    """Give a person a new key pair under a new pass phrase, with every key the old one held."""
    user = User.objects.get(pk=unlocked.user_id)
    programs = Grant.objects.filter(user=user).order_by("program_id").values_list("program_id", flat=True).distinct()
    for program_id in programs:
        holders.hold_still(program_id)
    unlocked.forget()
    given = Grant.objects.filter(user=user).select_related("program_key")
    opened = {grant.program_key: holders.open_grant(grant, seed=unlocked.seed) for grant in given}
    return _new_key(user, pass_phrase, opened)


def unlock(user: User | None, pass_phrase: str) -> Unlocked | None:
    """Open a person's private key; None if the phrase is wrong. Takes as long for nobody at all."""
    key = PersonKey.objects.filter(user=user).first() if user else None
    if key is None:
        _waste(pass_phrase)
        return None
    stretched = stretch(phrases.tidy(pass_phrase), salt=bytes(key.salt), cost=Cost.parse(key.argon2))
    try:
        seed = sealing.unseal(bytes(key.sealed_private), key=stretched, place=_person_place(key))
    except SealBroken:
        return None
    return Unlocked(key.user_id, seed)


def purposes_for(user: User, program: Program) -> set[Purpose]:
    """Which of a program's keys somebody of this role is to hold."""
    roles = set(Membership.objects.filter(user=user, program=program).values_list("role", flat=True))
    content = {Purpose.CONTENT, Purpose.IDENTITY} if roles & set(READERS) else set()
    oversight = {Purpose.OVERSIGHT, Purpose.IDENTITY} if "oversight" in roles else set()
    return content | oversight


def invited_seed(invitation: Invitation, code: str) -> bytes | None:
    """Return an invitation's private key; None if the code is wrong."""
    stretched = stretch(phrases.tidy(code), salt=bytes(invitation.salt), cost=Cost.parse(invitation.argon2))
    try:
        return sealing.unseal(bytes(invitation.sealed_private), key=stretched, place=_invitation_place(invitation))
    except SealBroken:
        return None


def _invited(invitation: Invitation, code: str, now: datetime | None) -> tuple[Invitation, dict[ProgramKey, bytes]]:
    """Return an invitation, locked, and what its code opens. Raises WrongCode."""
    # Two browsers may confirm together: the lock makes one of them find nothing.
    usable = _usable(now).select_for_update(of=("self",)).select_related("user", "program")
    held = usable.filter(pk=invitation.pk).first()
    seed = invited_seed(held, code) if held else None
    if held is None or seed is None:
        raise WrongCode
    given = held.grants.select_related("program_key")
    return held, {grant.program_key: holders.open_grant(grant, seed=seed) for grant in given}


def _use_up(held: Invitation) -> None:
    if held.until_kit:
        held.used = True
        held.save(update_fields=["used"])
    else:
        held.delete()


def _usable(now: datetime | None) -> QuerySet[Invitation]:
    in_time = Q(expires_at=None) | Q(expires_at__gt=now or timezone.now())
    return Invitation.objects.filter(in_time, used=False)


def _new_key(user: User, phrase: str, opened: Mapping[ProgramKey, bytes]) -> Unlocked:
    PersonKey.objects.filter(user=user).delete()
    Grant.objects.filter(user=user).delete()
    seed, cost = wraps.new_seed(), Cost.now()
    key = PersonKey(user=user, public_key=public_key(seed), salt=secrets.token_bytes(SALT_SIZE), argon2=str(cost))
    stretched = stretch(phrases.tidy(phrase), salt=bytes(key.salt), cost=cost)
    key.sealed_private = sealing.seal(seed, key=stretched, place=_person_place(key))
    key.save(force_insert=True)
    for program_key, program_seed in opened.items():
        holders.give(program_key, program_seed, to=key)
    return Unlocked(user.pk, seed)


def _waste(phrase: str) -> None:
    """Work as long as for a real key: how long an answer takes must not tell who exists."""
    stretch(phrases.tidy(phrase), salt=b"\x00" * SALT_SIZE, cost=Cost.now())


def _person_place(key: PersonKey) -> sealing.Place:
    # A person belongs to no one program: their own id stands where the program's would.
    return sealing.Place(key.user_id, key.pk, "person-key")


def _invitation_place(invitation: Invitation) -> sealing.Place:
    return sealing.Place(invitation.program_id, invitation.pk, "invitation")
