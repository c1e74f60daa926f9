"""The keys people hold, and how each program key comes to who may open it.

A program's private key is kept nowhere in clear. It is sealed once to each holder: a person's own
key, an invitation (until its one-time code was used), a program's token, or the recovery kit. A retired key is sealed
to the key that followed it, and to nobody else.
"""

import uuid

from django.db import models
from django.db.models import Q

from intake.models import Program, ProgramKey

from .people import User
from .tokens import ApiToken


class PersonKey(models.Model):
    """A person's key pair; the private half sealed under Argon2id of the pass phrase and the vault pepper."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="key")
    public_key = models.BinaryField()
    salt = models.BinaryField()
    # Iterations, lanes and kibibytes of Argon2id in force when it was sealed, e.g. "3,4,65536".
    argon2 = models.CharField(max_length=40)
    sealed_private = models.BinaryField()


class Invitation(models.Model):
    """A key pair under a one-time code, which holds what the person is to hold until they have a key of their own.

    Used once, then deleted; a copy made before there is a recovery kit stays, used, until the kit is on paper.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="invitation")
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    public_key = models.BinaryField()
    salt = models.BinaryField()
    argon2 = models.CharField(max_length=40)
    sealed_private = models.BinaryField()
    # After this the code opens nothing. None for the first people, who have nobody to ask for another.
    expires_at = models.DateTimeField(null=True, blank=True)
    until_kit = models.BooleanField(default=False)
    used = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(name="invitation_used_only_kept", condition=Q(used=False) | Q(until_kit=True)),
        ]


class RecoveryKey(models.Model):
    """The public half of a recovery kit's key pair; the private half exists in shares on paper only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    public_key = models.BinaryField()
    threshold = models.PositiveSmallIntegerField()
    sheets = models.PositiveSmallIntegerField()
    made_on = models.DateField()
    drilled_on = models.DateField(null=True, blank=True)
    # A kit that was followed by another: it stays only while a key is still to be moved from it.
    replaced = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="recovery_enough_sheets", condition=Q(threshold__gte=2, sheets__gte=models.F("threshold"))
            ),
            models.UniqueConstraint(name="recovery_one_current", fields=["program"], condition=Q(replaced=False)),
        ]


class Grant(models.Model):
    """A program's private key, sealed to one holder's key pair.

    `tag` is a MAC under the program key itself over the holder's public key: who changes a public
    key in the database gets nothing sealed to it at the next rotation.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    program_key = models.ForeignKey(ProgramKey, on_delete=models.PROTECT, related_name="grants")
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, blank=True, related_name="grants")
    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, null=True, blank=True, related_name="grants")
    recovery = models.ForeignKey(RecoveryKey, on_delete=models.CASCADE, null=True, blank=True, related_name="grants")
    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, null=True, blank=True, related_name="grants")
    sealed = models.BinaryField()
    tag = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="grant_once", fields=["user", "program_key"]),
            models.UniqueConstraint(name="grant_once_invitation", fields=["invitation", "program_key"]),
            models.UniqueConstraint(name="grant_once_recovery", fields=["recovery", "program_key"]),
            models.UniqueConstraint(name="grant_once_token", fields=["token", "program_key"]),
            models.CheckConstraint(
                name="grant_to_one_holder",
                condition=Q(user__isnull=False, invitation=None, recovery=None, token=None)
                | Q(user=None, invitation__isnull=False, recovery=None, token=None)
                | Q(user=None, invitation=None, recovery__isnull=False, token=None)
                | Q(user=None, invitation=None, recovery=None, token__isnull=False),
            ),
        ]


class KeyLink(models.Model):
    """A retired program key's private half, sealed to the key that followed it: who holds the newer reads the older."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    older = models.OneToOneField(ProgramKey, on_delete=models.PROTECT, related_name="link")
    newer = models.ForeignKey(ProgramKey, on_delete=models.PROTECT, related_name="+")
    sealed = models.BinaryField()
    since = models.DateField()


class KeptSecret(models.Model):
    """One of the two peppers, sealed to the program's key for tips, so that who recovers that key has them again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    name = models.CharField(max_length=20)
    program_key = models.ForeignKey(ProgramKey, on_delete=models.PROTECT, related_name="+")
    sealed = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(name="kept_secret_once", fields=["program", "name"])]
