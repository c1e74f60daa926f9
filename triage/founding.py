"""How a program begins: its keys, its first people, who is on call, and the ladders by which they are woken."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from intake.models import Program, ProgramKey, Purpose
from triage.escalation import contacts
from triage.models import (
    Channel,
    Invitation,
    Ladder,
    LadderStep,
    LadderWho,
    Membership,
    OnCall,
    PersonKey,
    Role,
    Urgency,
    User,
)
from triage.vault import kept, keys, pins

WRITTEN = [Channel.SMS, Channel.EMAIL]
ALL = [Channel.VOICE, *WRITTEN]
# (seconds after the start, who, by what).
IMMINENT = [
    (0, LadderWho.EVERYONE, ALL),
    (120, LadderWho.NEXT, ALL),
    (240, LadderWho.NEXT, ALL),
    (360, LadderWho.SUPERVISORS, ALL),
]
URGENT = [
    (0, LadderWho.FIRST, WRITTEN),
    (120, LadderWho.FIRST, [Channel.VOICE]),
    (300, LadderWho.NEXT, ALL),
    (900, LadderWho.EVERYONE, ALL),
    (1800, LadderWho.SUPERVISORS, ALL),
]


class NotYet(Exception):
    """Somebody named has left, has not signed in yet, or has a code that keeps a copy of another program's keys."""


@dataclass(frozen=True, slots=True)
class FirstPerson:
    """Somebody a program begins with, new or already here, and how they are reached."""

    username: str
    name: str
    role: Role
    email: str = ""
    phone: str = ""


@transaction.atomic
def begin(program: Program, people: Iterable[FirstPerson]) -> dict[str, str]:
    """Store a new program with all it needs; returns each person's one-time code.

    Who signs in already, for another program, adds it to their words. The coordinators are on call in the order they
    are named. Raises NotYet, BadAddress.
    """
    last = Program.objects.aggregate(last=Max("position"))["last"]
    program.position = 0 if last is None else last + 1
    program.save(force_insert=True)
    seeds = keys.create_program_keys(program)
    codes: dict[str, str] = {}
    for first in people:
        user = _person(program, first)
        _reach(program, user, first)
        if first.role == Role.COORDINATOR:
            OnCall.objects.create(program=program, user=user, position=OnCall.objects.filter(program=program).count())
        codes[user.username] = keys.invite(user, program, _to_hold(program, user, seeds), until_kit=True)
    for oversight in (False, True):
        _ladders(program, oversight=oversight)
    kept.keep(program, {"receipt_pepper": settings.RECEIPT_PEPPER, "vault_pepper": settings.VAULT_PEPPER})
    pins.add(keys.pin_lines(program))
    return codes


def _person(program: Program, first: FirstPerson) -> User:
    user = User.objects.filter(username__iexact=first.username).first()
    if user is None:
        user = User.objects.create_user(username=first.username, name=first.name)
    elif not PersonKey.objects.filter(user=user).exists() or Invitation.objects.filter(user=user).exists():
        # A person has one code at a time, and this one may be the only copy of a key.
        raise NotYet(first.username)
    Membership.objects.create(program=program, user=user, role=first.role)
    return user


def _to_hold(program: Program, user: User, seeds: Mapping[Purpose, bytes]) -> dict[ProgramKey, bytes]:
    wanted = keys.purposes_for(user, program)
    found = ProgramKey.objects.filter(program=program, retired=False, purpose__in=wanted)
    return {key: seeds[Purpose(key.purpose)] for key in found}


def _reach(program: Program, user: User, first: FirstPerson) -> None:
    if first.email:
        contacts.add_contact(user, program, Channel.EMAIL, first.email)
    if first.phone:
        contacts.add_contact(user, program, Channel.SMS, first.phone)
        contacts.add_contact(user, program, Channel.VOICE, first.phone)


def _ladders(program: Program, *, oversight: bool) -> None:
    for urgency, steps in ((Urgency.IMMINENT, IMMINENT), (Urgency.URGENT, URGENT)):
        ladder = Ladder.objects.create(program=program, urgency=urgency, oversight=oversight)
        for position, (after, who, channels) in enumerate(steps):
            LadderStep.objects.create(
                program=program, ladder=ladder, position=position, after_seconds=after, who=who, channels=channels
            )
