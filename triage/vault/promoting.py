"""Changing what somebody is to a program: in one act the keys of the new role are given, those of the old withdrawn.

A key is given to a person's own key only if that was vouched for by a key the giver holds. Whoever holds
none yet gets a one-time code instead: a thief who can write to the database could have put a key of his
own in their place. With their words they add it to what they hold already, here or elsewhere (keys.add).
Nobody crosses the line to oversight by a change of role: no role lets people of both in.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from intake.models import Program, ProgramKey, Purpose
from triage.audit.chain import Event, record
from triage.escalation import rota
from triage.models import ApiToken, Grant, Membership, PersonKey, Role, SavedViews, User

from . import holders, keys, people, rotation, sessions
from .keys import Unlocked
from .people import CODE_LASTS, LastHolder, NotHeld, NotOneself


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change of role brought about."""

    code: str = ""  # to hand over: until it is used they do not hold what the new role reads with
    left_out: tuple[str, ...] = ()
    nobody_on_call: bool = False


@transaction.atomic
def change_role(
    program: Program, user: User, role: Role, *, identity: bool, by: User, unlocked: Unlocked, now: datetime
) -> Changed:
    """Give somebody another role, and with `identity` the key for submitter details.

    What they held and hold no longer is replaced, as when somebody leaves. Raises NotOneself, NotTheirs, NotHeld,
    and LastHolder if nobody else could read.
    """
    holders.hold_still(program.pk)
    if user == by:
        raise NotOneself
    unlocked.forget()
    before = people.role_of(program, user)
    held, wanted = people.purposes_of(program, user), people.to_hold(role, identity=identity)
    for purpose in sorted(held ^ wanted):
        if unlocked.program_seed(program, purpose) is None:
            last = purpose in held and not people.others_hold(program, purpose, user)
            raise LastHolder(purpose) if last else NotHeld(purpose)
    for each in (before, role):
        people.may_change(program, by, each)
    own = _vouched_key(program, user, unlocked) if wanted - held else None
    left_out = _withdraw(program, user, held - wanted, by, unlocked, now)
    Membership.objects.filter(program=program, user=user).update(role=role)
    if role not in rota.CALLABLE:
        people.off_call(program, user)
        SavedViews.objects.filter(program=program, user=user).delete()
    code = ""
    if wanted - held and own is not None:
        for key, seed in people.seeds_of(program, wanted - held, unlocked).items():
            holders.give(key, seed, to=own)
    elif wanted - held:
        seeds = people.seeds_of(program, wanted, unlocked)
        code = keys.invite(user, program, seeds, by=by, expires_at=now + CODE_LASTS)
    record(program, Event.ROLE_CHANGED, actor=by, now=now)
    return Changed(code, left_out, not rota.on_call(program.pk))


def _withdraw(
    program: Program, user: User, purposes: set[Purpose], by: User, unlocked: Unlocked, now: datetime
) -> tuple[str, ...]:
    if not purposes:
        return ()
    gone = ProgramKey.objects.filter(program=program, purpose__in=purposes)
    for grants in (Grant.objects.filter(user=user), Grant.objects.filter(invitation__user=user)):
        grants.filter(program_key__in=gone).delete()
    # Before the keys are replaced: a new key is sealed to every token that holds the old one.
    ApiToken.objects.filter(program=program, user=user).delete()
    done = rotation.rotate(program, purposes, by=by, unlocked=unlocked, now=now)
    sessions.end_everywhere(user)
    return tuple(name for each in done for name in each.left_out)


def _vouched_key(program: Program, user: User, unlocked: Unlocked) -> PersonKey | None:
    """Return the person's own key, if a key that the giver holds too was given to this very one."""
    own = PersonKey.objects.filter(user=user).first()
    found = Grant.objects.filter(program=program, user=user, program_key__retired=False).select_related("program_key")
    for grant in found if own else ():
        seed = unlocked.seed_of(grant.program_key_id)
        if own and seed is not None and holders.vouched(grant, own, seed=seed):
            return own
    return None
