"""Whether somebody can read, and somebody can be woken."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, F
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from intake import keys
from intake.models import CANARY, Program, ProgramKey, Purpose
from triage.doctor.finding import Finding
from triage.models import Alarm, AlarmKind, Contact, DrillState, Grant, Ladder, Membership, Role, Urgency
from triage.watching import staffing

TRIED_EVERY = 90  # days
Words = str | Promise

_STATES: dict[str, Words] = {
    AlarmKind.NOBODY_ON_CALL: gettext_lazy("{program}: nobody is on call."),
    AlarmKind.NOBODY_REACHABLE: gettext_lazy("{program}: nobody can be reached by any page."),
    AlarmKind.NO_OVERSIGHT: gettext_lazy("{program}: no oversight person can be reached."),
    AlarmKind.UNREACHABLE: gettext_lazy("{program}: somebody on call has no number and no address."),
    AlarmKind.SWITCHED_OFF: gettext_lazy(
        "{program}: somebody on call switched a number or address off, by answering STOP."
    ),
    AlarmKind.FAILING: gettext_lazy("{program}: a number or address of somebody on call does not work."),
}
_GRAVE = {AlarmKind.NOBODY_ON_CALL, AlarmKind.NOBODY_REACHABLE, AlarmKind.NO_OVERSIGHT}


def holders() -> Iterator[Finding]:
    """Every key of a program is pinned and held, best by two people."""
    held = dict(
        Grant.objects.filter(user__isnull=False)
        .values("program_key_id")
        .annotate(people=Count("user", distinct=True))
        .values_list("program_key_id", "people")
    )
    for program in Program.objects.order_by("name"):
        found = {key.purpose: key for key in ProgramKey.objects.filter(program=program, retired=False)}
        for purpose in Purpose:
            named = {"program": program.name, "key": purpose.label}
            if (key := found.get(purpose)) is None:
                yield Finding.grave(
                    _("{program}: there is no key for “{key}”.").format(**named), _("Restore the last backup.")
                )
                continue
            if not keys.pinned(program, key.purpose, bytes(key.public_key)):
                yield Finding.grave(
                    _("{program}: the key for “{key}” is not pinned, so the form seals nothing to it.").format(**named),
                    _("Was the file of pins lost, or a key put into the database by somebody else? Find out first."),
                )
            people = held.get(key.pk, 0)
            if people == 0:
                yield Finding.look(
                    _("{program}: nobody has signed in who holds the key for “{key}”.").format(**named),
                    _("Let its first holder sign in with their one-time code."),
                )
            elif people == 1:
                yield Finding.look(
                    _("{program}: one person alone holds the key for “{key}”.").format(**named),
                    _("Let a second person in (People): one phone and one memory are too few."),
                )
            else:
                said = _("{program}: {n} people hold the key for “{key}”.")
                yield Finding.well(said.format(n=people, **named))


def reachable() -> Iterator[Finding]:
    """Somebody is on call, and what they are reached by was tried."""
    named = dict(Program.objects.values_list("pk", "name"))
    states = staffing.states()
    for state in sorted(states, key=lambda each: (each.kind, str(each.about))):
        kind = AlarmKind(state.kind)
        said = str(_STATES.get(kind, _("{program}: somebody on call cannot be reached."))).format(
            program=named.get(state.program_id, "")
        )
        do = _("Everybody enters their telephones under Your sign-in, How you are called.")
        yield Finding.grave(said, do) if kind in _GRAVE else Finding.look(said, do)
    if not states:
        yield Finding.well(_("Somebody is on call in every program, and can be reached."))
    since = timezone.now() - timedelta(days=TRIED_EVERY)
    live = Contact.objects.filter(active=True, user__is_active=True).exclude(program_id=CANARY)
    tried = live.filter(drill__state=DrillState.ANSWERED, drill__made_at__gt=since).count()
    total = live.count()
    said = _("{tried} of {total} telephones and mailboxes answered a test page in the last {days} days.").format(
        tried=tried, total=total, days=TRIED_EVERY
    )
    if tried < total:
        yield Finding.look(said, _("Ask everybody to send themselves one, at night (How you are called)."))
    elif total:
        yield Finding.well(said)
    unread = Alarm.objects.filter(kind=AlarmKind.UNREAD).count()
    if unread:
        yield Finding.look(_("Tips have waited for half a day or more."), _("Open the board and read them."))


def alone() -> Iterator[Finding]:
    """More than one person is told of tips of either kind: a page promises that the next one is."""
    told = Membership.objects.filter(
        role__in=[Role.COORDINATOR, Role.SUPERVISOR, Role.OVERSIGHT],
        user__is_active=True,
        user__contacts__program=F("program"),
        user__contacts__active=True,
    ).exclude(program_id=CANARY)
    people = Counter(
        (name, role == Role.OVERSIGHT)
        for name, role, _user in told.distinct().values_list("program__name", "role", "user")
    )
    said = _("{program}: one person alone can be called ({kind}). If they sleep, nobody else is called.")
    for (name, oversight), count in sorted(people.items()):
        if count == 1:
            yield Finding.look(
                said.format(program=name, kind=_kind(oversight=oversight)),
                _("Let a second person in (People), with a telephone of their own."),
            )


def ladders() -> Iterator[Finding]:
    """What cannot wait has a ladder with steps, for tips of both kinds."""
    for program in Program.objects.order_by("name"):
        for urgency in (Urgency.IMMINENT, Urgency.URGENT):
            for oversight in (False, True):
                found = Ladder.objects.filter(program=program, urgency=urgency, oversight=oversight)
                if not found.filter(steps__self_harm=False).exists():
                    said = _("{program}: there is no ladder for {level} tips ({kind}): everybody is called at once.")
                    kind = _kind(oversight=oversight)
                    yield Finding.look(
                        said.format(program=program.name, level=urgency.label, kind=kind),
                        _("Add its steps under Administration, Ladders."),
                    )


def _kind(*, oversight: bool) -> str:
    return _("about police, school or program") if oversight else _("all others")
