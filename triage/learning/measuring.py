"""The shipped model, measured on what coordinators answered instead.

A page of the console and no command of the server: the keys that open a correction are in an
unlocked session and nowhere else, and a command would bring them, and a pass phrase, into a shell.
What was opened is forgotten when the figures are counted; nothing of it is stored, logged or sent.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from intake import sealed
from intake.message import Content
from intake.models import Tip
from tipline.kernel import sealing
from tipline.kernel.sealing import SealBroken
from triage.assess import judge, merged
from triage.classify import Assessment, Urgency, evaluate
from triage.classify.evaluate import Pair, Share
from triage.classify.labelled import Labelled
from triage.console import opening
from triage.learning.shares import FEW
from triage.models import Case, Correction, User
from triage.vault.keys import Unlocked

MOST = 500
"""Corrected conversations read in one request: a second or two."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Recall and precision of one yes-or-no question; None where too few tips stand behind it."""

    code: str
    true: int
    recall: int | None
    precision: int | None

    @property
    def few(self) -> bool:
        """Whether so few tips are such that their number is not shown."""
        return self.true < FEW


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures, and nothing else."""

    version: str
    tips: int
    paging: Figure
    categories: tuple[Figure, ...]

    @property
    def few(self) -> bool:
        """Whether there are too few corrections to say anything."""
        return self.tips < FEW


def measure(user: User, unlocked: Unlocked) -> Measured:
    """Let the shipped model read every conversation that was corrected, and compare the newest correction."""
    return compared(_pairs(user, unlocked))


def compared(pairs: list[Pair]) -> Measured:
    """Count, and leave out what would point at single tips."""
    version = pairs[0][1].version if pairs else ""
    categories = tuple(_figure(code, one) for code, one in evaluate.by_category(pairs).items() if one.true or one.said)
    return Measured(version, len(pairs), _figure("paging", evaluate.paging(pairs)), categories)


def _figure(code: str, found: evaluate.Figures) -> Figure:
    return Figure(code, found.true, _percent(found.recall), _percent(found.precision))


def _percent(share: Share) -> int | None:
    return round(100 * share.value) if share.whole >= FEW else None


def _pairs(user: User, unlocked: Unlocked) -> list[Pair]:
    corrected = Case.objects.visible_to(user).filter(corrections__isnull=False).distinct().order_by("pk")[:MOST]
    cases = {case.tip_id: case for case in corrected}
    tips = list(Tip.objects.filter(Q(pk__in=cases) | Q(follows__in=cases)).order_by("number"))
    keys = opening.data_keys(tips, unlocked)
    newest = {each.case_id: each for each in Correction.objects.filter(case__in=cases.values()).order_by("number")}
    talks: dict[object, list[Tip]] = {}
    for tip in tips:
        talks.setdefault(tip.follows_id or tip.pk, []).append(tip)
    pairs = []
    for root, case in cases.items():
        talk = talks.get(root, [])
        if not talk or not all(tip.pk in keys for tip in talk):
            continue
        better = opening.corrected(talk[0], newest[case.pk], keys[talk[0].pk])
        answer = _answer((tip, keys[tip.pk]) for tip in talk)
        if better is not None and answer is not None:
            truth = Labelled("", "", "", frozenset(better.categories), Urgency(better.urgency), "")
            pairs.append((truth, answer))
    return pairs


def _answer(talk: Iterable[tuple[Tip, bytes]]) -> Assessment | None:
    """What the model says of a whole conversation: the worst level, every category. None if a seal is broken."""
    answer = None
    for tip, key in talk:
        try:
            plain = sealing.unseal(bytes(tip.sealed), key=key, place=sealed.place(tip, sealed.CONTENT))
        except SealBroken:
            return None
        found = judge(Content.from_bytes(plain).message)
        answer = found if answer is None else merged(answer, found)
    return answer
