"""Tokens by which programs use the API of the console."""

import uuid

from django.db import models

from intake.models import Program

from .people import User


class ApiToken(models.Model):
    """A person's token for a program of theirs: known by a keyed hash alone, until its day.

    The key pair is derived from the token itself, so that the private half is stored nowhere. A program key
    sealed to the public half (a Grant) is what lets a token read; without one it lists and takes.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=60)
    lookup = models.BinaryField(unique=True)
    public_key = models.BinaryField()
    may_take = models.BooleanField(default=False)
    expires_on = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(name="api_token_name", fields=["program", "user", "name"])]
