"""Drawing the quality sample: once a day, by chance, by a process that has no key and reads no word."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from random import SystemRandom
from uuid import UUID

from django.db.models import Exists, OuterRef

from intake.models import TipStatus
from triage.models import READERS, Assessment, Case, Membership, QualityReview, Role, Urgency

A_DAY = 5
FROM = timedelta(days=14)
"""Tips of the last two weeks are drawn from; when a tip came is known to the week."""


class Daily:
    """Draws once a day; called every minute, it asks nothing once it has."""

    def __init__(self) -> None:
        self._drawn: date | None = None

    def __call__(self, now: datetime) -> None:
        today = now.date()
        if self._drawn != today:
            draw(today)
            self._drawn = today


def draw(today: date) -> None:
    """Draw today's sample of each program and each side of the oversight line, unless it was drawn already."""
    for program_id, oversight in _sides():
        if QualityReview.objects.filter(program=program_id, oversight=oversight, drawn_on=today).exists():
            continue
        # By what the program said, not by what people made of it: that would hide the misses they came upon.
        worse_later = Assessment.objects.filter(tip__follows=OuterRef("tip")).exclude(urgency=Urgency.ROUTINE)
        reviewed = QualityReview.objects.filter(case=OuterRef("pk"))
        routine = Case.objects.filter(
            ~Exists(worse_later),
            ~Exists(reviewed),
            program=program_id,
            oversight=oversight,
            tip__week__gte=today - FROM,
            tip__assessment__urgency=Urgency.ROUTINE,
        ).exclude(tip__status=TipStatus.ERASED)
        found = list(routine.order_by().values_list("pk", flat=True))
        drawn = SystemRandom().sample(found, min(A_DAY, len(found)))
        QualityReview.objects.bulk_create(
            [
                QualityReview(program_id=program_id, oversight=oversight, case_id=pk, drawn_on=today, number=number)
                for number, pk in enumerate(drawn)
            ],
            ignore_conflicts=True,
        )


def _sides() -> Iterable[tuple[UUID, bool]]:
    """Every program and side that somebody reads."""
    members = (
        Membership.objects.filter(role__in=[*READERS, Role.OVERSIGHT]).values_list("program_id", "role").distinct()
    )
    return {(program_id, role == Role.OVERSIGHT) for program_id, role in members}
