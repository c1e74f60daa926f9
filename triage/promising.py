"""Keeping the promise on the form true: how many can open tips, and the day its text last changed.

Intake must not know of keys and people, so what it shows is pushed. Run with the other housekeeping: whoever
is let in or leaves, by whatever way, is counted within a minute, and an update of the text is dated by itself.
"""

from datetime import datetime

from django.db.models import Count
from django.db.models.functions import Coalesce

from intake import promise
from intake.models import Program, Purpose
from triage.models import Grant


def readers() -> dict[object, int]:
    """{program id: people who hold the key of its tips, or a code that will give it to them}."""
    holds = Grant.objects.filter(program_key__purpose=Purpose.CONTENT, program_key__retired=False)
    person = Coalesce("user_id", "invitation__user_id")
    counted = holds.values("program_id").annotate(people=Count(person, distinct=True))
    return dict(counted.values_list("program_id", "people"))


def keep(now: datetime) -> int:
    """Bring every program's promise up to date; returns how many changed."""
    changed, counted = 0, readers()
    for program in Program.objects.all():
        program.readers = counted.get(program.pk, 0) or program.readers
        found = promise.digest(program)
        if found != program.promise:
            Program.objects.filter(pk=program.pk).update(readers=program.readers, promise=found, changed_on=now.date())
            changed += 1
    return changed
