"""A page that a carrier took and never delivered: the person is told by other means, and once."""

import pytest

from triage.escalation import deliver, replies, silence, taking
from triage.models import Channel, LadderWho, Notification

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(make_person, make_ladder, on_call, make_page, carrier, noon):
    """A page for Ada by SMS alone, accepted at noon. She has a phone, a mailbox and takes calls."""
    on_call(make_person("Ada", voice="+14165550999"), make_person("Ben"))
    make_ladder((0, LadderWho.FIRST, [Channel.SMS]), (600, LadderWho.NEXT, [Channel.SMS]))
    page = make_page()
    for pk, _ in deliver.waiting(now=noon, limit=10):
        deliver.deliver(pk, send=carrier, now=noon)
    return page


def sent(page):
    return Notification.objects.get(escalation=page, channel=Channel.SMS)


def test_without_a_receipt_the_persons_other_channels_come_after_ninety_seconds(page, told, after):
    assert silence.move_on(after(seconds=89)) == 0
    assert told(page) == [("Ada", "sms")]

    assert silence.move_on(after(seconds=91)) == 1

    assert told(page) == [("Ada", "email"), ("Ada", "sms"), ("Ada", "voice")]
    assert sent(page).state == "unknown"


def test_nobody_is_told_twice_of_one_silence(page, told, after):
    silence.move_on(after(seconds=91))

    assert silence.move_on(after(seconds=300)) == 0
    assert len(told(page)) == 3


def test_a_receipt_in_time_leaves_it_at_that(page, told, after):
    replies.handle(
        {"kind": "receipt", "reference": sent(page).pk.hex, "id": "", "status": "delivered"}, after(minutes=1)
    )

    assert silence.move_on(after(minutes=5)) == 0
    assert told(page) == [("Ada", "sms")]


def test_a_receipt_that_comes_late_still_counts(page, after):
    silence.move_on(after(seconds=91))

    replies.handle(
        {"kind": "receipt", "reference": sent(page).pk.hex, "id": "", "status": "delivered"}, after(minutes=2)
    )

    assert sent(page).state == "delivered"


def test_who_has_taken_it_is_not_told_again(page, told, after):
    taking.take(page.pk, by=sent(page).user, now=after(seconds=30))

    assert silence.move_on(after(seconds=200)) == 0
    assert told(page) == [("Ada", "sms")]


def test_mail_has_no_receipts_and_is_not_waited_for(make_person, make_page, carrier, told, noon, after):
    make_person("Ada", sms=None, voice="+14165550999")
    page = make_page()
    for pk, channel in deliver.waiting(now=noon, limit=10):
        if channel == Channel.EMAIL:
            deliver.deliver(pk, send=carrier, now=noon)

    assert silence.move_on(after(minutes=10)) == 0
    assert told(page, state="accepted") == [("Ada", "email")]
