"""Long work that needs program keys: who does it, what was handed to it, and how far it is."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from intake.models import Program, ProgramKey


class Custodian(models.Model):
    """A custodian process that runs now. Its private key exists in its memory only and ends with it.

    `tag` is a MAC under a secret that custodians and the console share: nothing is handed to a key
    that somebody wrote into the database.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    public_key = models.BinaryField()
    tag = models.BinaryField()
    seen_at = models.DateTimeField()


class HandOver(models.Model):
    """A program's private key, sealed to one custodian; empty as soon as it has been taken."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    custodian = models.ForeignKey(Custodian, on_delete=models.CASCADE, related_name="hand_overs")
    program_key = models.ForeignKey(ProgramKey, on_delete=models.PROTECT, related_name="+")
    sealed = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(name="hand_over_once", fields=["custodian", "program_key"])]


class JobKind(models.TextChoices):
    """What a custodian does."""

    REWRAP = "re-wrap", _("Sealing again for the new key")
    RESEAL = "reseal", _("Sealing again in the new way")
    REASSESS = "reassess", _("Sorting the open tips anew")


class Job(models.Model):
    """One long piece of work on everything that is sealed to one program key.

    What is left is found in the rows it is about, so that it goes on wherever it was killed; these
    numbers only tell people how far it is.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    kind = models.CharField(max_length=10, choices=JobKind)
    program_key = models.ForeignKey(ProgramKey, on_delete=models.PROTECT, related_name="+")
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    # Seals that did not open: they stay as they are, for a person to look into.
    broken = models.PositiveIntegerField(default=0)
    # Tips that were found to be more urgent than before.
    raised = models.PositiveIntegerField(default=0)
    finished = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(name="job_kind", condition=Q(kind__in=JobKind.values)),
            models.CheckConstraint(name="job_not_more_than_all", condition=Q(done__lte=F("total"))),
            models.UniqueConstraint(name="job_once", fields=["kind", "program_key"]),
        ]
