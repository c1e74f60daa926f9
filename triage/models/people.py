"""The people of a program."""

import uuid
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.models import Program


class UserManager(BaseUserManager["User"]):
    """People are made by invitation; none has a password that Django could check."""

    def create_user(self, username: str, **fields: Any) -> "User":
        user = self.model(username=username, **fields)
        user.set_unusable_password()
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """Somebody who may sign in. The pass phrase is checked by opening their key, so no hash of it is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    # Django would stamp the second of every sign-in here.
    last_login = None

    objects = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What somebody is to a program."""

    COORDINATOR = "coordinator", _("Coordinator")
    SUPERVISOR = "supervisor", _("Supervisor")
    OVERSIGHT = "oversight", _("Oversight")
    BOARD = "board", _("Board member")
    AGENCY = "agency", _("Agency contact")
    ADMINISTRATOR = "admin", _("Administrator")
    AUDITOR = "auditor", _("Auditor")


READERS = (Role.COORDINATOR, Role.SUPERVISOR)
"""Who reads the tips that are not about the program's own people. Those OVERSIGHT reads, and nobody else reads any."""


class Membership(models.Model):
    """That a person belongs to a program, as what."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role, default=Role.COORDINATOR)

    class Meta:
        constraints = [
            models.CheckConstraint(name="membership_role", condition=Q(role__in=Role.values)),
            models.UniqueConstraint(name="membership_once", fields=["program", "user"]),
        ]
