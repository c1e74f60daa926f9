"""Ladders: who is told when, frozen into a snapshot when an escalation begins.

A change of the ladder or the rota never touches a page that is already out.
"""

from collections.abc import Container, Iterable
from datetime import datetime
from typing import TypedDict, cast
from uuid import UUID

from triage import rows
from triage.models import Case, Channel, Escalation, LadderWho, Recusal, Role

DEFAULT_LOOP = 120
ALL_CHANNELS = [str(channel) for channel in (Channel.VOICE, Channel.SMS, Channel.EMAIL)]


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


# One statement: every new page asks for this.
_FOUND = """
SELECT
    (SELECT json_agg(json_build_array(member.user_id, member.role) ORDER BY member.id)
     FROM triage_membership member JOIN triage_user ON triage_user.id = member.user_id
     WHERE member.program_id = %(program)s AND triage_user.is_active
       AND member.role IN ('coordinator', 'supervisor', 'oversight')
       AND (member.role = 'oversight') = %(oversight)s),
    (SELECT json_agg(user_id ORDER BY rank, user_id)
     FROM triage_on_call(%(program)s, coalesce(%(now)s::timestamptz, clock_timestamp()))),
    ladder.loop_after,
    (SELECT json_agg(json_build_array(after_seconds, who, channels) ORDER BY position)
     FROM triage_ladderstep step WHERE ladder_id = ladder.id
       AND self_harm = (%(self_harm)s AND EXISTS (
           SELECT 1 FROM triage_ladderstep own WHERE own.ladder_id = ladder.id AND own.self_harm)))
FROM (SELECT) AS nothing LEFT JOIN triage_ladder ladder
ON ladder.program_id = %(program)s AND ladder.urgency = %(urgency)s AND ladder.oversight = %(oversight)s
"""


def snapshot(
    program_id: UUID, urgency: str, *, oversight: bool, self_harm: bool = False, now: datetime | None = None
) -> Snapshot:
    """Fill the program's ladder with the people of now, by the database's clock if no time is handed in.

    Oversight cases reach oversight people only, and the others reach everybody else. Where there is
    no ladder or nobody on call, its first step tells every one of them at once. With `self_harm` the
    ladder's steps for that are climbed, where it has any.
    """
    wanted = {
        "program": program_id,
        "urgency": str(urgency),
        "oversight": oversight,
        "self_harm": self_harm,
        "now": now,
    }
    found = rows.run(_FOUND, wanted)
    members, rota, loop_after, rungs = found[0]
    roles: dict[str, str] = dict(members or ())
    everyone = list(roles)
    on_call = [user for user in rota or () if user in roles]
    supervisors = [user for user, role in roles.items() if oversight or role == Role.SUPERVISOR]
    steps = _filled(rungs or (), on_call or everyone, supervisors, nobody_on_call=not on_call)
    if not any(step["people"] for step in steps):
        steps = [Step(after=0, people=everyone, channels=ALL_CHANNELS)]
    pause = DEFAULT_LOOP if loop_after is None else loop_after
    return Snapshot(steps=steps, loop_after=pause, everyone=everyone)


def for_case(case: Case, urgency: str, *, self_harm: bool = False) -> Snapshot:
    """Return the ladder of a case as it is now, without those who stepped aside from it.

    What it is about is sealed: whoever has not just read it climbs the ordinary steps.
    """
    aside = set(Recusal.objects.filter(case=case).values_list("user_id", flat=True))
    return without(snapshot(case.program_id, urgency, oversight=case.oversight, self_harm=self_harm), aside)


def without(found: Snapshot, people: Container[UUID]) -> Snapshot:
    """Return a snapshot that tells none of these people."""

    def left(listed: Iterable[str]) -> list[str]:
        return [person for person in listed if UUID(str(person)) not in people]

    steps = [
        Step(after=step["after"], people=left(step["people"]), channels=step["channels"]) for step in found["steps"]
    ]
    return Snapshot(steps=steps, loop_after=found["loop_after"], everyone=left(found["everyone"]))


def of(escalation: Escalation) -> Snapshot:
    """Return the snapshot an escalation runs from."""
    return cast(Snapshot, escalation.snapshot)


def _filled(
    rungs: Iterable[tuple[int, str, list[str]]],
    on_call: list[str],
    supervisors: list[str],
    *,
    nobody_on_call: bool,
) -> list[Step]:
    steps, following = [], 1
    for after, who, channels in rungs:
        people = supervisors if who == LadderWho.SUPERVISORS else on_call
        # With nobody on call there is no first and no next: whoever there is, is told together.
        if not nobody_on_call and who == LadderWho.FIRST:
            people = on_call[:1]
        elif not nobody_on_call and who == LadderWho.NEXT:
            people = on_call[following : following + 1]
            following += 1
        steps.append(Step(after=after, people=people, channels=channels))
    return steps
