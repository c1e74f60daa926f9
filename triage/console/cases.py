"""What a coordinator does to a case, beyond taking it: open, correct, answer. Closing: triage.console.closing.

Each act checks under the case's lock that nobody changed the case meanwhile, and is recorded in
the transaction that does it. Locks go case first, audit chain last, as in triage.escalation.taking.
"""

import json
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Max

import intake.actions
from intake import sealed
from intake.models import Reply, Tip
from tipline.kernel import sealing
from triage.audit.chain import Event, record
from triage.classify import worse
from triage.classify.taxonomy import Urgency as Level
from triage.console import guard
from triage.console.opening import Corrected
from triage.escalation import taking
from triage.models import AuditEntry, Case, CaseStatus, Checked, Correction, Urgency, User


class Changed(Exception):
    """Somebody changed the case since the page was made: `by` did `what`, both in words; empty if no person did."""

    def __init__(self, by: str, what: str = "") -> None:
        super().__init__("The case was changed meanwhile.")
        self.by, self.what = by, what


class NotOpened(Exception):
    """Something of this case has not been opened by a person yet; open it first."""


class CaseClosed(Exception):
    """The case is closed; reopen it before acting on it."""


@transaction.atomic
def open_case(case: Case, *, by: User, now: datetime) -> None:
    """Open and read: ends the pages, tells the sender, and puts on record who reads."""
    unread = case.unread
    taking.mark_opened(case, by=by, now=now)
    held = Case.objects.get(pk=case.pk)
    # The answer one waited for is here, and what a colleague gave one is seen.
    answered, received = held.waiting and bool(unread), held.handed and held.taken_by_id == by.pk
    if answered or received:
        held.waiting, held.handed = held.waiting and not answered, held.handed and not received
        save(held, "waiting", "handed")
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
    guarded: bool = False,
) -> None:
    """Put a person's answer over the classifier's. Raises Changed, CaseClosed.

    A lower level of a tip that is `guarded` is looked at by a second person afterwards.
    """
    held = locked(case, version, by)
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
    before, held.urgency = Level(held.urgency), urgency
    save(held, "urgency")
    if before != Level(urgency):
        if worse(before, Level(urgency)) != before:
            guard.drop(held, Checked.LOWERED)
        elif guarded or before.pages:
            guard.ask_for_check(held, Checked.LOWERED, by=by, now=now)
    put_on_record(held, Event.CORRECTED, by, now, root_key, level=urgency, categories=list(categories))


@transaction.atomic
def answer(
    case: Case,
    text: str,
    *,
    after: int,
    by: User,
    root_key: bytes,
    now: datetime,
    version: int | None = None,
    wait: bool = False,
) -> Reply:
    """Send an answer to the tipster; `after` is the number of the message it was written under.

    With `version`, raises Changed if somebody answered or a message came meanwhile: two answers at once
    confuse a frightened sender. `wait` says that one waits for what they say to it. Raises CaseClosed.
    """
    held = Case.objects.select_for_update(no_key=True, of=("self",)).select_related("tip").get(pk=case.pk)
    if held.status == CaseStatus.CLOSED:
        raise CaseClosed
    if version is not None and held.version != version:
        raise changed(held, by)
    sent = intake.actions.reply(held.tip, text)
    held.waiting = wait
    save(held, "waiting")
    put_on_record(held, Event.REPLIED, by, now, root_key, reply=sent.number, after=after)
    return sent


def locked(case: Case, version: int, by: User) -> Case:
    """Lock a case as the page showed it. Raises Changed."""
    held = Case.objects.select_for_update(no_key=True, of=("self",)).select_related("tip").get(pk=case.pk)
    if held.version != version:
        raise changed(held, by)
    return held


def changed(case: Case, by: User) -> Changed:
    """Say who did the last thing on record, and what, unless it was this person: then it was a new message."""
    last = AuditEntry.objects.filter(program=case.program_id, tip=case.tip_id).order_by("-number").first()
    if last is None or last.actor is None or last.actor_id == by.pk:
        return Changed("")
    return Changed(last.actor.name, str(Event(last.event).label) if last.event in Event.values else "")


def save(case: Case, *fields: str) -> None:
    """Save some of a locked case, as its next version."""
    case.version += 1
    case.save(update_fields=[*fields, "version"])


def put_on_record(case: Case, event: Event, by: User, now: datetime, key: bytes | None = None, **noted: object) -> None:
    """Append to the program's record, in the transaction of the act; what is noted is sealed under the tip's key."""
    tip = Tip(pk=case.tip_id, program_id=case.program_id)
    text = json.dumps(noted, ensure_ascii=False) if noted else ""
    record(case.program_id, event, actor=by, tip=tip, text=text, data_key=key if noted else None, now=now)
