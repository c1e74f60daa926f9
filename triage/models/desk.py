"""What a coordinator's desk keeps beside a tip: notes, what a second person must check, the program's texts."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.models import Program

from .cases import Case
from .people import User


class Note(models.Model):
    """A note on a tip, sealed under the tip's key, so that it is erased with it.

    `private` is shown to its writer alone. That is a rule of the pages, not cryptography: who holds the
    program's key and the database could open it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notes")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
    private = models.BooleanField(default=False)
    # The text and the hour.
    sealed = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(name="note_order", fields=["case", "number"])]


class Checked(models.TextChoices):
    """What somebody did alone to a tip that could not wait, for a second person to check."""

    CLOSED = "closed", _("closed it")
    LOWERED = "lowered", _("lowered its level")
    MERGED = "merged", _("put it together with others")


class PendingCheck(models.Model):
    """A second person must still look at what one did alone. Deleted when they have; the record keeps both names."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="pending_checks")
    did = models.CharField(max_length=10, choices=Checked)
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    # Noon of the next day, where the program is.
    due_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="pending_check_did", condition=Q(did__in=Checked.values)),
            models.UniqueConstraint(name="pending_check_once", fields=["case", "did"]),
        ]


class SavedViews(models.Model):
    """The filters of the board that somebody keeps, with their names: sealed, for a filter may tell what came in."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    sealed = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(name="saved_views_once", fields=["program", "user"])]


class TextKind(models.TextChoices):
    """Which of the program's texts for its own people."""

    CONTACT = "contact", _("Whom to call")
    SAY = "say", _("What to say")
    NOT_SAY = "not_say", _("What not to say")
    REPLY = "reply", _("Ready answers")


class ProgramText(models.Model):
    """A text the program wrote for its own people. It says nothing of any tip, so it is not sealed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    kind = models.CharField(max_length=10, choices=TextKind)
    # A contact's role, or what an answer is for.
    title = models.CharField(max_length=80, blank=True)
    # A contact's number and when to call it; otherwise the words.
    body = models.CharField(max_length=1000)
    # Of an answer; empty otherwise.
    language = models.CharField(max_length=10, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(name="program_text_kind", condition=Q(kind__in=TextKind.values))]

    def __str__(self) -> str:
        return self.title or self.get_kind_display()
