"""Which tips one person may not finish with alone: what somebody did to one waits for a second person's look.

After a rule of the FBI's tip line, made when a call that named a killer was closed by one person: closing as
"no lead" with a threat word in it takes a supervisor.
"""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from intake.models import Program
from triage.classify.taxonomy import Category
from triage.classify.taxonomy import Urgency as Level
from triage.console.opening import Thought
from triage.models import Case, Checked, PendingCheck, User

THREATS = frozenset(
    {
        Category.SCHOOL_THREAT,
        Category.SELF_HARM,
        Category.THREAT_OF_VIOLENCE,
        Category.WEAPONS,
        Category.HOMICIDE,
        Category.CHILD_ABUSE,
        Category.HUMAN_TRAFFICKING,
    }
)
NOON = time(12)


def guarded(thoughts: Iterable[Thought]) -> bool:
    """Whether anything of a conversation could not wait, names a threat or holds a threat's words.

    What the program thought counts, not what somebody made of it: otherwise lowering first would open the way.
    """
    for each in thoughts:
        said = {*each.categories, *(reason.category for reason in each.reasons)}
        if Level(each.urgency).pages or said & THREATS:
            return True
    return False


def must_report(thoughts: Iterable[Thought], corrected: Iterable[str]) -> bool:
    """Whether a child may be hurt, after the program or after a person: somebody may have to report it by law."""
    said = {code for each in thoughts for code in each.categories}
    return Category.CHILD_ABUSE in said | set(corrected)


def ask_for_check(case: Case, did: Checked, *, by: User, now: datetime) -> PendingCheck:
    """Let a second person look by noon of the next day; an earlier time that waits already stays."""
    row, made = PendingCheck.objects.get_or_create(
        case=case,
        did=did,
        defaults={"program_id": case.program_id, "by": by, "due_at": noon_after(now, case.program)},
    )
    if not made and row.by_id != by.pk:
        row.by = by
        row.save(update_fields=["by"])
    return row


def noon_after(now: datetime, program: Program) -> datetime:
    """Return noon of the next day where the program is."""
    zone = ZoneInfo(program.timezone)
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, NOON, zone)


def drop(case: Case, did: Checked) -> None:
    """Ask for no check any more: what was done is undone."""
    PendingCheck.objects.filter(case=case, did=did).delete()


def waiting(user: User) -> list[PendingCheck]:
    """Return what waits for a second person among the tips this person may see, the soonest due first."""
    found = PendingCheck.objects.filter(case__in=Case.objects.visible_to(user))
    return list(found.select_related("case", "by").order_by("due_at"))


def count(user: User) -> int:
    """How many things wait for a second person among the tips this person may see."""
    return PendingCheck.objects.filter(case__in=Case.objects.visible_to(user)).count()
