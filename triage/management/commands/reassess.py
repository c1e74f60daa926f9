"""`manage.py reassess`: asks that all open tips be sorted anew, after an update of the rules or the weights."""

from typing import Any

from django.core.management.base import BaseCommand

from intake.models import ProgramKey
from intake.sealed import CONTENT_PURPOSES
from triage.custody import handing
from triage.models import JobKind


class Command(BaseCommand):
    """Needs no key and reads no tip: the custodian does the work when somebody who holds the key unlocks."""

    help = "Sort all open tips anew. The work begins when a coordinator (for oversight tips a chair) unlocks."

    def handle(self, *args: Any, **options: Any) -> None:
        keys = ProgramKey.objects.filter(retired=False, purpose__in=CONTENT_PURPOSES).select_related("program")
        for key in keys.order_by("program__name", "purpose"):
            handing.start(JobKind.REASSESS, key)
        self.stdout.write("Asked for. It waits until people who hold the keys unlock; they see it under /jobs/.")
