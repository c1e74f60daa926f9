"""Who holds which key: programs' key pairs, people's key pairs, and the grants between them.

A program's private key exists only sealed to people's own keys, and for the first sign-in of a
person under their one-time code. Django checks no password: a pass phrase is right when it opens.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from intake.models import Program, ProgramKey, Purpose
from intake.sealed import public_key
from tipline.kernel import sealing, wraps
from tipline.kernel.sealing import SealBroken
from triage.models import Grant, Invitation, Membership, PersonKey, User

from . import phrases
from .stretching import SALT_SIZE, Cost, stretch

ID_SIZE = 16


class WrongCode(Exception):
    """The one-time code does not open this invitation, or it was used up meanwhile."""


@dataclass(slots=True)
class Unlocked:
    """A person's private key, open for one request. Opens their grants when they are first asked for."""

    user_id: UUID
    seed: bytes = field(repr=False)
    _grants: dict[UUID, Grant] | None = field(default=None, repr=False)
    _opened: dict[UUID, bytes] = field(default_factory=dict, repr=False)

    def program_seed(self, program: Program | UUID, purpose: str) -> bytes | None:
        """Return the private half of the program's current key for this purpose; None without a grant."""
        program_id = program if isinstance(program, UUID) else program.pk
        for grant in self._all().values():
            key = grant.program_key
            if grant.program_id == program_id and key.purpose == purpose and not key.retired:
                return self.seed_of(key.pk)
        return None

    def seed_of(self, key_id: UUID) -> bytes | None:
        """Return the private half of this very program key, retired or not; None without a grant."""
        if key_id not in self._opened:
            grant = self._all().get(key_id)
            if grant is None:
                return None
            self._opened[key_id] = wraps.unwrap(bytes(grant.sealed), seed=self.seed, holder=_grant_holder(grant))
        return self._opened[key_id]

    def key_ids(self) -> set[UUID]:
        """The ids of all program keys this person was granted."""
        return set(self._all())

    def _all(self) -> dict[UUID, Grant]:
        if self._grants is None:
            found = Grant.objects.filter(user_id=self.user_id).select_related("program_key")
            self._grants = {grant.program_key_id: grant for grant in found}
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
    """Return the lines "program purpose fingerprint" of the program's current keys, for the file of pins."""
    keys = ProgramKey.objects.filter(program=program, retired=False).order_by("purpose")
    return [f"{program.pk} {key.purpose} {wraps.fingerprint(bytes(key.public_key))}" for key in keys]


@transaction.atomic
def invite(user: User, program: Program, seeds: Mapping[ProgramKey, bytes]) -> str:
    """Seal program keys under a new one-time code and return the code, which is shown once.

    An invitation the person still had is replaced.
    """
    Invitation.objects.filter(user=user).delete()
    code, cost = phrases.generate(), Cost.now()
    invitation = Invitation(program=program, user=user, salt=secrets.token_bytes(SALT_SIZE), argon2=str(cost))
    plain = b"".join(key.pk.bytes + seed for key, seed in seeds.items())
    invitation.sealed = sealing.seal(
        plain, key=stretch(code, salt=bytes(invitation.salt), cost=cost), place=_invitation_place(invitation)
    )
    invitation.save(force_insert=True)
    return code


def open_invitation(username: str, code: str) -> Invitation | None:
    """Return the invitation this code opens, or None; takes as long for a name nobody has."""
    invitation = Invitation.objects.filter(user__username=username, user__is_active=True).select_related("user").first()
    if invitation is None:
        _waste(code)
        return None
    return invitation if _invited_seeds(invitation, code) is not None else None


@transaction.atomic
def accept(invitation: Invitation, code: str, pass_phrase: str | None = None) -> tuple[Unlocked, str]:
    """Make the person's key pair under a pass phrase, seal the invited keys to it, delete the invitation.

    Returns the unlocked key and the pass phrase (a new one unless it was made before, to be shown
    and confirmed). Raises WrongCode.
    """
    # Two browsers may confirm together: the lock makes one of them find nothing.
    held = Invitation.objects.select_for_update(of=("self",)).select_related("user").filter(pk=invitation.pk).first()
    seeds = _invited_seeds(held, code) if held else None
    if held is None or seeds is None:
        raise WrongCode
    phrase = pass_phrase or phrases.generate()
    PersonKey.objects.filter(user=held.user).delete()
    Grant.objects.filter(user=held.user).delete()
    key, unlocked = _new_person_key(held.user, phrase)
    key.save(force_insert=True)
    for program_key in ProgramKey.objects.filter(pk__in=seeds):
        grant(program_key, seeds[program_key.pk], to=key)
    held.delete()
    return unlocked, phrase


def grant(program_key: ProgramKey, seed: bytes, *, to: PersonKey) -> Grant:
    """Seal a program's private key to a person's key pair."""
    made = Grant(program_id=program_key.program_id, user_id=to.user_id, program_key=program_key)
    made.sealed = wraps.wrap(seed, public=bytes(to.public_key), holder=_grant_holder(made))
    made.save(force_insert=True)
    return made


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
    content = {Purpose.CONTENT, Purpose.IDENTITY} if roles - {"oversight"} else set()
    oversight = {Purpose.OVERSIGHT, Purpose.IDENTITY} if "oversight" in roles else set()
    return content | oversight


def _new_person_key(user: User, phrase: str) -> tuple[PersonKey, Unlocked]:
    seed, cost = wraps.new_seed(), Cost.now()
    key = PersonKey(user=user, public_key=public_key(seed), salt=secrets.token_bytes(SALT_SIZE), argon2=str(cost))
    stretched = stretch(phrases.tidy(phrase), salt=bytes(key.salt), cost=cost)
    key.sealed_private = sealing.seal(seed, key=stretched, place=_person_place(key))
    return key, Unlocked(user.pk, seed)


def _invited_seeds(invitation: Invitation, code: str) -> dict[UUID, bytes] | None:
    stretched = stretch(phrases.tidy(code), salt=bytes(invitation.salt), cost=Cost.parse(invitation.argon2))
    try:
        plain = sealing.unseal(bytes(invitation.sealed), key=stretched, place=_invitation_place(invitation))
    except SealBroken:
        return None
    step = ID_SIZE + wraps.SEED_SIZE
    parts = [plain[at : at + step] for at in range(0, len(plain), step)]
    return {UUID(bytes=part[:ID_SIZE]): part[ID_SIZE:] for part in parts}


def _waste(phrase: str) -> None:
    """Work as long as for a real key: how long an answer takes must not tell who exists."""
    stretch(phrases.tidy(phrase), salt=b"\x00" * SALT_SIZE, cost=Cost.now())


def _person_place(key: PersonKey) -> sealing.Place:
    # A person belongs to no one program: their own id stands where the program's would.
    return sealing.Place(key.user_id, key.pk, "person-key")


def _invitation_place(invitation: Invitation) -> sealing.Place:
    return sealing.Place(invitation.program_id, invitation.pk, "invitation")


def _grant_holder(grant: Grant) -> wraps.Holder:
    return wraps.Holder(grant.program_id, grant.user_id, "grant", grant.program_key_id)
