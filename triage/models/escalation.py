"""Escalations: who is woken, by what, and whether somebody has it.

These rows keep times to the second, because they are timers. They belong to open work; closing
coarsens them.
"""

import uuid
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.models import Program, Tip

from .cases import Case, Urgency
from .people import User


class Channel(models.TextChoices):
    EMAIL = "email", _("E-mail")
    SMS = "sms", _("SMS")
    VOICE = "voice", _("Voice call")


class Contact(models.Model):
    """How one person on call is reached; the address sealed under the pagers' own key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="contacts")
    channel = models.CharField(max_length=6, choices=Channel)
    sealed = models.BinaryField()
    # A voice contact's own four digits, sealed like the address: who keys them takes the page.
    sealed_digits = models.BinaryField(default=b"")
    # Keyed hash of the normalised address, to find whose reply came in.
    address_mac = models.BinaryField()
    # False after STOP, or when a person switched it off.
    active = models.BooleanField(default=True)
    # The last page to it failed for good because of the address; it is still tried, and people are shown it.
    failing = models.BooleanField(default=False)
    # When the last digest of joined pages was or is due: the next comes a minute later.
    digest_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="contact_channel", condition=Q(channel__in=Channel.values)),
            models.UniqueConstraint(name="contact_once", fields=["program", "user", "channel", "address_mac"]),
        ]
        indexes = [models.Index(fields=["address_mac"])]


class OnCall(models.Model):
    """Who is on call, first to last. Shifts come with the rota."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="on_call")
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(name="on_call_position", fields=["program", "position"])]


class Ladder(models.Model):
    """What happens for tips of one level until a person has opened it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="ladders")
    urgency = models.CharField(max_length=10, choices=Urgency)
    oversight = models.BooleanField(default=False)
    # After the last step the ladder starts again from the first, this many seconds later.
    loop_after = models.PositiveIntegerField(default=120)

    class Meta:
        constraints = [
            models.CheckConstraint(name="ladder_urgency", condition=Q(urgency__in=[Urgency.IMMINENT, Urgency.URGENT])),
            models.UniqueConstraint(name="ladder_once", fields=["program", "urgency", "oversight"]),
        ]

    def __str__(self) -> str:
        return str(Urgency(self.urgency).label)


class LadderWho(models.TextChoices):
    FIRST = "first", _("First on call")
    NEXT = "next", _("Next on call")
    EVERYONE = "everyone", _("Everyone on call")
    SUPERVISORS = "supervisors", _("All supervisors")


class LadderStep(models.Model):
    """One rung: so many seconds after the start, tell these people by these means."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    ladder = models.ForeignKey(Ladder, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    after_seconds = models.PositiveIntegerField()
    who = models.CharField(max_length=12, choices=LadderWho)
    # Channel codes, e.g. ["sms", "email"].
    channels = models.JSONField()
    # Climbed instead of the others for tips of somebody who may hurt themselves, where a ladder has such steps.
    self_harm = models.BooleanField(_("for self-harm"), default=False, db_default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(name="ladder_step_who", condition=Q(who__in=LadderWho.values)),
            models.UniqueConstraint(name="ladder_step_position", fields=["ladder", "position"]),
        ]

    def __str__(self) -> str:
        return str(_("after %(seconds)d s") % {"seconds": self.after_seconds})


class EscalationState(models.TextChoices):
    OPEN = "open", _("Nobody has taken this yet")
    TAKEN = "taken", _("Taken, not opened yet")
    ENDED = "ended", _("Opened by a person")


class EscalationQuerySet(models.QuerySet["Escalation"]):
    def running(self) -> Self:
        """Not ended: it has a next step, always."""
        return self.exclude(state=EscalationState.ENDED)


