"""What can be true in the public room.

In clear stand only: the program, the week a tip came, how far it has got, and what is still
to be done. Everything a person wrote is sealed. Ids are random; no row keeps a minute.
"""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

CANARY = uuid.UUID("ca9a4900-0000-4000-8000-00000000ca9a")
"""The program of the test tips that `watch` sends itself: no person belongs to it, and no form leads to it."""


class ProgramManager(models.Manager["Program"]):
    """Those that people belong to: the canary's is nobody's."""

    def get_queryset(self) -> models.QuerySet["Program"]:
        return super().get_queryset().exclude(pk=CANARY)


class Program(models.Model):
    """A Crime Stoppers program or a school's tip line: the owner of every other row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    # The form of the lowest stands at /; the others follow in this order.
    position = models.PositiveSmallIntegerField(default=0)
    # Whether the form at / tells of this program, where it is not its own.
    listed = models.BooleanField(default=True)
    # What the form speaks, with a space between: the first to whoever asks for none of them.
    languages = models.CharField(max_length=120, default="en")
    timezone = models.CharField(max_length=60, default="America/Toronto")
    # When mail that wakes nobody is read, in that time zone; empty is always.
    duty_hours = models.CharField(max_length=120, default="Mon-Fri 08:00-18:00", blank=True)
    emergency_number = models.CharField(max_length=20, default="911")
    text_emergency = models.CharField(max_length=200, blank=True)
    crisis_line = models.CharField(max_length=40, default="988")
    trafficking_hotline = models.CharField(max_length=120, blank=True)
    duty_text = models.CharField(max_length=200, blank=True)
    readers = models.PositiveSmallIntegerField(default=2)
    police_reader = models.BooleanField(default=True)
    identity_allowed = models.BooleanField(default=True)
    # Opening who a sender is takes two people: policy, not cryptography.
    identity_needs_two = models.BooleanField(default=False)
    # The day the promise on the form last changed, and what it said then (intake.promise.digest).
    changed_on = models.DateField()
    promise = models.CharField(max_length=64, blank=True)

    objects = ProgramManager()
    everything = models.Manager["Program"]()

    def __str__(self) -> str:
        return self.name


class Logo(models.Model):
    """The picture above a program's form, cleaned (intake.logo). Apart: only the street door ever loads it."""

    program = models.OneToOneField(Program, on_delete=models.CASCADE, primary_key=True)
    png = models.BinaryField()
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()


class Purpose(models.TextChoices):
    """What a key opens."""

    CONTENT = "content", _("Tips")
    IDENTITY = "identity", _("Submitter details")
    OVERSIGHT = "oversight", _("Tips about police, school or program")


class ProgramKey(models.Model):
    """The public half of a program's key. The public door also checks it against the pinned fingerprints."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="keys")
    purpose = models.CharField(max_length=10, choices=Purpose)
    public_key = models.BinaryField()
    retired = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(name="program_key_purpose", condition=Q(purpose__in=Purpose.values)),
            models.UniqueConstraint(
                name="program_key_one_current", fields=["program", "purpose"], condition=Q(retired=False)
            ),
        ]


class EpochKey(models.Model):
    """The public half of one worker host's key of the hour; the private half exists in its memory only.

    It carries no program: a host assesses for all of them. `tag` is a MAC that only the worker
    hosts and the public door can make, so that a stranger's row in this table gets no wrap.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    host = models.CharField(max_length=64)
    public_key = models.BinaryField()
    tag = models.BinaryField()
    usable_until = models.DateTimeField()


class TipStatus(models.TextChoices):
    """How far a tip has got, as its sender may know it."""

    RECEIVED = "received", _("Nobody has opened it yet")
    OPENED = "opened", _("A person has opened it")
    CLOSED = "closed", _("A person has read it and finished with it")
    ERASED = "erased", _("Erased")


