"""The quality sample: routine tips that a person looks at again."""

import uuid

from django.db import models
from django.db.models import Q

from intake.models import Program

from .cases import Case, Urgency
from .people import User


class QualityReview(models.Model):
    """One routine tip drawn by chance, and the level a person would have given it. No word of it stands here."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    oversight = models.BooleanField(default=False)
    case = models.OneToOneField(Case, on_delete=models.CASCADE, related_name="review")
    drawn_on = models.DateField()
    # Its place in the sample of that day: two who draw at once fill the same places.
    number = models.PositiveSmallIntegerField()
    # Empty until somebody has looked.
    level = models.CharField(max_length=10, choices=Urgency, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="quality_review_by_somebody",
                condition=Q(level="", by=None) | Q(level__in=Urgency.values, by__isnull=False),
            ),
            models.UniqueConstraint(name="quality_review_place", fields=["program", "oversight", "drawn_on", "number"]),
        ]
