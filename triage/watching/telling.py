"""How the watchers tell people: at once and directly, past the rows and processes that may stand still."""

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import QuerySet

from intake.models import CANARY
from tipline.kernel.sealing import SealBroken
from triage.escalation import contacts, rota
from triage.escalation.carriers import Send
from triage.escalation.senders import Outcome, Outgoing
from triage.escalation.texts import Words
from triage.models import READERS, Channel, Contact, Membership, Role

log = logging.getLogger("tipline.watch")

AT_ONCE = 8
"""Messages on their way together: a carrier that hangs holds up its own."""


class Reach(NamedTuple):
    """One way to one person."""

    channel: str
    address: str


def tell(to: Iterable[Reach], words: Words, *, send: Send) -> bool:
    """Send to all of them; whether it reached, or perhaps reached, at least one."""

    def one(reach: Reach) -> Outcome:
        written = reach.channel == Channel.EMAIL
        message = Outgoing(
            reference=uuid4().hex,
            to=reach.address,
            body=words.body if written else words.sms,
            subject=words.subject if written else None,
        )
        return send(reach.channel, message).outcome

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="tell") as pool:
        outcomes = list(pool.map(one, to))
    return Outcome.ACCEPTED in outcomes or Outcome.UNKNOWN in outcomes


def everybody() -> list[Reach]:
    """Every mailbox, and the telephones of who is on call; of programs without any on call, all telephones."""
    live = Contact.objects.filter(active=True, user__is_active=True).exclude(program_id=CANARY)
    programs = live.order_by().values_list("program_id", flat=True).distinct()
    on_call = {(program, user) for program in programs for user in rota.on_call(program)}
    staffed = {program for program, _ in on_call}
    phones = [
        contact
        for contact in live.filter(channel=Channel.SMS).only("program_id", "user_id", "channel", "sealed")
        if (contact.program_id, contact.user_id) in on_call or contact.program_id not in staffed
    ]
    mailboxes = live.filter(channel=Channel.EMAIL).only("program_id", "channel", "sealed")
    return opened([*phones, *mailboxes])


def administrators(program_id: UUID) -> list[Reach]:
    """Whoever runs this installation; if the operator named nobody, those who answer for the program."""
    if settings.ADMIN_MAIL:
        return [Reach(str(Channel.EMAIL), settings.ADMIN_MAIL)]
    return answering(program_id, oversight=False)


def answering(program_id: UUID, *, oversight: bool) -> list[Reach]:
    """Mailboxes of those who answer for these tips; where a program has no supervisor, of all who may see them."""
    members = Membership.objects.filter(program_id=program_id, user__is_active=True)
    members = members.filter(role=Role.OVERSIGHT) if oversight else members.filter(role__in=READERS)
    roles = dict(members.values_list("user_id", "role"))
    people = [user for user, role in roles.items() if oversight or role == Role.SUPERVISOR] or list(roles)
    found = Contact.objects.filter(program_id=program_id, user_id__in=people, channel=Channel.EMAIL, active=True)
    return opened(found.only("program_id", "channel", "sealed"))


def opened(found: Iterable[Contact] | QuerySet[Contact]) -> list[Reach]:
    """Open these contacts, each address once; one that cannot be read is left out and logged."""
    ways: dict[Reach, None] = {}
    for contact in found:
        try:
            ways[Reach(str(contact.channel), contacts.open_address(contact))] = None
        except SealBroken:
            log.error("contact.unreadable %s", contact.pk)
    return list(ways)
