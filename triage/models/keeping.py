"""How long tips are kept, what stops that, and what is left to say when one is erased."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.models import Program

from .cases import Case
from .people import User


class Ended(models.TextChoices):
    """How a tip was finished with, as far as keeping it goes."""

    OTHER = "", _("Closed, and not said how")
    RESOLVED = "resolved", _("Resolved")
    PASSED_ON = "passed_on", _("Passed on to those who act")
    UNFOUNDED = "unfounded", _("Looked into, nothing found")
    FALSE = "false", _("False on purpose")
    MISUSE = "misuse", _("Not for us, sent in good faith")
    PRANK = "prank", _("A prank")
    SPAM = "spam", _("Spam")
    DUPLICATE = "duplicate", _("We have it already")
    TEST = "test", _("A test")


class RetentionRule(models.Model):
    """How many days after its closing a tip that ended so is erased.

    What a program has not set, the database sets at the first round (migration "keeping"). Sources: 28 CFR 23.20(h)
    (five years), and the two years of the US Department of Justice's paper on tips and leads that were not confirmed.
    """

    LONGEST = 3650

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="retention")
    ended = models.CharField(max_length=10, choices=Ended, blank=True)
    days = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="retention_ended", condition=Q(ended__in=Ended.values)),
            models.CheckConstraint(name="retention_days", condition=Q(days__gte=1, days__lte=3650)),
            models.UniqueConstraint(name="retention_once", fields=["program", "ended"]),
        ]


class Finished(models.Model):
    """That a case is closed, and since which day: its time begins there. Gone when it is reopened."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    case = models.OneToOneField(Case, on_delete=models.CASCADE, related_name="finished")
    closed_on = models.DateField()


class LegalHold(models.Model):
    """That a tip must not be erased, whatever the schedule says. Why, stands sealed in the record."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    case = models.OneToOneField(Case, on_delete=models.CASCADE, related_name="hold")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    since = models.DateField()


class EraseRequest(models.Model):
    """Somebody asks that a tip be erased before its time; erased when somebody else agrees."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    case = models.OneToOneField(Case, on_delete=models.CASCADE, related_name="erase_request")
    asked_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    agreed_by = models.ForeignKey(User, on_delete=models.CASCADE, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="erase_request_by_two", condition=Q(agreed_by=None) | ~Q(agreed_by=models.F("asked_by"))
            ),
        ]


class Erasure(models.Model):
    """The certificate: that a tip was erased, and until when a backup may still hold a copy. No word of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="erasures")
    # No foreign keys: the case is gone, and of the tip an empty row is left.
    tip = models.UUIDField()
    case = models.UUIDField()
    oversight = models.BooleanField(default=False)
    hour = models.DateTimeField()
    ended = models.CharField(max_length=10, choices=Ended, blank=True)
    messages = models.PositiveIntegerField()
    replies = models.PositiveIntegerField()
    # Both empty when the schedule did it.
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    agreed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    last_copy_on = models.DateField()
    # Whether it stands in the file outside the database.
    mirrored = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(name="erasure_once", fields=["tip"])]
