"""The append-only record of what people did."""

import uuid

from django.db import models

from intake.models import Program, Tip

from .people import User


class AuditEntry(models.Model):
    """One act. A trigger refuses every change; each entry's hash covers the one before it.

    It carries the hour, never the minute, and its free text is sealed under the tip's key.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    number = models.PositiveBigIntegerField()
    hour = models.DateTimeField()
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True)
    event = models.CharField(max_length=40)
    tip = models.ForeignKey(Tip, on_delete=models.DO_NOTHING, null=True, blank=True, db_constraint=False)
    sealed = models.BinaryField(default=b"")
    previous = models.BinaryField()
    digest = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(name="audit_order", fields=["program", "number"])]
        indexes = [models.Index(name="audit_of_an_hour", fields=["program", "hour"])]
