"""No tip of any level stays unread for half a day without somebody being told.

This catches what the classifier missed and what was taken and forgotten. How long a tip waits stands
in no row: the watcher remembers since when it has seen it unread, so a restart begins anew.
"""

import logging
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from django.db.models import Q

from tipline.kernel.sealing import SealBroken
from triage.escalation import contacts, texts
from triage.escalation.carriers import Send
from triage.escalation.senders import Outcome, Outgoing
from triage.models import Case, CaseStatus, Channel, Contact, Membership, Role

log = logging.getLogger("tipline.watch")

TOO_LONG = timedelta(hours=12)
EVERY = 60.0


class Side(NamedTuple):
    """Whose tips: a program's, and whether those about police, school or program."""

    program_id: UUID
    oversight: bool


class Unread:
    """Since when each tip has been seen unread, and when it was last told of."""

    def __init__(self, *, send: Send, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._monotonic = monotonic
        self._since: dict[UUID, float] = {}
        self._looked = float("-inf")

    def look(self) -> int:
        """Tell supervisors (of oversight tips: oversight people) of tips unread for too long; returns how many."""
        moment = self._monotonic()
        if moment - self._looked < EVERY:
            return 0
        self._looked = moment
        unread = Q(status__in=[CaseStatus.NEW, CaseStatus.TAKEN]) | Q(status=CaseStatus.OPEN, unread__gt=0)
        found = dict(Case.objects.filter(unread).order_by().values_list("pk", "program_id"))
        hidden = set(Case.objects.filter(unread, oversight=True).values_list("pk", flat=True))
        self._since = {case: self._since.get(case, moment) for case in found}
        late: dict[Side, list[UUID]] = {}
        for case, since in self._since.items():
            if moment - since >= TOO_LONG.total_seconds():
                late.setdefault(Side(found[case], case in hidden), []).append(case)
        for side, cases in late.items():
            if self._tell(side, len(cases)):
                # Told: the next time in another half a day.
                self._since.update(dict.fromkeys(cases, moment))
        return sum(map(len, late.values()))

    def _tell(self, side: Side, count: int) -> bool:
        log.error("watch.unread")
        subject, body = texts.unread_alarm(count)
        outcomes = [
            self._send(Channel.EMAIL, Outgoing(reference=uuid4().hex, to=to, body=body, subject=subject)).outcome
            for to in _addresses(side)
        ]
        return Outcome.ACCEPTED in outcomes or Outcome.UNKNOWN in outcomes


def _addresses(side: Side) -> Iterable[str]:
    """Those who answer for these tips; where a program has no supervisor, all who may see them."""
    members = Membership.objects.filter(program_id=side.program_id, user__is_active=True)
    members = members.filter(role=Role.OVERSIGHT) if side.oversight else members.exclude(role=Role.OVERSIGHT)
    roles = dict(members.values_list("user_id", "role"))
    people = [user for user, role in roles.items() if side.oversight or role == Role.SUPERVISOR] or list(roles)
    found = Contact.objects.filter(
        program_id=side.program_id, user_id__in=people, channel=Channel.EMAIL, active=True
    ).only("program_id", "sealed")
    for contact in found:
        try:
            yield contacts.open_address(contact)
        except SealBroken:
            log.error("contact.unreadable %s", contact.pk)
