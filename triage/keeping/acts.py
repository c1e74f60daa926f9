"""What people decide about keeping: a hold is set and lifted, a tip is erased before its time by two.

Every reason is sealed under the tip's key, in the record; who may do it, the console's table says.
"""

import json
from datetime import datetime

from django.db import IntegrityError, transaction

from intake.models import Program, Tip
from triage.audit.chain import Event, record
from triage.models import Case, CaseStatus, Ended, EraseRequest, LegalHold, PendingCheck, User

from . import rules


class Held(Exception):
    """A hold is on it already, or stops what was asked."""


class NotHeld(Exception):
    """There is no hold to lift."""


class NotClosed(Exception):
    """Only what is finished with is erased; what is open is closed first."""


class NotChecked(Exception):
    """A second person must look first at what one did alone to it."""


class NotTheSame(Exception):
    """Whoever asked cannot be the second person."""


class NothingAsked(Exception):
    """Nobody asks for that any more."""


@transaction.atomic
def hold(case: Case, *, reason: str, by: User, key: bytes, now: datetime) -> None:
    """Stop the erasing of a tip until the hold is lifted; a wish to erase it ends with that. Raises Held."""
    _lock(case)
    if LegalHold.objects.filter(case=case).exists():
        raise Held
    LegalHold.objects.create(program_id=case.program_id, case=case, by=by, since=now.date())
    EraseRequest.objects.filter(case=case).delete()
    _record(case, Event.HELD, by, now, reason, key)


@transaction.atomic
def lift(case: Case, *, reason: str, by: User, key: bytes, now: datetime) -> None:
    """Lift the hold: the schedule counts again, from the day of closing. Raises NotHeld."""
    _lock(case)
    if not LegalHold.objects.filter(case=case).delete()[0]:
        raise NotHeld
    _record(case, Event.HOLD_LIFTED, by, now, reason, key)


@transaction.atomic
def ask_to_erase(case: Case, *, reason: str, by: User, key: bytes, now: datetime) -> None:
    """Ask that a tip be erased now. Raises NotClosed, Held, NotChecked."""
    held = _lock(case)
    if held.status != CaseStatus.CLOSED or held.unread:
        raise NotClosed
    if LegalHold.objects.filter(case=case).exists():
        raise Held
    # Closing alone and then erasing would leave nothing to look at.
    if PendingCheck.objects.filter(case=case).exists():
        raise NotChecked
    try:
        with transaction.atomic():
            EraseRequest.objects.create(program_id=case.program_id, case=case, asked_by=by)
    except IntegrityError:
        return  # somebody asked already
    _record(case, Event.ERASING_ASKED, by, now, reason, key)


@transaction.atomic
def agree_to_erase(case: Case, *, by: User, now: datetime) -> None:
    """Agree, as the second person; it is erased within minutes. Raises NothingAsked, NotTheSame."""
    _lock(case)
    asked = EraseRequest.objects.filter(case=case, agreed_by=None).first()
    if asked is None:
        raise NothingAsked
    if asked.asked_by_id == by.pk:
        raise NotTheSame
    asked.agreed_by = by
    asked.save(update_fields=["agreed_by"])
    _record(case, Event.ERASING_AGREED, by, now)


@transaction.atomic
def withdraw(case: Case, *, by: User, now: datetime) -> None:
    """Take back a wish to erase, anybody's. Raises NothingAsked."""
    _lock(case)
    if not EraseRequest.objects.filter(case=case).delete()[0]:
        raise NothingAsked
    _record(case, Event.ERASING_WITHDRAWN, by, now)


@transaction.atomic
def set_schedule(program: Program, days: dict[Ended, int], *, by: User, now: datetime) -> bool:
    """Set the schedule; whether anything changed. ValueError unless every line has 1 to 3,650 days."""
    changed = [rules.set_days(program, ended, count) for ended, count in days.items()]
    if any(changed):
        record(program, Event.SCHEDULE_CHANGED, actor=by, now=now)
    return any(changed)


def _lock(case: Case) -> Case:
    return Case.objects.select_for_update(no_key=True).get(pk=case.pk)


def _record(case: Case, event: Event, by: User, now: datetime, reason: str = "", key: bytes | None = None) -> None:
    tip = Tip(pk=case.tip_id, program_id=case.program_id)
    text = json.dumps({"why": reason}, ensure_ascii=False) if reason else ""
    record(case.program_id, event, actor=by, tip=tip, text=text, data_key=key if reason else None, now=now)
