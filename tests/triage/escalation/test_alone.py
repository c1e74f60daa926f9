"""Whoever is alone on the ladder: told again when it is time, and not the moment they did not pick up."""

from collections.abc import Callable

import pytest

from triage.escalation import deliver, engine, replies
from triage.models import Channel, Contact, Escalation, Notification

pytestmark = pytest.mark.django_db

ADA = "+14165550001"
EVERY = [Channel.VOICE, Channel.SMS, Channel.EMAIL]


@pytest.fixture
def send_due(carrier) -> Callable[..., int]:
    """Send what is due; returns how many that was."""

    def _send_due(now) -> int:
        return sum(
            deliver.deliver(pk, send=carrier, now=now) is not None for pk, _ in deliver.waiting(now=now, limit=9)
        )

    return _send_due


@pytest.fixture
def page(make_person, make_ladder, on_call, make_page, send_due, noon) -> Escalation:
    """A page that went to Ada by every channel; the later steps of its ladder have nobody in them."""
    on_call(make_person("Ada", sms=ADA, voice="+14165550999"))
    make_ladder((0, "first", EVERY), (120, "next", EVERY), (360, "supervisors", EVERY))
    page = make_page()
    assert send_due(noon) == len(EVERY)
    return page


def does_not_pick_up(page: Escalation, now, *, loop: int = 0) -> None:
    call = page.notifications.get(channel=Channel.VOICE, loop=loop)
    replies.handle({"kind": "receipt", "reference": call.pk.hex, "id": "", "status": "no-answer"}, now)
    assert Notification.objects.get(pk=call.pk).state == "failed_for_good"


def texts(words: str, now) -> None:
    replies.handle({"kind": "sms", "provider": "gateway", "from": ADA, "text": words, "id": "1"}, now)


def test_who_does_not_pick_up_is_told_again_when_it_is_time(page, send_due, after):
    does_not_pick_up(page, after(seconds=30))

    assert engine.climb_due(after(seconds=119)) == 0
    assert send_due(after(seconds=119)) == 0
    assert engine.climb_due(after(minutes=2)) == 1
    assert send_due(after(minutes=2)) == len(EVERY)


@pytest.mark.parametrize("words", ["PASS", "STOP"])
def test_who_cannot_come_is_not_told_again_at_once(page, words, after):
    texts(words, after(seconds=30))

    assert engine.climb_due(after(seconds=119)) == 0


def test_with_nobody_left_on_the_ladder_everyone_is_told_at_once(page, make_person, told, after):
    Escalation.objects.update(snapshot=page.snapshot | {"everyone": [str(make_person("Zoe").pk)]})
    Contact.objects.filter(user__name="Ada").exclude(channel=Channel.SMS).update(active=False)

    texts("STOP", after(seconds=30))

    assert engine.climb_due(after(seconds=30)) == 1
    assert told(page, user__name="Zoe") == [("Zoe", "email"), ("Zoe", "sms")]


def test_a_call_of_an_earlier_round_leaves_what_waits_in_this_one(page, after):
    engine.climb_due(after(minutes=2))
    waiting = set(page.notifications.filter(loop=1, state="pending").values_list("pk", flat=True))

    does_not_pick_up(page, after(minutes=2))

    assert len(waiting) == len(EVERY)
    assert set(page.notifications.filter(due_at__isnull=False).values_list("pk", flat=True)) == waiting
