"""What is kept for a day to know tips that tell of one event."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from intake.models import Program


class IncidentSignature(models.Model):
    """By what a tip of the last day is known again (triage.incidents). Which tip it is of, stands sealed in it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    # The same for tips that tell of one event.
    incident = models.UUIDField()
    # Keyed hashes of groups of minima: equal ones say that two tips are alike.
    bands = ArrayField(models.BigIntegerField())
    sealed = models.BinaryField()
    # A whole hour.
    forget_at = models.DateTimeField()

    class Meta:
        indexes = [
            GinIndex(fields=["bands"], name="incident_bands"),
            models.Index(fields=["forget_at"], name="incident_forget"),
        ]
