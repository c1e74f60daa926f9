"""What a person does to tips of one event: puts them together, takes one out again, says it is none of them.

None of it touches a tip's level, state, pages or who has it: each stays a tip of its own, on the
board as long as nobody has it or something of it is unread (triage.console.rows). A merge can be undone.
"""

from collections.abc import Container, Iterable, Mapping
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction

from triage.audit.chain import Event
from triage.console import guard
from triage.console.cases import put_on_record
from triage.console.labels import reference
from triage.models import Case, Checked, User


class NotTogether(Exception):
    """These are not two tips or more of one program, on one side of the oversight line."""


class NotInOne(Exception):
    """It stands in no event any more; nothing is to be undone."""


@transaction.atomic
def merge(
    cases: Iterable[Case],
    *,
    by: User,
    root_keys: Mapping[UUID, bytes],
    now: datetime,
    guarded: Container[UUID] = frozenset(),
) -> UUID:
    """Say that these tips tell of one event; events that some of them stand in become one. Raises NotTogether.

    `root_keys`: the data key of each tip, under which the record names the others. A second person looks
    afterwards at the cases that are `guarded`.
    """
    held = _locked(each.pk for each in cases)
    if len(held) < 2 or len({(case.program_id, case.oversight) for case in held}) > 1:
        raise NotTogether
    before = sorted({case.incident for case in held if case.incident})
    incident = before[0] if before else uuid4()
    # Whoever stands in one of these events already comes along.
    along = _locked(Case.objects.filter(incident__in=before[1:]).values_list("pk", flat=True))
    moved = {case.pk: case for case in (*held, *along) if case.incident != incident}
    for case in moved.values():
        case.incident = incident
        _save(case, "incident")
    for case in moved.values():
        others = ", ".join(reference(other.pk) for other in held if other.pk != case.pk)
        key = root_keys.get(case.tip_id)
        if case.pk in guarded:
            guard.ask_for_check(case, Checked.MERGED, by=by, now=now)
        put_on_record(case, Event.MERGED, by, now, key, **({"with": others} if key else {}))
    return incident


@transaction.atomic
def split(case: Case, *, resembling: Iterable[UUID] = (), by: User, now: datetime) -> None:
    """Take a tip out of its event, and suggest neither it nor the tips `resembling` it for that again.

    An event of which one tip is left is none. Raises NotInOne.
    """
    held = _locked([case.pk, *Case.objects.filter(incident=case.incident).values_list("pk", flat=True)])
    mine = next(each for each in held if each.pk == case.pk)
    if mine.incident is None or case.incident is None:
        raise NotInOne
    left = [each for each in held if each.pk != mine.pk and each.incident == mine.incident]
    resembles = set(resembling)
    if len(left) == 1:
        left[0].incident = None
    mine.incident, mine.apart = None, True
    for each in left:
        each.apart = each.apart or each.pk in resembles
    for each in (mine, *left):
        _save(each, "incident", "apart")
    guard.drop(mine, Checked.MERGED)
    put_on_record(mine, Event.SPLIT, by, now)


@transaction.atomic
def say_apart(case: Case, *, resembling: Iterable[Case] = (), by: User, now: datetime) -> None:
    """Say that a tip tells of another event than those it is like: that is not suggested again."""
    for each in _locked([case.pk, *(other.pk for other in resembling)]):
        each.apart = True
        _save(each, "apart")
        if each.pk == case.pk:
            put_on_record(each, Event.SAID_APART, by, now)


def _locked(wanted: Iterable[UUID]) -> list[Case]:
    """Lock cases in one order, so that no two people wait for each other in a circle."""
    return list(Case.objects.select_for_update(no_key=True).filter(pk__in=set(wanted)).order_by("pk"))


def _save(case: Case, *fields: str) -> None:
    case.version += 1
    case.save(update_fields=[*fields, "version"])
