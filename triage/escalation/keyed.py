"""Keys pressed in a call: a person's own four digits take the page, 9 passes it on.

Like a code by SMS they only take: whoever answers another's phone and guesses has silenced a page for
five minutes, and opened nothing.
"""

from datetime import datetime

from django.db.models import F

from triage.escalation import codes, contacts, engine, taking, wake
from triage.models import Channel, EscalationState, Notification, User

PASSES = "9"


def handle(note: Notification, digits: str, now: datetime) -> None:
    """Do what was keyed in the call of this notification; wrong digits count as a miss of its code."""
    live = (
        note.channel == Channel.VOICE
        and note.kind == "page"
        and note.escalation.state != EscalationState.ENDED
        and note.contact.active
        and not note.code_used
        and note.code_misses < codes.MISSES
        and (note.accepted_at is None or note.accepted_at > now - codes.LIFETIME)
    )
    # Asked by itself: who carries pages may read of people whether they are active, and nothing else.
    if not live or not User.objects.filter(pk=note.user_id, is_active=True).exists():
        return
    if digits == PASSES:
        _pass(note, now)
    elif contacts.digits_match(note.contact, digits):
        try:
            taking.take(note.escalation_id, by=User(pk=note.user_id), now=now)
        except (taking.AlreadyTaken, taking.AlreadyEnded):
            return
        Notification.objects.filter(pk=note.pk).update(code_used=True)
    else:
        Notification.objects.filter(pk=note.pk).update(code_misses=F("code_misses") + 1)


def _pass(note: Notification, now: datetime) -> None:
    if note.escalation.taken_by_id == note.user_id:
        taking.pass_page_on(note.escalation_id, by=User(pk=note.user_id), now=now)
    elif engine.hurry(note, now):
        Notification.objects.filter(pk=note.pk).update(code_used=True)
        wake.wake_after_commit(wake.PAGE)
