"""Test pages: they walk the way of a page to one telephone or mailbox, and say that they are a drill.

One is sent at most once. Lost on the way it stands as not answered, and its person presses again.
"""

import logging
import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from tipline.kernel.sealing import SealBroken
from triage.escalation import codes, contacts, texts, wake
from triage.escalation.carriers import Send
from triage.escalation.senders import Outcome, Outgoing
from triage.models import Channel, Contact, Drill, DrillState

log = logging.getLogger("tipline.escalation")

PAUSE = timedelta(seconds=60)
AT_ONCE = 20


class TooSoon(Exception):
    """The last test page to this contact is less than a minute old."""


@transaction.atomic
def ask(contact: Contact, *, now: datetime) -> Drill:
    """Have a test page sent; the one before it no longer counts. Raises TooSoon."""
    before = Drill.objects.select_for_update().filter(contact=contact).first()
    if before is not None:
        if now - before.made_at < PAUSE:
            raise TooSoon
        before.delete()
    number = 10 + secrets.randbelow(90)
    drill = Drill.objects.create(program_id=contact.program_id, contact=contact, number=number, made_at=now)
    wake.wake_after_commit(wake.PAGE)
    return drill


def send_waiting(send: Send) -> int:
    """Send what waits, each once whatever becomes of it; returns how many."""
    done = 0
    waiting = Drill.objects.filter(state=DrillState.WAITING).select_related("contact")
    for drill in waiting.order_by("pk")[:AT_ONCE]:
        if not Drill.objects.filter(pk=drill.pk, state=DrillState.WAITING).update(state=DrillState.SENT):
            continue
        done += 1
        try:
            sent = send(drill.contact.channel, _message(drill)).outcome
        except SealBroken:
            log.error("contact.unreadable %s", drill.contact_id)
            sent = Outcome.FAILED_FOR_GOOD
        if sent in {Outcome.FAILED_FOR_NOW, Outcome.FAILED_FOR_GOOD}:
            Drill.objects.filter(pk=drill.pk, state=DrillState.SENT).update(state=DrillState.FAILED)
    return done


def answered_by_code(mac: bytes, code: str, now: datetime) -> bool:
    """Whether this code, from the number with this hash, answers a test page; if so it is noted."""
    live = Drill.objects.filter(
        contact__address_mac=mac, contact__channel=Channel.SMS, made_at__gt=now - codes.LIFETIME
    )
    for drill in live:
        if codes.matches(drill.pk, code):
            Drill.objects.filter(pk=drill.pk).update(state=DrillState.ANSWERED)
            return True
    return False


def answered_by_keys(reference: str, digits: str, now: datetime) -> None:
    """Note that somebody keyed their own four digits in a test call."""
    try:
        drill = Drill.objects.select_related("contact").filter(pk=UUID(reference)).first()
    except ValueError:
        return
    if drill is None or drill.made_at < now - codes.LIFETIME:
        return
    if contacts.digits_match(drill.contact, digits):
        Drill.objects.filter(pk=drill.pk).update(state=DrillState.ANSWERED)


def came(contact: Contact) -> None:
    """Note what its person says of a test mail: that it is there."""
    Drill.objects.filter(contact=contact, state=DrillState.SENT).update(state=DrillState.ANSWERED)


class Hands:
    """Sends test pages beside the pages: no carrier that hangs at a drill may hold up the real thing."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._pool = ThreadPoolExecutor(1, "drill")
        self._busy: Future[None] | None = None

    def begin(self) -> None:
        """Send what waits, unless that is being done."""
        if self._busy is None or self._busy.done():
            self._busy = self._pool.submit(self._work)

    def close(self) -> None:
        """Finish what is being sent."""
        self._pool.shutdown(wait=True)

    def _work(self) -> None:
        try:
            send_waiting(self._send)
        except DatabaseError as fault:
            log.warning("drill.database_away %s", type(fault).__name__)
        finally:
            connection.close()


def _message(drill: Drill) -> Outgoing:
    contact, subject = drill.contact, None
    if contact.channel == Channel.EMAIL:
        subject, body = texts.mail_drill(drill.number)
    elif contact.channel == Channel.VOICE:
        body = texts.voice_drill(drill.number)
    else:
        body = texts.sms_drill(drill.number, codes.code_for(drill.pk))
    return Outgoing(reference=drill.pk.hex, to=contacts.open_address(contact), body=body, subject=subject)
