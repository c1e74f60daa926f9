"""Sorting an open tip anew, after the rules or the weights were changed.

The workers' key of a tip is gone once it was assessed, so this takes a program's key: a custodian
does it with one handed over from an unlocked session (triage.custody). What is worse than the
program said before pages as a new tip would. Nothing is ever lowered: that the program would now
say less stands in the record, and a person decides. What a person corrected stays as they said.
"""

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any

from django.db import transaction

from intake import sealed
from intake.message import Content
from intake.models import Tip
from tipline.kernel import sealing
from tipline.kernel.sealing import SealBroken
from triage import assess, limits
from triage.actions import LONGEST
from triage.audit.chain import Event, record
from triage.classify import Assessment as Answer
from triage.classify import Urgency, shipped_version, worse
from triage.classify.taxonomy import of_self_harm
from triage.escalation import beginning, ladders, numbers, wake
from triage.escalation.beginning import NewPage
from triage.models import Assessment, Case, CaseStatus, Correction, Escalation, EscalationState, User

log = logging.getLogger("tipline.custodian")


class Outcome(Enum):
    """What became of one tip."""

    LEFT = auto()
    """Closed, erased or changed meanwhile, or not assessed at all yet."""
    DONE = auto()
    RAISED = auto()
    BROKEN = auto()
    """It does not open, or takes too long to read; its assessment stays as it was."""


@dataclass(frozen=True, slots=True)
class _Anew:
    """The old assessment as it was stored, and the new one, sealed."""

    before: Assessment
    said_before: dict[str, Any]
    answer: Answer
    blob: bytes

    @property
    def rises(self) -> bool:
        """Whether the program now says a worse level than it ever did."""
        known = worse(Urgency(self.before.urgency), Urgency(self.said_before.get("urgency", self.before.urgency)))
        return worse(self.answer.urgency, known) != known

    @property
    def differs(self) -> bool:
        """Whether it now says anything else of level or categories."""
        level, categories = self.said_before.get("urgency", self.before.urgency), self.said_before.get("categories", ())
        return (self.answer.urgency, set(self.answer.categories)) != (level, set(categories))


def reassess(tip: Tip, key: bytes, *, root_key: bytes | None, now: datetime) -> Outcome:
    """Let the shipped classifier read one tip or follow-up of an open case again.

    `root_key` is the key of the conversation's first message, under which the record is sealed. Run
    twice it finds nothing more to do.
    """
    before = Assessment.objects.filter(tip=tip).first()
    if before is None:
        return Outcome.LEFT
    try:
        with limits.at_most(LONGEST):
            anew = _read(tip, key, before)
    except limits.TooSlow:
        log.error("reassess.too_slow %s", tip.pk)
        return Outcome.BROKEN
    except (SealBroken, ValueError):
        return Outcome.BROKEN
    with transaction.atomic():
        return _store(tip, anew, root_key, now)


def sorted_by_others(user: User) -> int:
    """Count the open tips a person may see that another version than the shipped one sorted."""
    cases = Case.objects.visible_to(user).exclude(status=CaseStatus.CLOSED)
    return Assessment.objects.filter(tip__case__in=cases).exclude(version=shipped_version()).count()


def _read(tip: Tip, key: bytes, before: Assessment) -> _Anew:
    content = Content.from_bytes(sealing.unseal(bytes(tip.sealed), key=key, place=sealed.place(tip, sealed.CONTENT)))
    place = sealed.place(tip, sealed.ASSESSMENT)
    said: dict[str, Any] = {}
    if before.sealed:
        said = json.loads(sealing.unseal(bytes(before.sealed), key=key, place=place))
    answer = assess.judge(content.message)
    found: dict[str, Any] = json.loads(assess.as_json(answer, content))
    # Which tip it is like was found when it came in, and is not asked again.
    found |= {name: said[name] for name in ("like", "differs") if name in said}
    blob = sealing.seal(json.dumps(found, ensure_ascii=False).encode(), key=key, place=place)
    return _Anew(before, said, answer, blob)


def _store(tip: Tip, anew: _Anew, root_key: bytes | None, now: datetime) -> Outcome:
    # Locks go case first, audit chain last, as in triage.escalation.taking.
    case = Case.objects.select_for_update(no_key=True).filter(tip=tip.follows_id or tip.pk).first()
    if case is None or case.status == CaseStatus.CLOSED:
        return Outcome.LEFT
    raised = anew.rises and _raise(case, anew.answer.urgency)
    # Sealed in a new way meanwhile, or assessed by another custodian: the next time then.
    held = Assessment.objects.filter(pk=anew.before.pk, sealed=bytes(anew.before.sealed))
    if not held.update(
        sealed=anew.blob,
        # Together with the case's: a tip that stands as urgent has a page, or triage.watching makes one.
        urgency=anew.answer.urgency if raised else anew.before.urgency,
        judged=anew.answer.judged,
        version=anew.answer.version,
    ):
        return Outcome.LEFT
    if not (anew.differs or anew.rises):
        return Outcome.DONE
    # What the board keeps of it is read again.
    case.version += 1
    case.save(update_fields=["urgency", "status", "taken_by", "version"])
    if raised and anew.answer.urgency.pages:
        _page(case, tip, anew.answer, now)
        wake.wake_after_commit(wake.PAGE)
    _record(case, anew, root_key, now)
    return Outcome.RAISED if raised else Outcome.DONE


def _raise(case: Case, urgency: Urgency) -> bool:
    """Raise a case's level, unless it is as bad already or a person said what it is."""
    if worse(urgency, Urgency(case.urgency)) == case.urgency or Correction.objects.filter(case=case).exists():
        return False
    case.urgency = urgency
    if urgency.pages and case.status == CaseStatus.OPEN:
        # As a follow-up does: it is before people again.
        case.status, case.taken_by = CaseStatus.NEW, None
    return True


def _page(case: Case, tip: Tip, answer: Answer, now: datetime) -> None:
    """Begin its page; a page it has, over or running, begins anew on the ladder of the worse level."""
    urgency, self_harm = answer.urgency, of_self_harm(answer.categories)
    page = Escalation.objects.select_for_update(no_key=True).filter(tip=tip).first()
    if page is None:
        new = NewPage(case.program_id, case.pk, tip.pk, urgency, oversight=case.oversight, self_harm=self_harm)
        beginning.begin([new], now=now)
        return
    page.urgency, page.joins = urgency, False
    page.snapshot = ladders.for_case(case, urgency, self_harm=self_harm)
    if page.state == EscalationState.ENDED:
        page.state, page.taken_by, page.ended_by = EscalationState.OPEN, None, None
        page.opened_at, page.times_taken = now, 0
        page.page_number = numbers.next_numbers(case.program_id, 1)[0]
    if page.state == EscalationState.OPEN:
        # Another round: each notification is told apart by its round.
        page.step, page.loop, page.next_at = 0, page.loop + 1, now
    page.save()


def _record(case: Case, anew: _Anew, root_key: bytes | None, now: datetime) -> None:
    noted = {
        "level": str(anew.answer.urgency),
        "categories": list(anew.answer.categories),
        "before": {
            "level": anew.said_before.get("urgency", anew.before.urgency),
            "categories": list(anew.said_before.get("categories", ())),
        },
    }
    text = json.dumps(noted) if root_key else ""
    root = Tip(pk=case.tip_id, program_id=case.program_id)
    record(case.program_id, Event.REASSESSED, tip=root, text=text, data_key=root_key, now=now)