class Escalation(models.Model):
    """One run of a ladder for one tip or follow-up, from a snapshot of the ladder and of who is on call."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="escalations")
    tip = models.OneToOneField(Tip, on_delete=models.CASCADE, related_name="escalation")
    urgency = models.CharField(max_length=10, choices=Urgency)
    # Pages of one event carry one number, while they run; one that `joins` the others is told of together with them.
    incident = models.UUIDField(null=True, blank=True)
    joins = models.BooleanField(default=False)
    # Rolling number people say aloud ("page 27"); unique among the program's running escalations.
    page_number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=6, choices=EscalationState, default=EscalationState.OPEN)
    # {"steps": [{"after": 0, "people": [user id, …], "channels": ["sms", …]}, …], "loop_after": 120}
    snapshot = models.JSONField()
    step = models.PositiveSmallIntegerField(default=0)
    loop = models.PositiveSmallIntegerField(default=0)
    opened_at = models.DateTimeField()
    # `step` and `loop` name the step that comes next.
    # When it (or the end of a taking) is due; null only when ended.
    next_at = models.DateTimeField(null=True, blank=True)
    taken_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    times_taken = models.PositiveSmallIntegerField(default=0)
    ended_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    objects = EscalationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="escalation_state", condition=Q(state__in=EscalationState.values)),
            models.CheckConstraint(
                name="escalation_running_is_due",
                condition=Q(state=EscalationState.ENDED, next_at=None)
                | (~Q(state=EscalationState.ENDED) & Q(next_at__isnull=False)),
            ),
            models.UniqueConstraint(
                name="escalation_page_number",
                fields=["program", "page_number"],
                condition=~Q(state=EscalationState.ENDED),
            ),
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="escalation_due"),
            models.Index(fields=["incident"], condition=Q(incident__isnull=False), name="escalation_incident"),
        ]


class PageCounter(models.Model):
    """The page number a program used last. Raising it also puts two new pages of one program in line."""

    program = models.OneToOneField(Program, on_delete=models.PROTECT, primary_key=True)
    last = models.PositiveSmallIntegerField()


class NotificationState(models.TextChoices):
    PENDING = "pending", _("Waiting")
    SENDING = "sending", _("Being sent")
    ACCEPTED = "accepted", _("Accepted by the carrier")
    DELIVERED = "delivered", _("Delivered")
    FAILED_FOR_NOW = "failed_for_now", _("Failed, will be tried again")
    FAILED_FOR_GOOD = "failed_for_good", _("Failed")
    UNKNOWN = "unknown", _("Perhaps sent")
    SUPERSEDED = "superseded", _("No longer needed")


class Notification(models.Model):
    """One person, one channel, one step, one loop: written before anything is sent, updated after."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    escalation = models.ForeignKey(Escalation, on_delete=models.CASCADE, related_name="notifications")
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    channel = models.CharField(max_length=6, choices=Channel)
    # "page" asks to take it; "taken" tells the taker it is theirs; "digest" counts what joined another page.
    kind = models.CharField(max_length=6, default="page")
    step = models.PositiveSmallIntegerField()
    loop = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=16, choices=NotificationState, default=NotificationState.PENDING)
    # When to try (again); null when nothing more is to be done.
    due_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # When the carrier took it over, or perhaps did (unknown); the reply code counts from here.
    accepted_at = models.DateTimeField(null=True, blank=True)
    provider = models.CharField(max_length=20, blank=True)
    provider_reference = models.CharField(max_length=80, blank=True)
    code_used = models.BooleanField(default=False)
    code_misses = models.PositiveSmallIntegerField(default=0)
    lease_owner = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    generation = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(name="notification_state", condition=Q(state__in=NotificationState.values)),
            models.CheckConstraint(name="notification_channel", condition=Q(channel__in=Channel.values)),
            models.CheckConstraint(name="notification_kind", condition=Q(kind__in=["page", "taken", "digest"])),
            models.UniqueConstraint(name="notification_once", fields=["escalation", "contact", "kind", "step", "loop"]),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="notification_due")]


class Attempt(models.Model):
    """One try to send a notification, as it ended. The roles may add rows, and change or delete none.

    A try whose end nobody lived to write down is a gap in the numbers.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Checked through the notification: this is written on the way of every page.
    program = models.ForeignKey(Program, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="tries", db_index=False)
    # The lease under which it was sent: the first try is 1.
    number = models.PositiveIntegerField()
    provider = models.CharField(max_length=20, blank=True)
    result = models.CharField(max_length=16, choices=NotificationState)
    hour = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="attempt_result",
                condition=Q(result__in=["accepted", "failed_for_now", "failed_for_good", "unknown"]),
            ),
            models.UniqueConstraint(name="attempt_once", fields=["notification", "number"]),
        ]


class PagerEvent(models.Model):
    """What a provider told the pager door, sealed to a key that `escalator --page` alone holds.

    It carries no program: the door cannot know whose it is, and may only insert.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sealed = models.BinaryField()
    lease_until = models.DateTimeField(null=True, blank=True)


class Heartbeat(models.Model):
    """That a loop finished a full tick. It carries no program: the loops serve all of them."""

    name = models.CharField(max_length=40, primary_key=True)
    beat_at = models.DateTimeField()
