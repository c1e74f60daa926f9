"""What a coordinator does to a case, beyond taking it: open, correct, answer, close.

Each act checks under the case's lock that nobody changed the case meanwhile, and is recorded in
the transaction that does it. Locks go case first, audit chain last, as in triage.escalation.taking.
"""

import json
from collections.abc import Sequence
from datetime import datetime

from django.db import models, transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

import intake.actions
from intake import sealed
from intake.models import Reply, Tip, TipStatus
from tipline.kernel import sealing
from triage.audit.chain import Event, record
from triage.console.opening import Corrected
from triage.escalation import taking
from triage.models import AuditEntry, Case, CaseStatus, Correction, Escalation, Urgency, User


class CloseReason(models.TextChoices):
    """Why a tip is finished with; kept apart, because each means something else for the program."""

    RESOLVED = "resolved", _("Resolved")
    PASSED_ON = "passed_on", _("Passed on to those who act")
    UNFOUNDED = "unfounded", _("Looked into, nothing found")
    FALSE = "false", _("False on purpose")
    PRANK = "prank", _("A prank")
    SPAM = "spam", _("Spam")
    DUPLICATE = "duplicate", _("We have it already")
    TEST = "test", _("A test")


class Changed(Exception):
    """Somebody changed the case since the page was made. `by` names them, if a person did."""

    def __init__(self, by: str) -> None:
        super().__init__("The case was changed meanwhile.")
        self.by = by


class NotOpened(Exception):
    """Something of this case has not been opened by a person yet; open it first."""


class CaseClosed(Exception):
    """The case is closed; reopen it before acting on it."""


@transaction.atomic
def open_case(case: Case, *, by: User, now: datetime) -> None:
    """Open and read: ends the pages, tells the sender, and puts on record who reads."""
    taking.mark_opened(case, by=by, now=now)
    put_on_record(case, Event.TIP_OPENED, by, now)


@transaction.atomic
def correct(
    case: Case,
    *,
    urgency: Urgency,
    categories: Sequence[str],
    version: int,
    by: User,
    root_key: bytes,
    now: datetime,
) -> None:
    """Put a person's answer over the classifier's. Raises Changed, CaseClosed."""
    held = _locked(case, version, by)
    if held.status == CaseStatus.CLOSED:
        raise CaseClosed
    last = Correction.objects.filter(case=held).aggregate(last=Max("number"))["last"] or 0
    correction = Correction(program_id=held.program_id, case=held, by=by, number=last + 1)
    correction.sealed = sealing.seal(
        Corrected(urgency, tuple(categories)).to_bytes(),
        key=root_key,
        place=sealed.place(held.tip, sealed.CORRECTION, correction.pk),
    )
    correction.save(force_insert=True)
    held.urgency = urgency
    _save(held, "urgency")
    put_on_record(held, Event.CORRECTED, by, now, root_key, level=urgency, categories=list(categories))


@transaction.atomic
def answer(case: Case, text: str, *, after: int, by: User, root_key: bytes, now: datetime) -> Reply:
    """Send an answer to the tipster; `after` is the number of the message it was written under."""
    held = Case.objects.select_for_update(no_key=True, of=("self",)).select_related("tip").get(pk=case.pk)
    if held.status == CaseStatus.CLOSED:
        raise CaseClosed
    sent = intake.actions.reply(held.tip, text)
    put_on_record(held, Event.REPLIED, by, now, root_key, reply=sent.number, after=after)
    return sent


@transaction.atomic
def close(
    case: Case, *, reason: CloseReason, note: str, version: int, by: User, root_key: bytes, now: datetime
) -> None:
    """Finish with a case. Raises Changed, CaseClosed, NotOpened while anything of it is unread."""
    held = _locked(case, version, by)
    if held.status == CaseStatus.CLOSED:
        raise CaseClosed
    if held.status != CaseStatus.OPEN or held.unread or Escalation.objects.running().filter(case=held).exists():
        raise NotOpened
    held.status = CaseStatus.CLOSED
    _save(held, "status")
    for tip in Tip.objects.filter(models.Q(pk=held.tip_id) | models.Q(follows=held.tip_id)).only("pk"):
        intake.actions.tell(tip, TipStatus.CLOSED)
    put_on_record(held, Event.CLOSED, by, now, root_key, reason=reason, note=note)


@transaction.atomic
def reopen(case: Case, *, version: int, by: User, now: datetime) -> None:
    """Take a closed case up again; it is the reopener's. Raises Changed."""
    held = _locked(case, version, by)
    if held.status != CaseStatus.CLOSED:
        raise Changed(_last_actor(held, by))
    held.status, held.taken_by = CaseStatus.OPEN, by
    _save(held, "status", "taken_by")
    intake.actions.tell(held.tip, TipStatus.OPENED)
    put_on_record(held, Event.REOPENED, by, now)


def _locked(case: Case, version: int, by: User) -> Case:
    held = Case.objects.select_for_update(no_key=True, of=("self",)).select_related("tip").get(pk=case.pk)
    if held.version != version:
        raise Changed(_last_actor(held, by))
    return held


def _last_actor(case: Case, by: User) -> str:
    """Name whoever did the last thing on record, unless it was this person: then it was a new message."""
    last = AuditEntry.objects.filter(program=case.program_id, tip=case.tip_id).order_by("-number").first()
    return last.actor.name if last and last.actor and last.actor_id != by.pk else ""


def _save(case: Case, *fields: str) -> None:
    case.version += 1
    case.save(update_fields=[*fields, "version"])


def put_on_record(case: Case, event: Event, by: User, now: datetime, key: bytes | None = None, **noted: object) -> None:
    """Append to the program's record, in the transaction of the act; what is noted is sealed under the tip's key."""
    tip = Tip(pk=case.tip_id, program_id=case.program_id)
    text = json.dumps(noted, ensure_ascii=False) if noted else ""
    record(case.program_id, event, actor=by, tip=tip, text=text, data_key=key if noted else None, now=now)
