"""What is keyed in a call: own digits take, 9 passes on; nothing of it ends a page."""

from datetime import timedelta

import pytest

from tipline.kernel.sealing import SealBroken
from triage.escalation import codes, contacts, deliver, replies
from triage.models import Contact, Escalation, EscalationState, Notification, NotificationState

pytestmark = pytest.mark.django_db

ADA, BEN = "+14165550001", "+14165550002"


@pytest.fixture
def page(make_person, make_ladder, on_call, make_page, carrier, noon) -> Escalation:
    """A page that rings Ada's phone; Ben is next."""
    ada = make_person("Ada", sms=None, email=None, voice=ADA)
    on_call(ada, make_person("Ben", sms=None, email=None, voice=BEN))
    make_ladder((0, "first", ["voice"]), (120, "next", ["voice"]))
    page = make_page()
    for note in page.notifications.all():
        deliver.deliver(note.pk, send=carrier, now=noon)
    return page


@pytest.fixture
def call(page) -> Notification:
    return page.notifications.get()


@pytest.fixture
def key(call, noon):
    def _key(digits: str, now=noon, reference: str = "") -> None:
        event = {"kind": "keyed", "provider": "twilio", "reference": reference or call.pk.hex, "digits": digits}
        replies.handle(event | {"id": "CA1"}, now)

    return _key


def digits_of(number: str) -> str:
    return contacts.open_digits(Contact.objects.get(address_mac=contacts.address_mac("voice", number)))


def wrong(digits: str) -> str:
    return f"{(int(digits) + 1) % 10_000:04d}"


def state(page: Escalation) -> str:
    page.refresh_from_db()
    return page.state


def test_the_call_says_the_number_of_the_page_and_nothing_of_the_tip(page, call, carrier):
    ((channel, said),) = carrier.carried

    assert channel == "voice"
    assert said.body.startswith(f"Page {' '.join(str(page.page_number))}, now. Nobody has it.")
    assert digits_of(ADA) not in said.body


def test_ones_own_digits_take_the_page(page, key):
    key(digits_of(ADA))

    assert (state(page), page.taken_by.name) == (EscalationState.TAKEN, "Ada")


def test_wrong_digits_take_nothing_and_after_three_of_them_neither_do_the_right_ones(page, call, key):
    for _ in range(codes.MISSES):
        key(wrong(digits_of(ADA)))

    key(digits_of(ADA))

    assert state(page) == EscalationState.OPEN


def test_anothers_digits_take_nothing(page, key):
    if digits_of(BEN) == digits_of(ADA):
        contacts.renew_digits(Contact.objects.get(address_mac=contacts.address_mac("voice", BEN)))

    key(digits_of(BEN))

    assert state(page) == EscalationState.OPEN


def test_nine_makes_it_the_next_persons_turn_at_once_and_only_once(page, key, noon):
    key("9")
    key("9", noon + timedelta(seconds=1))

    assert state(page) == EscalationState.OPEN
    assert page.next_at == noon


def test_nine_after_taking_gives_it_back(page, key, call, noon):
    key(digits_of(ADA))
    Notification.objects.filter(pk=call.pk).update(code_used=False)

    key("9")

    assert state(page) == EscalationState.OPEN


def test_the_digits_of_a_call_long_over_take_nothing(page, key, noon):
    key(digits_of(ADA), noon + codes.LIFETIME)

    assert state(page) == EscalationState.OPEN


def test_who_left_or_switched_the_phone_off_takes_nothing(page, key, call):
    Contact.objects.filter(pk=call.contact_id).update(active=False)

    key(digits_of(ADA))

    assert state(page) == EscalationState.OPEN


@pytest.mark.parametrize("digits", ["", "*", "99", "\u0663\u0663\u0663\u0663", "0" * 2000])
def test_nonsense_takes_nothing(page, key, digits):
    key(digits)

    assert state(page) == EscalationState.OPEN


def test_a_reference_that_leads_nowhere_is_left_alone(page, key):
    key(digits_of(ADA), reference="not ours")

    assert state(page) == EscalationState.OPEN


def test_a_phone_nobody_picks_up_makes_it_the_next_persons_turn(page, call, noon):
    event = {"kind": "receipt", "provider": "twilio", "reference": call.pk.hex, "id": "CA1", "status": "no-answer"}

    replies.handle(event, noon)

    call.refresh_from_db()
    assert call.state == NotificationState.FAILED_FOR_GOOD
    assert state(page) == EscalationState.OPEN
    assert page.next_at == noon


def test_digits_are_four_sealed_to_their_contact_and_can_be_renewed(make_person, program):
    make_person("Ada", sms=None, email=None, voice=ADA)
    make_person("Ben", sms=None, email=None, voice=BEN)
    ada, ben = (Contact.objects.get(address_mac=contacts.address_mac("voice", number)) for number in (ADA, BEN))
    before = bytes(ada.sealed_digits)

    contacts.renew_digits(ada)

    assert len(contacts.open_digits(ada)) == 4
    assert contacts.open_digits(ada).isdigit()
    assert bytes(ada.sealed_digits) != before
    ben.sealed_digits = ada.sealed_digits
    with pytest.raises(SealBroken):
        contacts.open_digits(ben)
