"""Test pages: whether a telephone or mailbox really wakes its person."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.models import Program

from .escalation import Contact


class DrillState(models.TextChoices):
    """How far a test page came."""

    WAITING = "waiting", _("On its way")
    SENT = "sent", _("Sent, not answered yet")
    FAILED = "failed", _("The carrier did not take it")
    ANSWERED = "answered", _("It works")


class Drill(models.Model):
    """The last test page of one contact. It tells of a person who works here, never of a tip."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    contact = models.OneToOneField(Contact, on_delete=models.CASCADE, related_name="drill")
    number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=8, choices=DrillState, default=DrillState.WAITING)
    # Its code counts for as long as a page's does.
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="drill_state", condition=Q(state__in=DrillState.values))]
        indexes = [models.Index(fields=["id"], condition=Q(state="waiting"), name="drill_waiting")]
