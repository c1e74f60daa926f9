"""Who comes and who goes: letting the next one in, a new code for a lost pass phrase, leaving.

Only who holds a key can give it, and only who holds a key can take it away, because taking it away
means to replace it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from intake.models import Program, ProgramKey, Purpose
from triage.audit.chain import Event, record
from triage.escalation import contacts, rota
from triage.models import ApiToken, Contact, Grant, Invitation, Membership, OnCall, PersonKey, Role, SavedViews, User

from . import holders, keys, rotation, sessions
from .keys import Unlocked
from .roles import GIVES, IDENTITY_TOO, MAIN

CODE_LASTS = timedelta(days=3)
NotHeld = rotation.NotHeld


class NameTaken(Exception):
    """Somebody has, or had, this sign-in name."""


class LastHolder(Exception):
    """Nobody else could open this any more."""

    def __init__(self, purpose: str) -> None:
        super().__init__("The last holder of a key needs a successor first.")
        self.purpose = purpose


class NotOneself(Exception):
    """Somebody else has to do this."""


class NotTheirs(Exception):
    """People of this role are let in and let go by people of another role."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a leaving brought about."""

    rotated: tuple[Purpose, ...]
    left_out: tuple[str, ...]  # whose public key was not as it was given: they need a new code
    nobody_on_call: bool


@dataclass(frozen=True, slots=True)
class Person:
    """One line of the list of people."""

    user: User
    role: Role
    purposes: tuple[Purpose, ...]
    invitation: Invitation | None
    here: bool  # has a key of their own


def everybody(program: Program) -> list[Person]:
    """Return the people of a program with what they hold, or will hold once they used their code."""
    members = Membership.objects.filter(program=program).select_related("user").order_by("user__name")
    held: dict[UUID, set[str]] = {}
    current = Grant.objects.filter(program=program, program_key__retired=False, recovery=None)
    for grant in current.select_related("program_key", "invitation"):
        owner = grant.invitation.user_id if grant.invitation else grant.user_id
        if owner is not None:
            held.setdefault(owner, set()).add(grant.program_key.purpose)
    waiting = {each.user_id: each for each in Invitation.objects.filter(program=program, used=False)}
    with_key = set(PersonKey.objects.filter(user__in=[m.user_id for m in members]).values_list("user_id", flat=True))
    return [
        Person(
            each.user,
            Role(each.role),
            tuple(Purpose(purpose) for purpose in sorted(held.get(each.user_id, ()))),
            waiting.get(each.user_id),
            each.user_id in with_key,
        )
        for each in members
    ]


def roles_to_give(program: Program, unlocked: Unlocked, *, giver: Role) -> list[Role]:
    """The roles somebody of this role may give whose main key this person holds, or that hold none."""
    held = {None, *(purpose for purpose in Purpose if unlocked.program_seed(program, purpose) is not None)}
    return [role for role in GIVES[giver] if MAIN[role] in held]


@transaction.atomic
def let_in(
    program: Program,
    *,
    username: str,
    name: str,
    role: Role,
    identity: bool,
    by: User,
    unlocked: Unlocked,
    now: datetime,
) -> tuple[User, str]:
    """Make a person and their one-time code, which is shown once. Raises NotTheirs, NotHeld, NameTaken."""
    holders.hold_still(program.pk)
    if User.objects.filter(username__iexact=username).exists():
        raise NameTaken
    seeds = seeds_of(program, to_hold(role, identity=identity), unlocked)
    may_change(program, by, role)
    user = User.objects.create_user(username, name=name)
    Membership.objects.create(program=program, user=user, role=role)
    code = keys.invite(user, program, seeds, by=by, expires_at=now + CODE_LASTS)
    record(program, Event.LET_IN, actor=by, now=now)
    return user, code


@transaction.atomic
def new_code(program: Program, user: User, *, by: User, unlocked: Unlocked, now: datetime) -> str:
    """Give somebody whose pass phrase is lost, or whose code is over, another one-time code.

    It gives back the keys they held or were to hold. What they know now goes on working until the code is used.
    Raises NotHeld, LastHolder, NotOneself, NotTheirs.
    """
    holders.hold_still(program.pk)
    if user == by:
        raise NotOneself
    purposes = purposes_of(program, user)
    for purpose in sorted(purposes):
        if unlocked.program_seed(program, purpose) is None:
            # Their copy is the only one this person could give: a new code would throw it away.
            raise NotHeld(purpose) if others_hold(program, purpose, user) else LastHolder(purpose)
    may_change(program, by, role_of(program, user))
    if not purposes:
        purposes = to_hold(role_of(program, user), identity=False)
    code = keys.invite(user, program, seeds_of(program, purposes, unlocked), by=by, expires_at=now + CODE_LASTS)
    record(program, Event.CODE_GIVEN, actor=by, now=now)
    return code


