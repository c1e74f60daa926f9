"""Who steps aside from a tip, because they know the people in it."""

import uuid

from django.db import models

from intake.models import Program

from .people import User


class Recusal(models.Model):
    """Somebody who knows the people of a tip: they neither see, count, take nor are paged for it any more."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    case = models.ForeignKey("triage.Case", on_delete=models.CASCADE, related_name="recusals")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(name="recusal_once", fields=["case", "user"])]
