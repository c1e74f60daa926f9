"""Finishing with a tip, and taking that back: closing, undoing, reopening, and the look of a second person.

Nothing is passed on before what endangers the sender was read, and a tip that may tell of a child being
hurt is not closed before somebody wrote down whether it was reported.
"""

from datetime import datetime

from django.db import models, transaction

import intake.actions
from intake.models import Tip, TipStatus
from triage.audit.chain import Event
from triage.console import guard, handling
from triage.console.cases import CaseClosed, NotOpened, changed, locked, put_on_record, save
from triage.models import AuditEntry, Case, CaseStatus, Checked, Escalation, Outcome, PendingCheck, User


class DutyOpen(Exception):
    """Nobody wrote down yet to whom it was reported, or why that is not needed."""


class NotTheSame(Exception):
    """Who did it cannot be the second person who looks at it."""


class NothingToCheck(Exception):
    """Somebody checked it meanwhile, or took it back."""


@transaction.atomic
def close(
    case: Case,
    *,
    reason: Outcome,
    note: str,
    version: int,
    by: User,
    root_key: bytes,
    now: datetime,
    guarded: bool = False,
    must_report: bool = False,
) -> None:
    """Finish with a case.

    Raises Changed, CaseClosed, NotOpened while anything of it is unread, DutyOpen, and RiskNotRead before
    this person has read what endangers the sender of what they passed on. Closing what is `guarded` is
    looked at by a second person afterwards.
    """
    held = locked(case, version, by)
    if held.status == CaseStatus.CLOSED:
        raise CaseClosed
    if held.status != CaseStatus.OPEN or held.unread or Escalation.objects.running().filter(case=held).exists():
        raise NotOpened
    if must_report and not handling.duty_recorded(held):
        raise DutyOpen
    if reason == Outcome.PASSED_ON:
        handling.risk_must_be_read(held, by)
    held.status, held.outcome = CaseStatus.CLOSED, reason
    held.waiting, held.handed, held.look_again_at = False, False, None
    save(held, "status", "outcome", "waiting", "handed", "look_again_at")
    for tip in Tip.objects.filter(models.Q(pk=held.tip_id) | models.Q(follows=held.tip_id)).only("pk"):
        intake.actions.tell(tip, TipStatus.CLOSED)
    if guarded:
        guard.ask_for_check(held, Checked.CLOSED, by=by, now=now)
    put_on_record(held, Event.CLOSED, by, now, root_key, reason=reason, note=note)


@transaction.atomic
def undo(case: Case, *, version: int, by: User, now: datetime) -> None:
    """Take back one's own closing, as long as nothing happened since. Raises Changed."""
    held = locked(case, version, by)
    if held.status != CaseStatus.CLOSED or not may_undo(held, by):
        raise changed(held, by)
    _open_again(held, by)
    put_on_record(held, Event.UNDONE, by, now)


def may_undo(case: Case, by: User) -> bool:
    """Whether closing it was the last thing that happened to a case, and this person did it."""
    last = AuditEntry.objects.filter(program=case.program_id, tip=case.tip_id).order_by("-number").first()
    return last is not None and last.event == Event.CLOSED and last.actor_id == by.pk


@transaction.atomic
def reopen(case: Case, *, version: int, by: User, now: datetime, why: str = "", root_key: bytes | None = None) -> None:
    """Take a closed case up again; it is the reopener's. Raises Changed."""
    held = locked(case, version, by)
    if held.status != CaseStatus.CLOSED:
        raise changed(held, by)
    _open_again(held, by)
    put_on_record(held, Event.REOPENED, by, now, root_key, **({"why": why} if why and root_key else {}))


@transaction.atomic
def check(case: Case, did: Checked, *, note: str, by: User, root_key: bytes, now: datetime) -> None:
    """Say, as the second person, that what a colleague did alone is right. Raises NotTheSame, NothingToCheck."""
    held = Case.objects.select_for_update(no_key=True).get(pk=case.pk)
    _second(held, did, by).delete()
    put_on_record(held, Event.CHECKED, by, now, root_key, did=did, note=note)


@transaction.atomic
def bring_back(case: Case, did: Checked, *, note: str, by: User, root_key: bytes, now: datetime) -> None:
    """Say, as the second person, that it was wrong: what was closed is open again, and the looker's.

    A level is put right by correcting it, a merge by taking the tip out. Raises NotTheSame, NothingToCheck.
    """
    held = Case.objects.select_for_update(no_key=True).get(pk=case.pk)
    _second(held, did, by).delete()
    if held.status == CaseStatus.CLOSED:
        _open_again(held, by)
    put_on_record(held, Event.REOPENED, by, now, root_key, why=note)


def _open_again(held: Case, by: User) -> None:
    held.status, held.taken_by, held.outcome = CaseStatus.OPEN, by, ""
    save(held, "status", "taken_by", "outcome")
    guard.drop(held, Checked.CLOSED)
    intake.actions.tell(Tip(pk=held.tip_id), TipStatus.OPENED)


def _second(case: Case, did: Checked, by: User) -> PendingCheck:
    row = PendingCheck.objects.filter(case=case, did=did).first()
    if row is None:
        raise NothingToCheck
    if row.by_id == by.pk:
        raise NotTheSame
    return row