@transaction.atomic
def withdraw(program: Program, user: User, *, by: User, unlocked: Unlocked, now: datetime) -> None:
    """Take back a one-time code nobody has used; who never signed in is no longer one of the people.

    Raises NotHeld, LastHolder, NotTheirs.
    """
    holders.hold_still(program.pk)
    found = Invitation.objects.filter(program=program, user=user, used=False).first()
    if found is None:
        return
    for grant in found.grants.select_related("program_key"):
        purpose = Purpose(grant.program_key.purpose)
        if unlocked.program_seed(program, purpose) is None:
            raise NotHeld(purpose) if others_hold(program, purpose, user) else LastHolder(purpose)
    may_change(program, by, role_of(program, user))
    found.delete()
    if not PersonKey.objects.filter(user=user).exists():
        _go(program, user)
    record(program, Event.INVITATION_WITHDRAWN, actor=by, now=now)


@transaction.atomic
def leave(program: Program, user: User, *, by: User, unlocked: Unlocked, now: datetime) -> Left:
    """Let somebody go: their grants, sessions, phones and turns on call end, and every key they held is replaced.

    Raises NotOneself, LastHolder if nobody else holds one of their keys, NotHeld if only others do, NotTheirs.
    """
    holders.hold_still(program.pk)
    if user == by:
        raise NotOneself
    unlocked.forget()
    purposes = purposes_of(program, user)
    for purpose in sorted(purposes):
        if unlocked.program_seed(program, purpose) is None:
            raise NotHeld(purpose) if others_hold(program, purpose, user) else LastHolder(purpose)
    may_change(program, by, role_of(program, user))
    Grant.objects.filter(program=program, user=user).delete()
    Invitation.objects.filter(program=program, user=user).delete()
    # Before the keys are replaced: a new key is sealed to every token that holds the old one.
    ApiToken.objects.filter(program=program, user=user).delete()
    done = rotation.rotate(program, purposes, by=by, unlocked=unlocked, now=now)
    _go(program, user)
    record(program, Event.TAKEN_OFF, actor=by, now=now)
    return Left(
        tuple(Purpose(each.key.purpose) for each in done),
        tuple(name for each in done for name in each.left_out),
        not rota.on_call(program.pk),
    )


def off_call(program: Program, user: User) -> None:
    """Take somebody off every list of whom to call, with their numbers."""
    OnCall.objects.filter(program=program, user=user).delete()
    rota.forget(program, user)
    for contact in Contact.objects.filter(program=program, user=user).only("pk"):
        contacts.forget(contact)


def _go(program: Program, user: User) -> None:
    Membership.objects.filter(program=program, user=user).delete()
    ApiToken.objects.filter(program=program, user=user).delete()
    SavedViews.objects.filter(program=program, user=user).delete()
    off_call(program, user)
    if not Membership.objects.filter(user=user).exists():
        PersonKey.objects.filter(user=user).delete()
        user.is_active = False
        user.save(update_fields=["is_active"])
    sessions.end_everywhere(user)


def role_of(program: Program, user: User) -> Role:
    """Return what somebody is to a program. Raises NotTheirs if nothing."""
    found = Membership.objects.filter(program=program, user=user).first()
    if found is None:
        raise NotTheirs
    return Role(found.role)


def may_change(program: Program, by: User, role: Role) -> None:
    """Raise NotTheirs unless who acts lets people of this role in and go."""
    if role not in GIVES[role_of(program, by)]:
        raise NotTheirs


def to_hold(role: Role, *, identity: bool) -> set[Purpose]:
    """Return the keys somebody of a role is given."""
    main = MAIN[role]
    return {each for each in (main, Purpose.IDENTITY if identity and role in IDENTITY_TOO else None) if each}


def purposes_of(program: Program, user: User) -> set[Purpose]:
    """The program's current keys somebody holds, by their own key or a code given to them."""
    current = Grant.objects.filter(program=program, program_key__retired=False)
    found = current.filter(user=user) | current.filter(invitation__user=user)
    return {Purpose(purpose) for purpose in found.values_list("program_key__purpose", flat=True)}


def others_hold(program: Program, purpose: Purpose, user: User) -> bool:
    """Whether anybody else could open what is sealed to this key."""
    grants = Grant.objects.filter(program=program, program_key__retired=False, program_key__purpose=purpose)
    return grants.filter(user__is_active=True, user__key__isnull=False).exclude(user=user).exists()


def seeds_of(program: Program, purposes: Iterable[Purpose], unlocked: Unlocked) -> dict[ProgramKey, bytes]:
    """Return the private halves of the program's current keys for these purposes. Raises NotHeld."""
    unlocked.forget()
    found = {}
    for key in ProgramKey.objects.filter(program=program, retired=False, purpose__in=purposes):
        seed = unlocked.seed_of(key.pk)
        if seed is None:
            raise NotHeld(key.purpose)
        found[key] = seed
    return found
