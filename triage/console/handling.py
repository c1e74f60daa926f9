"""What a coordinator does with a tip while it is open: notes, handing over, looking again, telling, reporting.

What is written is sealed under the tip's key; in clear stand who, the hour, and, while the tip is open,
when to look again. No row and no record holds a word of the tip.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from intake import sealed
from intake.models import Tip
from tipline.kernel import sealing, times
from tipline.kernel.sealing import SealBroken
from triage.audit.chain import Event
from triage.console.cases import CaseClosed, NotOpened, put_on_record, save
from triage.models import READERS, AuditEntry, Case, CaseStatus, Escalation, Note, Role, User


class RiskNotRead(Exception):
    """This person has not read yet what endangers the sender; nothing may be passed on before."""


class NotForThem(Exception):
    """Nobody of this name may see this tip."""


@dataclass(frozen=True, slots=True)
class Noted:
    """One note, opened."""

    by: str
    hour: datetime | None
    text: str
    private: bool


@transaction.atomic
def note(case: Case, text: str, *, private: bool, by: User, root_key: bytes, now: datetime) -> Note:
    """Write a note for the team, or for oneself."""
    held = Case.objects.select_for_update(no_key=True, of=("self",)).select_related("tip").get(pk=case.pk)
    written = _write(held, text, private=private, by=by, root_key=root_key, now=now)
    if not private:
        put_on_record(held, Event.NOTED, by, now)
    return written


def notes_of(case: Case, user: User, root_key: bytes | None) -> list[Noted]:
    """Open the notes this person may read: the team's, and their own."""
    if root_key is None:
        return []
    found = []
    for each in Note.objects.filter(Q(private=False) | Q(by=user), case=case).select_related("by").order_by("number"):
        try:
            place = sealed.place(case.tip, sealed.NOTE, each.pk)
            said: dict[str, Any] = json.loads(sealing.unseal(bytes(each.sealed), key=root_key, place=place))
        except (SealBroken, ValueError):
            continue
        found.append(Noted(each.by.name, datetime.fromisoformat(said["hour"]), said["text"], each.private))
    return found


def receivers(case: Case, *, but: User) -> list[User]:
    """Who a tip may be given to: active colleagues of its program, on its side of the oversight line, with keys."""
    roles = [Role.OVERSIGHT] if case.oversight else READERS
    found = User.objects.filter(is_active=True, memberships__program=case.program_id, memberships__role__in=roles)
    return list(found.filter(grants__program=case.program_id).exclude(pk=but.pk).distinct().order_by("name"))


@transaction.atomic
def hand_over(case: Case, to: User, text: str, *, by: User, root_key: bytes, now: datetime) -> None:
    """Give an open tip to a colleague, or take it over oneself, with a note for the team.

    Raises NotForThem, CaseClosed, and NotOpened while nobody has read it or a page of it is running: that
    is passed on by the ladder, which wakes people.
    """
    held = Case.objects.select_for_update(no_key=True, of=("self",)).select_related("tip", "program").get(pk=case.pk)
    if to.pk != by.pk and to not in receivers(held, but=by):
        raise NotForThem
    if held.status == CaseStatus.CLOSED:
        raise CaseClosed
    if held.status != CaseStatus.OPEN or Escalation.objects.running().filter(case=held).exists():
        raise NotOpened
    if text:
        _write(held, text, private=False, by=by, root_key=root_key, now=now)
    held.taken_by, held.handed = to, to.pk != by.pk
    save(held, "taken_by", "handed")
    put_on_record(held, Event.HANDED_OVER, by, now, root_key, to=to.name)


def hand_over_all(
    to: User, text: str, *, by: User, root_keys: Mapping[UUID, bytes], now: datetime
) -> tuple[int, list[Case]]:
    """Give all one has in hand to a colleague, at the end of a shift.

    Returns how many went, and those that stay: not opened yet, paging, or not for the colleague to see.
    """
    went, stay = 0, []
    for case in mine(by).order_by("pk"):
        key = root_keys.get(case.tip_id)
        try:
            if key is None:
                raise NotOpened
            hand_over(case, to, text, by=by, root_key=key, now=now)
            went += 1
        except (NotForThem, NotOpened, CaseClosed):
            stay.append(case)
    return went, stay


@transaction.atomic
def look_again(case: Case, at: datetime | None) -> None:
    """Put a tip before people again at a time, rounded up to the quarter hour; None: somebody has looked."""
    held = Case.objects.select_for_update(no_key=True).get(pk=case.pk)
    if held.status == CaseStatus.CLOSED:
        raise CaseClosed
    held.look_again_at = times.quarter_hour_after(at) if at else None
    save(held, "look_again_at")


@transaction.atomic
def set_waiting(case: Case, *, waiting: bool) -> None:
    """Say whether one waits for the sender. Raises CaseClosed."""
    held = Case.objects.select_for_update(no_key=True).get(pk=case.pk)
    if held.status == CaseStatus.CLOSED:
        raise CaseClosed
    held.waiting = waiting
    save(held, "waiting")


def read_risk(case: Case, *, by: User, now: datetime) -> None:
    """Put on record that this person has read what endangers the sender."""
    put_on_record(case, Event.RISK_READ, by, now)


def risk_read(case: Case, user: User) -> bool:
    """Whether this person has."""
    return _did(case, Event.RISK_READ, user)


def risk_must_be_read(case: Case, user: User) -> None:
    """Raise RiskNotRead before anything of a tip leaves the program through somebody who has not read it."""
    if not risk_read(case, user):
        raise RiskNotRead


@transaction.atomic
def tell(case: Case, who: str, *, by: User, root_key: bytes, now: datetime) -> None:
    """Put on record that somebody outside was told: who they are to us, and the hour; nothing of what was said.

    Raises RiskNotRead.
    """
    risk_must_be_read(case, by)
    put_on_record(case, Event.TOLD, by, now, root_key, who=who)


@transaction.atomic
def record_duty(case: Case, *, to: str, why: str, by: User, root_key: bytes, now: datetime) -> None:
    """Put on record to whom it was reported that a child may be hurt, or why that was not needed."""
    if not to and not why:
        raise ValueError("Either it was reported to somebody, or there is a reason not to.")
    put_on_record(case, Event.DUTY_RECORDED, by, now, root_key, **({"to": to} if to else {"why": why}))


def duty_recorded(case: Case) -> bool:
    """Whether somebody did."""
    return _did(case, Event.DUTY_RECORDED)


def _did(case: Case, event: Event, user: User | None = None) -> bool:
    found = AuditEntry.objects.filter(program=case.program_id, tip=case.tip_id, event=event)
    return (found.filter(actor=user) if user else found).exists()


def _write(case: Case, text: str, *, private: bool, by: User, root_key: bytes, now: datetime) -> Note:
    last = Note.objects.filter(case=case).aggregate(last=Max("number"))["last"] or 0
    written = Note(program_id=case.program_id, case=case, by=by, number=last + 1, private=private)
    said = json.dumps({"text": text, "hour": times.hour(now).isoformat()}, ensure_ascii=False)
    tip = Tip(pk=case.tip_id, program_id=case.program_id)
    place = sealed.place(tip, sealed.NOTE, written.pk)
    written.sealed = sealing.seal(said.encode(), key=root_key, place=place)
    written.save(force_insert=True)
    return written


def mine(user: User) -> QuerySet[Case]:
    """The open tips this person has in hand."""
    return Case.objects.visible_to(user).filter(taken_by=user).exclude(status=CaseStatus.CLOSED)
