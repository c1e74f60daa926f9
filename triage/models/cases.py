"""Cases: what the coordinators work on, with what the classifier and they think of it."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Case as When
from django.db.models import Q, Value
from django.db.models import When as If
from django.utils.translation import gettext_lazy as _

from intake.models import Program, Tip

from .conflict import Recusal
from .people import READERS, User


class Urgency(models.TextChoices):
    """How soon a person must read it; the codes are the taxonomy's."""

    IMMINENT = "imminent", _("Imminent")
    URGENT = "urgent", _("Urgent")
    PRIORITY = "priority", _("Priority")
    ROUTINE = "routine", _("Routine")


class AssessmentQuerySet(models.QuerySet["Assessment"]):
    def urgent(self) -> Self:
        """Urgent or worse: somebody is paged at once, by night as by day."""
        return self.filter(urgency__in=[Urgency.IMMINENT, Urgency.URGENT])


class Assessment(models.Model):
    """What the classifier thought of one tip or follow-up. All but the level is sealed under the tip's key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    tip = models.OneToOneField(Tip, on_delete=models.CASCADE, related_name="assessment")
    urgency = models.CharField(max_length=10, choices=Urgency)
    # False when no worker could read it: nobody has judged it, so a person must.
    judged = models.BooleanField(default=True)
    # Categories, reasons, language, channel and quarter hour; empty when not judged by a worker.
    sealed = models.BinaryField(default=b"")
    version = models.CharField(max_length=40)

    objects = AssessmentQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(name="assessment_urgency", condition=Q(urgency__in=Urgency.values))]


class CaseStatus(models.TextChoices):
    """Where a case stands."""

    NEW = "new", _("Nobody has it")
    TAKEN = "taken", _("Taken, not opened")
    OPEN = "open", _("Being worked on")
    CLOSED = "closed", _("Closed")


class Outcome(models.TextChoices):
    """Why a tip is finished with; kept apart, because each means something else for the program."""

    RESOLVED = "resolved", _("Resolved")
    PASSED_ON = "passed_on", _("Passed on to those who act")
    UNFOUNDED = "unfounded", _("Looked into, nothing found")
    FALSE = "false", _("False, and meant to harm")
    MISUSE = "misuse", _("Not for us, sent in good faith")
    PRANK = "prank", _("A prank")
    SPAM = "spam", _("Spam")
    DUPLICATE = "duplicate", _("We have it already")
    TEST = "test", _("A test")


class CaseQuerySet(models.QuerySet["Case"]):
    def visible_to(self, user: User) -> Self:
        """Cases of the programs the person belongs to, oversight cases for oversight people only.

        What they stepped aside from is not among them.
        """
        # Asked of the database once, not once for each of 100,000 cases.
        mine, aside = user.memberships.values("program"), Recusal.objects.filter(user=user).values("case")
        return self.exclude(pk__in=aside).filter(
            Q(program__in=mine.filter(role__in=READERS), oversight=False)
            | Q(program__in=mine.filter(role="oversight"), oversight=True)
        )

    def by_urgency(self) -> Self:
        """Imminent first; within a level the caller sorts by age, which only the unlocked session knows."""
        order = [If(urgency=level, then=Value(rank)) for rank, level in enumerate(Urgency.values)]
        return self.annotate(rank=When(*order, output_field=models.SmallIntegerField())).order_by("rank")


class Case(models.Model):
    """One conversation as the coordinators' work. `version` goes up with every change of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    tip = models.OneToOneField(Tip, on_delete=models.CASCADE, related_name="case")
    oversight = models.BooleanField(default=False)
    urgency = models.CharField(max_length=10, choices=Urgency)
    status = models.CharField(max_length=10, choices=CaseStatus, default=CaseStatus.NEW)
    taken_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True)
    # Follow-ups nobody has opened yet.
    unread = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)
    # The same for tips that a person said tell of one event.
    incident = models.UUIDField(null=True, blank=True, db_index=True)
    # A person said that it tells of another event than the tip it is like: that is not suggested again.
    apart = models.BooleanField(default=False, db_default=False)
    # How it was last closed, in clear because what is kept, and how long, hangs on it. Counts only while closed:
    # a follow-up opens a case again without touching this.
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True, default="", db_default="")
    # We asked the sender something and wait. An unread message ends the waiting without touching this.
    waiting = models.BooleanField(default=False, db_default=False)
    # Somebody gave it to whoever has it now, who has not opened it since.
    handed = models.BooleanField(default=False, db_default=False)
    # When to look again, to the quarter hour; gone when somebody did.
    look_again_at = models.DateTimeField(null=True, blank=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="case_urgency", condition=Q(urgency__in=Urgency.values)),
            models.CheckConstraint(name="case_status", condition=Q(status__in=CaseStatus.values)),
            models.CheckConstraint(
                name="case_taken_by_somebody",
                condition=~Q(status=CaseStatus.TAKEN) | Q(taken_by__isnull=False),
            ),
            models.CheckConstraint(name="case_outcome", condition=Q(outcome__in=["", *Outcome.values])),
        ]
        # The board asks for the open ones every five seconds; in time nearly all are closed.
        indexes = [models.Index(fields=["program"], condition=~Q(status="closed"), name="case_open")]


class Correction(models.Model):
    """A coordinator's better answer: category and level, sealed under the tip's key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="corrections")
    by = models.ForeignKey(User, on_delete=models.PROTECT)
    number = models.PositiveSmallIntegerField()
    sealed = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(name="correction_order", fields=["case", "number"])]


class IdentityRequest(models.Model):
    """Somebody asks a colleague to agree that the sender's details are opened. Good for half an hour, then gone.

    A program's policy (`identity_needs_two`), not cryptography: either of the two holds the key.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    case = models.OneToOneField(Case, on_delete=models.CASCADE, related_name="identity_request")
    asked_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    agreed_by = models.ForeignKey(User, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    until = models.DateTimeField()
    # The written reason, under the tip's key.
    sealed = models.BinaryField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="identity_request_by_two", condition=Q(agreed_by=None) | ~Q(agreed_by=models.F("asked_by"))
            ),
        ]


class BoardSheet(models.Model):
    """What the board shows of all cases, kept in one sealed blob so that unlocking opens one thing, not 2,000.

    `version` is compared and raised on every write: of two sessions that rewrite it, one wins.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    oversight = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    sealed = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(name="board_sheet_once", fields=["program", "oversight"])]