class Tip(models.Model):
    """One thing somebody sent. A follow-up is a tip that `follows` the first one and is treated alike."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="tips")
    follows = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="follow_ups")
    # 0 for the first, then 1, 2, …: the order within one conversation, which no clock is kept for.
    number = models.PositiveSmallIntegerField(default=0)
    status = models.CharField(max_length=10, choices=TipStatus, default=TipStatus.RECEIVED)
    week = models.DateField()
    sealed = models.BinaryField()
    sealed_identity = models.BinaryField(default=b"")
    # The day the sender took back who they are, whether they had said so or not.
    identity_removed_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="tip_identity_removed_empty", condition=Q(identity_removed_on=None) | Q(sealed_identity=b"")
            ),
            models.CheckConstraint(name="tip_status", condition=Q(status__in=TipStatus.values)),
            models.CheckConstraint(
                name="tip_erased_empty",
                condition=~Q(status=TipStatus.ERASED) | Q(sealed=b"", sealed_identity=b""),
            ),
            models.CheckConstraint(
                name="tip_first_is_zero",
                condition=Q(follows=None, number=0) | Q(follows__isnull=False, number__gt=0),
            ),
        ]


class Receipt(models.Model):
    """What the seven words lead to: a peppered hash to find the conversation, a key to seal answers to.

    Locking the code deletes the row: nothing is left to find.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    tip = models.OneToOneField(Tip, on_delete=models.CASCADE, related_name="receipt")
    lookup = models.BinaryField(unique=True)
    public_key = models.BinaryField()


class Reply(models.Model):
    """An answer to the tipster, sealed to the program's key and to the receipt's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    tip = models.ForeignKey(Tip, on_delete=models.CASCADE, related_name="replies")
    number = models.PositiveSmallIntegerField()
    sealed = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(name="reply_order", fields=["tip", "number"])]


class WrapPurpose(models.TextChoices):
    """Whose key a data key is wrapped to."""

    CONTENT = "content", _("Program")
    IDENTITY = "identity", _("Submitter details")
    OVERSIGHT = "oversight", _("Oversight")
    EPOCH = "epoch", _("Worker host")
    RECEIPT = "receipt", _("Receipt")


class Wrap(models.Model):
    """A data key sealed to one holder. Apart from the rest so that it can be dumped, and deleted, apart."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    tip = models.ForeignKey(Tip, on_delete=models.CASCADE, null=True, blank=True, related_name="wraps")
    reply = models.ForeignKey(Reply, on_delete=models.CASCADE, null=True, blank=True, related_name="wraps")
    purpose = models.CharField(max_length=10, choices=WrapPurpose)
    # The id of the ProgramKey or EpochKey; for a receipt's wrap, of the Receipt.
    key_id = models.UUIDField()
    sealed = models.BinaryField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="wrap_purpose", condition=Q(purpose__in=WrapPurpose.values)),
            models.CheckConstraint(
                name="wrap_of_one_thing",
                condition=Q(tip=None, reply__isnull=False) | Q(tip__isnull=False, reply=None),
            ),
        ]


class Due(models.Model):
    """A tip that waits to be assessed; deleted in the transaction that stores the assessment.

    It keeps no time of arrival: newest and oldest are told apart by the age of the row's
    transaction, which PostgreSQL knows anyway. A lease is a few seconds of work in hand.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    tip = models.OneToOneField(Tip, on_delete=models.CASCADE, related_name="due")
    danger = models.BooleanField(default=False)
    lease_owner = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    generation = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="due_lease_whole",
                condition=Q(lease_owner=None, lease_until=None)
                | Q(lease_owner__isnull=False, lease_until__isnull=False),
            ),
        ]


class SubmissionKey(models.Model):
    """A sending already seen, known by MACs alone, so that a repeated press makes no second tip."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    mac = models.BinaryField(unique=True)
    body_tag = models.BinaryField()
    # The sender has left the receipt: Back and Reload send the form once more, and must not show its words.
    spent = models.BooleanField(default=False)
    # Rounded up to the quarter hour: it says when to forget, not when something came.
    drop_after = models.DateTimeField()
