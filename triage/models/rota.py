"""The shifts of a program: who is on call at which hours of the week, and who stands in on one day.

Hours are those of the clock on the wall in the program's time zone. The database says who is on call at a
moment (the function triage_on_call): every process asks it, and its clock is the one that counts.
"""

import uuid

from django.db import models
from django.db.models import F, Q

from intake.models import Program

from .people import User

DAY = 24 * 60


class Shift(models.Model):
    """One person, one weekday, from one minute to another, which may lie on the next day; every week."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="shifts")
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    # 0 is Monday. Minutes count from its midnight: 22:00 to 06:00 is 1320 to 1800.
    weekday = models.PositiveSmallIntegerField()
    starts = models.PositiveSmallIntegerField()
    ends = models.PositiveSmallIntegerField()
    # Who is called first, and who next.
    place = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(name="shift_weekday", condition=Q(weekday__lte=6)),
            models.CheckConstraint(
                name="shift_hours",
                condition=Q(starts__lt=DAY, ends__gt=F("starts"), ends__lte=F("starts") + DAY),
            ),
            models.UniqueConstraint(name="shift_once", fields=["program", "user", "weekday", "starts", "place"]),
        ]


class Cover(models.Model):
    """Somebody does a colleague's shift on one day: the day on which it begins."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    shift = models.ForeignKey(Shift, on_delete=models.CASCADE, related_name="covers")
    day = models.DateField()
    user = models.ForeignKey(User, on_delete=models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint(name="cover_once", fields=["shift", "day"])]
