"""Ladders: who is told when, frozen into a snapshot when an escalation begins.

A change of the ladder or the rota never touches a page that is already out.
"""

from collections.abc import Sequence
from typing import TypedDict, cast
from uuid import UUID

from triage.models import Channel, Escalation, Ladder, LadderStep, LadderWho, Membership, OnCall, Role

DEFAULT_LOOP = 120
ALL_CHANNELS = [str(Channel.SMS), str(Channel.EMAIL)]


class Step(TypedDict):
    """One rung: so many seconds after the start, these people, by these means."""

    after: int
    people: list[str]
    channels: list[str]


class Snapshot(TypedDict):
    """A ladder with its people filled in; `everyone` is the fallback when a rung reaches nobody."""

    steps: list[Step]
    loop_after: int
    everyone: list[str]


def snapshot(program_id: UUID, urgency: str, *, oversight: bool) -> Snapshot:
    """Fill the program's ladder with the people of now.

    Oversight cases reach oversight people only, and the others reach everybody else. Where there is
    no ladder or nobody on call, its first step tells every one of them at once.
    """
    roles = _eligible(program_id, oversight=oversight)
    everyone = [str(user) for user in roles]
    on_call = [
        str(user)
        for user in OnCall.objects.filter(program_id=program_id).order_by("position").values_list("user_id", flat=True)
        if user in roles
    ]
    supervisors = [str(user) for user, role in roles.items() if oversight or role == Role.SUPERVISOR]
    ladder = Ladder.objects.filter(program_id=program_id, urgency=urgency, oversight=oversight).first()
    rungs = list(LadderStep.objects.filter(ladder=ladder).order_by("position")) if ladder else []
    steps = _filled(rungs, on_call or everyone, supervisors, nobody_on_call=not on_call)
    if not any(step["people"] for step in steps):
        steps = [Step(after=0, people=everyone, channels=ALL_CHANNELS)]
    return Snapshot(steps=steps, loop_after=ladder.loop_after if ladder else DEFAULT_LOOP, everyone=everyone)


def of(escalation: Escalation) -> Snapshot:
    """Return the snapshot an escalation runs from."""
    return cast(Snapshot, escalation.snapshot)


def _eligible(program_id: UUID, *, oversight: bool) -> dict[UUID, str]:
    members = Membership.objects.filter(program_id=program_id, user__is_active=True)
    members = members.filter(role=Role.OVERSIGHT) if oversight else members.exclude(role=Role.OVERSIGHT)
    return dict(members.order_by("pk").values_list("user_id", "role"))


def _filled(
    rungs: Sequence[LadderStep], on_call: list[str], supervisors: list[str], *, nobody_on_call: bool
) -> list[Step]:
    steps, following = [], 1
    for rung in rungs:
        people = supervisors if rung.who == LadderWho.SUPERVISORS else on_call
        # With nobody on call there is no first and no next: whoever there is, is told together.
        if not nobody_on_call and rung.who == LadderWho.FIRST:
            people = on_call[:1]
        elif not nobody_on_call and rung.who == LadderWho.NEXT:
            people = on_call[following : following + 1]
            following += 1
        steps.append(Step(after=rung.after_seconds, people=people, channels=list(rung.channels)))
    return steps
