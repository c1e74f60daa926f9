"""Test pages: to one phone, by the way of a page, and saying that they are a drill."""

import re
from datetime import timedelta

import pytest

from triage.escalation import contacts, drills, replies, texts
from triage.escalation.senders import Outcome
from triage.models import Channel, Contact, Drill, DrillState, Escalation, Notification

pytestmark = pytest.mark.django_db

ADA, BEN = "+14165550001", "+14165550002"


@pytest.fixture
def phone(make_person, program) -> Contact:
    user = make_person("Ada", sms=ADA, email=None)
    return Contact.objects.get(user=user)


@pytest.fixture
def sent(phone, carrier, noon) -> str:
    """A test page that has reached Ada's phone; what it says."""
    drills.ask(phone, now=noon)
    drills.send_waiting(carrier)
    return carrier.carried[-1][1].body


def answer(number: str, words: str, now) -> None:
    replies.handle({"kind": "sms", "from": number, "text": words}, now)


def reply_in(body: str) -> str:
    found = re.search(r"Reply (\d\d \w{6})", body)
    assert found
    return found[1]


def test_it_says_that_it_is_a_drill_and_fits_one_sms(sent):
    assert re.match(r"TL \d\d TEST\. A drill, no tip\. ", sent)
    assert len(sent) <= texts.SMS_LIMIT
    assert "http" not in sent


def test_the_answer_with_its_code_says_that_the_phone_works(sent, noon):
    answer(ADA, reply_in(sent), noon + timedelta(minutes=1))

    assert Drill.objects.get().state == DrillState.ANSWERED


@pytest.mark.parametrize(
    ("number", "late"), [(BEN, timedelta()), (ADA, timedelta(minutes=16))], ids=["another phone", "too late"]
)
def test_an_answer_that_is_not_its_own_proves_nothing(sent, noon, number, late):
    answer(number, reply_in(sent), noon + late)

    assert Drill.objects.get().state == DrillState.SENT


def test_a_drill_is_no_page(sent):
    assert not Escalation.objects.exists()
    assert not Notification.objects.exists()


def test_it_is_sent_once_whatever_comes_of_it(phone, carrier, noon):
    carrier.fails(Channel.SMS, Outcome.UNKNOWN)
    drills.ask(phone, now=noon)

    assert [drills.send_waiting(carrier) for _ in range(3)] == [1, 0, 0]
    assert Drill.objects.get().state == DrillState.SENT


def test_a_number_the_carrier_refuses_is_said_to_fail(phone, carrier, noon):
    carrier.fails(Channel.SMS, Outcome.FAILED_FOR_GOOD, address_is_bad=True)
    drills.ask(phone, now=noon)
    drills.send_waiting(carrier)

    assert Drill.objects.get().state == DrillState.FAILED


def test_a_second_one_waits_a_minute_and_replaces_the_first(phone, noon):
    first = drills.ask(phone, now=noon)
    with pytest.raises(drills.TooSoon):
        drills.ask(phone, now=noon + timedelta(seconds=59))

    second = drills.ask(phone, now=noon + timedelta(seconds=60))

    assert list(Drill.objects.all()) == [second]
    assert second.pk != first.pk


def test_own_digits_in_a_test_call_say_that_it_works(make_person, carrier, noon):
    user = make_person("Ada", sms=None, email=None, voice=ADA)
    contact = Contact.objects.get(user=user)
    drill = drills.ask(contact, now=noon)
    drills.send_waiting(carrier)
    keyed = {"kind": "keyed", "reference": drill.pk.hex, "id": "CA1"}

    replies.handle({**keyed, "digits": "0"}, noon)
    assert Drill.objects.get().state == DrillState.SENT
    replies.handle({**keyed, "digits": contacts.open_digits(contact)}, noon)

    assert Drill.objects.get().state == DrillState.ANSWERED


def test_a_code_of_a_page_still_takes_it_while_a_drill_is_out(sent, make_ladder, on_call, make_page, phone, noon):
    from triage.escalation import codes

    on_call(phone.user)
    make_ladder((0, "first", ["sms"]))
    page = make_page()
    note = page.notifications.get()
    Notification.objects.filter(pk=note.pk).update(state="accepted", accepted_at=noon)

    answer(ADA, f"{page.page_number} {codes.code_for(note.pk)}", noon)

    page.refresh_from_db()
    assert page.taken_by == phone.user
    assert Drill.objects.get().state == DrillState.SENT
