"""Everything the page of one event shows: its tips side by side, opened with the keys of this request."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from intake import sealed
from intake.message import Content
from intake.models import Tip, TipStatus
from tipline.kernel import sealing
from tipline.kernel.sealing import SealBroken
from triage.audit.chain import Event
from triage.console import labels, opening, sheet
from triage.console.incidents_suggested import suggest
from triage.incidents import comparing
from triage.incidents.comparing import Stretch
from triage.incidents.telling import Kind
from triage.models import AuditEntry, Case, CaseStatus, User
from triage.vault.keys import Unlocked

PER_PAGE = 12
KINDS: dict[Kind, str | Promise] = {
    Kind.NUMBER: gettext_lazy("Number"),
    Kind.TIME: gettext_lazy("Time"),
    Kind.PLACE: gettext_lazy("Place"),
    Kind.MEANS: gettext_lazy("Means"),
    Kind.NAME: gettext_lazy("Name"),
    Kind.WORD: gettext_lazy("Words"),
}


@dataclass(frozen=True, slots=True)
class Telling:
    """One tip beside the others. `answers` are empty until this person has opened it."""

    case: Case
    reference: str
    confirmed: bool
    opened: bool
    readable: bool
    age: str
    answers: tuple[tuple[str, tuple[Stretch, ...]], ...] = field(default=(), repr=False)
    only: tuple[tuple[str | Promise, str], ...] = field(default=(), repr=False)
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Together:
    """The page: `confirmed` of `count` tips were put together by a person, the others are a suggestion."""

    page: Page[Case]
    tellings: list[Telling]
    count: int
    confirmed: int
    anchor: Case | None

    @property
    def suggested(self) -> int:
        """How many may tell of it and nobody has said so."""
        return self.count - self.confirmed

    @property
    def sealed(self) -> list[Telling]:
        """Those on this page that this person has not opened."""
        return [telling for telling in self.tellings if not telling.opened]

    @property
    def choosable(self) -> int:
        """How many on this page may be ticked."""
        return sum(telling.readable and not telling.confirmed for telling in self.tellings)


def side(case: Case, user: User, unlocked: Unlocked) -> tuple[list[Case], sheet.Sheet]:
    """Return the open cases of this program and side of the oversight line, and what is known of them."""
    visible = Case.objects.visible_to(user).filter(program=case.program_id, oversight=case.oversight)
    cases = list(visible.exclude(status=CaseStatus.CLOSED).order_by("pk"))
    return cases, sheet.facets_of(cases, unlocked)


def load(case: Case, user: User, unlocked: Unlocked, *, added: Case | None, page: int, now: datetime) -> Together:
    """Put the page together: the tips of this one's event, and those that may be of it."""
    cases, known = side(case, user, unlocked)
    if case.pk not in known:
        known = known | sheet.open_singly([case], unlocked)
    listed = cases if case in cases else [*cases, case]
    suggested = next((one.cases for one in suggest(listed, known, now=now) if case in one.cases), (case,))
    anchor = next((each for each in (case, *suggested) if each.incident), None)
    # Closed tips stay in their event.
    of_it = list(Case.objects.visible_to(user).filter(incident=anchor.incident)) if anchor else []
    every = {each.pk: each for each in (*of_it, *suggested, *([added] if added else []))}

    def order(each: Case) -> tuple[bool, bool, datetime, UUID]:
        facets = known.get(each.pk)
        when = facets.quarter if facets and facets.quarter else now
        # The one asked for stands first, whatever their number.
        return each.pk != case.pk, anchor is None or each.incident != anchor.incident, when, each.pk

    shown = Paginator(sorted(every.values(), key=order), PER_PAGE).get_page(page)
    confirmed = sum(anchor is not None and each.incident == anchor.incident for each in every.values())
    return Together(
        shown, _tellings(list(shown.object_list), anchor, known, user, unlocked, now), len(every), confirmed, anchor
    )


def opened_by(user: User, cases: Iterable[Case]) -> set[UUID]:
    """Return which of these tips this person has opened."""
    tips = {case.tip_id for case in cases}
    found = AuditEntry.objects.filter(actor=user, event=Event.TIP_OPENED, tip__in=tips)
    return set(found.values_list("tip_id", flat=True))


def _tellings(
    cases: list[Case], anchor: Case | None, known: sheet.Sheet, user: User, unlocked: Unlocked, now: datetime
) -> list[Telling]:
    opened = opened_by(user, cases)
    said = _said([case.tip_id for case in cases if case.tip_id in opened], unlocked)
    compared = dict(
        zip(said, comparing.compare([[text for _, text in answers] for answers in said.values()]), strict=True)
    )
    found = []
    for case in cases:
        facets, mine = known.get(case.pk), compared.get(case.tip_id)
        names = [name for name, _ in said.get(case.tip_id, [])]
        found.append(
            Telling(
                case=case,
                reference=labels.reference(case.pk),
                confirmed=anchor is not None and case.incident == anchor.incident,
                opened=case.tip_id in opened,
                readable=mine is not None,
                age=labels.age(facets.quarter, now) if facets else "",
                answers=tuple(zip(names, mine.answers, strict=True)) if mine else (),
                only=tuple((KINDS[each.kind], each.text) for each in mine.only if each.kind) if mine else (),
                whole=mine.whole if mine else True,
            )
        )
    return found


def _said(roots: list[UUID], unlocked: Unlocked) -> dict[UUID, list[tuple[str, str]]]:
    """Return the answers of these tips and of the messages after them that somebody has opened."""
    tips = list(Tip.objects.filter(Q(pk__in=roots) | Q(follows__in=roots)).order_by("number"))
    keys = opening.data_keys(tips, unlocked)
    found: dict[UUID, list[tuple[str, str]]] = {}
    for tip in tips:
        if tip.pk not in keys or tip.status == TipStatus.RECEIVED:
            continue
        try:
            plain = sealing.unseal(bytes(tip.sealed), key=keys[tip.pk], place=sealed.place(tip, sealed.CONTENT))
        except SealBroken:
            continue
        message = Content.from_bytes(plain).message
        name = _("Message %(n)d") % {"n": tip.number} if tip.number else ""
        answers = [
            (name, message.text),
            (_("People"), message.people),
            (_("Vehicle"), message.vehicle),
            (_("Place"), message.place),
            (_("Time"), message.time),
            (_("School"), message.school),
        ]
        found.setdefault(tip.follows_id or tip.pk, []).extend(each for each in answers if each[1])
    return found
