"""What the watchers have to say, so that a restart neither forgets it nor says it again."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.models import Program


class AlarmKind(models.TextChoices):
    UNREAD = "unread", _("A tip nobody has opened")
    PRIORITY = "priority", _("A priority tip nobody has yet")
    READING = "reading", _("Somebody gave a reason for reading")
    DAILY = "daily", _("The day's list of who opened what")
    NOBODY_ON_CALL = "nobody_on_call", _("Nobody is on call")
    NOBODY_REACHABLE = "nobody_reachable", _("Nobody can be reached")
    NO_OVERSIGHT = "no_oversight", _("No oversight person can be reached")
    UNREACHABLE = "unreachable", _("Somebody on call cannot be reached")
    SWITCHED_OFF = "switched_off", _("Somebody on call switched a number or address off")
    FAILING = "failing", _("A number or address of somebody on call does not work")


class Measure(models.Model):
    """A number that says how the house does (triage.watching.measures), over all programs together.

    `held` is what was counted and is not shown yet: too little to be told without placing a tip in time.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=60)
    # The values of its labels, in their order, "sms|accepted"; of a histogram the bucket's upper bound.
    labels = models.CharField(max_length=60, blank=True)
    value = models.PositiveBigIntegerField(default=0)
    held = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(name="measure_once", fields=["name", "labels"])]


class Alarm(models.Model):
    """Something that somebody is to be told of as long as it lasts. The row goes when it is over."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    kind = models.CharField(max_length=20, choices=AlarmKind)
    # The case, program, person or contact.
    about = models.UUIDField()
    # When to tell (again); null when nothing more is to be said. Of a tip no finer than the quarter hour.
    due_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="alarm_kind", condition=Q(kind__in=AlarmKind.values)),
            models.UniqueConstraint(name="alarm_once", fields=["program", "kind", "about"]),
        ]
