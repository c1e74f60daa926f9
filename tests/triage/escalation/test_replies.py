"""What phones answer: a code takes, PASS passes on, STOP stops; nothing of it ends a page."""

from datetime import timedelta

import pytest

from triage.escalation import codes, contacts, deliver, engine, events, replies
from triage.models import (
    Case,
    CaseStatus,
    Contact,
    Escalation,
    EscalationState,
    Notification,
    NotificationState,
    PagerEvent,
)

pytestmark = pytest.mark.django_db

ADA, BEN = "+14165550001", "+14165550002"


@pytest.fixture
def page(make_person, make_ladder, on_call, make_page, carrier, noon) -> Escalation:
    """A page that has reached Ada's phone."""
    on_call(make_person("Ada", sms=ADA, email=None), make_person("Ben", sms=BEN, email=None))
    make_ladder((0, "first", ["sms"]), (120, "next", ["sms"]))
    page = make_page()
    for note in page.notifications.all():
        deliver.deliver(note.pk, send=carrier, now=noon)
    return page


@pytest.fixture
def code(page) -> str:
    return codes.code_for(page.notifications.get().pk)


@pytest.fixture
def text(noon):
    """An SMS comes in."""

    def _text(sender: str, words: str, now=noon) -> None:
        replies.handle({"kind": "sms", "provider": "gateway", "from": sender, "text": words, "id": "1"}, now)

    return _text


def state(page: Escalation) -> str:
    return Escalation.objects.get(pk=page.pk).state


def test_the_code_takes_the_page(page, code, text):
    text(ADA, f"{page.page_number} {code}")

    page.refresh_from_db()
    assert (page.state, page.taken_by.name) == (EscalationState.TAKEN, "Ada")
    assert Case.objects.get().status == CaseStatus.TAKEN
    assert Notification.objects.get(kind="page").code_used


@pytest.mark.parametrize(
    "written",
    ["{code}", "{number}{code}", "tl {number} {lower}", " {number}  {spaced} ", "{number}-{code}.", "TL{number}{code}"],
)
def test_the_code_is_read_however_it_is_typed(page, code, text, written):
    spaced = f"{code[:3]} {code[3:]}".lower()
    text(ADA, written.format(code=code, number=page.page_number, lower=code.lower(), spaced=spaced))

    assert state(page) == EscalationState.TAKEN


def test_the_number_is_known_with_and_without_its_plus(page, code, text):
    text(ADA.removeprefix("+"), code)

    assert state(page) == EscalationState.TAKEN


def test_the_code_counts_only_from_the_phone_it_went_to(page, code, text):
    text(BEN, code)
    text("+14165559999", code)

    assert state(page) == EscalationState.OPEN


def test_three_wrong_codes_use_up_the_right_one(page, code, text):
    wrong = "".join(reversed(code)) if code != code[::-1] else "AAAAAA"
    for _ in range(3):
        text(ADA, wrong)
    text(ADA, code)

    assert state(page) == EscalationState.OPEN
    assert Notification.objects.get().code_misses == 3


def test_two_wrong_codes_do_not(page, code, text):
    for _ in range(2):
        text(ADA, "AAAAAA" if code != "AAAAAA" else "CCCCCC")
    text(ADA, code)

    assert state(page) == EscalationState.TAKEN


def test_a_code_is_worth_nothing_after_fifteen_minutes(page, code, text, after):
    text(ADA, code, after(minutes=15))

    assert state(page) == EscalationState.OPEN


def test_a_code_takes_only_once(page, code, text, after):
    text(ADA, code)
    engine.climb_due(after(minutes=5))

    text(ADA, code, after(minutes=6))

    assert state(page) == EscalationState.OPEN


def test_the_code_of_a_page_whose_sending_never_got_an_answer_counts(page, code, text):
    Notification.objects.update(state=NotificationState.UNKNOWN, accepted_at=None)

    text(ADA, code)

    assert state(page) == EscalationState.TAKEN


@pytest.mark.parametrize(
    "state_",
    [NotificationState.PENDING, NotificationState.FAILED_FOR_NOW, NotificationState.FAILED_FOR_GOOD],
)
def test_whoever_has_the_code_has_the_page_whatever_is_written_of_its_sending(page, code, text, state_):
    """A database that was killed has forgotten that it was sent; a carrier may have said that it was not."""
    page.notifications.update(state=state_, accepted_at=None)

    text(ADA, f"{page.page_number} {code}")

    assert state(page) == EscalationState.TAKEN


def test_what_was_taken_before_its_sending_was_written_down_can_be_passed_on(page, code, text):
    page.notifications.update(state=NotificationState.PENDING, accepted_at=None)
    text(ADA, f"{page.page_number} {code}")

    text(ADA, f"{page.page_number} PASS")

    assert state(page) == EscalationState.OPEN


def test_wrong_codes_use_up_no_code_that_has_not_gone_out(page, code, text):
    page.notifications.update(state=NotificationState.PENDING, accepted_at=None)

    for _ in range(codes.MISSES):
        text(ADA, f"{page.page_number} AAAAAA")

    assert page.notifications.get().code_misses == 0
    text(ADA, f"{page.page_number} {code}")
    assert state(page) == EscalationState.TAKEN


def test_a_reply_never_ends_a_page(page, code, text):
    for words in (code, "27 OPENED", "DONE", "END OF IT", f"{page.page_number} {code}"):
        text(ADA, words)

    assert Escalation.objects.running().count() == 1


def test_pass_gives_back_what_was_taken_and_calls_the_next(page, code, text, told, noon):
    text(ADA, code)

    text(ADA, f"{page.page_number} PASS")
    engine.climb_due(noon)

    assert state(page) == EscalationState.OPEN
    assert told(page, step=1) == [("Ben", "sms")]


def test_pass_before_taking_calls_the_next_once(page, text, told, noon):
    text(ADA, f"{page.page_number} pass")
    engine.climb_due(noon)
    text(ADA, f"{page.page_number} pass")
    engine.climb_due(noon)

    assert told(page, step=1) == [("Ben", "sms")]
    assert not told(page, loop=1)


def test_a_strangers_pass_does_nothing(page, code, text, noon):
    text(ADA, code)
    text(BEN, f"{page.page_number} PASS")

    assert state(page) == EscalationState.TAKEN


def test_stop_switches_the_contact_off_and_calls_the_next(page, text, told, noon):
    text(ADA, "Stop.")
    engine.climb_due(noon)

    assert not Contact.objects.get(user__name="Ada").active
    assert told(page, step=1) == [("Ben", "sms")]


@pytest.mark.parametrize("words", ["", "yes", "I am on it", "📟", "x" * 5000, "27", "\x00", "PASSWORD"])
def test_other_words_do_nothing(page, text, words):
    text(ADA, words)

    assert state(page) == EscalationState.OPEN
    assert Notification.objects.get().code_misses == 0


def receipt(note: Notification, status: str, **more: str) -> dict[str, str]:
    return {"kind": "receipt", "provider": "gateway", "reference": note.pk.hex, "id": "", "status": status, **more}


def test_a_delivery_receipt_is_noted_once_and_again(page, noon):
    note = page.notifications.get()

    for _ in range(2):
        replies.handle(receipt(note, "delivered"), noon)

    note.refresh_from_db()
    assert note.state == NotificationState.DELIVERED


def test_a_receipt_finds_its_page_by_the_providers_reference_too(page, noon):
    note = page.notifications.get()

    replies.handle(receipt(note, "delivered", reference="", id=note.provider_reference), noon)

    note.refresh_from_db()
    assert note.state == NotificationState.DELIVERED


def test_undelivered_calls_the_next_person_at_once(page, noon, told):
    replies.handle(receipt(page.notifications.get(), "undelivered"), noon)
    engine.climb_due(noon)

    assert told(page, step=1) == [("Ben", "sms")]


def test_a_receipt_for_nothing_we_know_is_ignored(page, noon):
    for reference in ("", "nonsense", "0" * 32):
        replies.handle({"kind": "receipt", "reference": reference, "id": "x", "status": "delivered"}, noon)

    assert page.notifications.get().state == NotificationState.ACCEPTED


def test_events_are_deleted_once_they_are_handled(page, code, noon):
    PagerEvent.objects.create(sealed=events.seal_event({"kind": "sms", "from": ADA, "text": code}))

    assert replies.handle_waiting(noon) == 1

    assert not PagerEvent.objects.exists()
    assert state(page) == EscalationState.TAKEN


def test_an_event_nobody_can_read_is_dropped_and_the_next_is_handled(page, code, noon, caplog):
    PagerEvent.objects.create(sealed=b"\x00\x00\x00\x02junk and more")
    PagerEvent.objects.create(sealed=events.seal_event({"kind": "sms", "from": ADA, "text": code}))

    replies.handle_waiting(noon)

    assert not PagerEvent.objects.exists()
    assert "pager_event.unreadable" in caplog.text
    assert state(page) == EscalationState.TAKEN


def test_an_event_that_breaks_us_is_put_aside_and_tried_later(page, code, noon, monkeypatch):
    PagerEvent.objects.create(sealed=events.seal_event({"kind": "sms", "from": ADA, "text": code}))
    monkeypatch.setattr(replies, "handle", lambda *_: 1 / 0)

    replies.handle_waiting(noon)
    assert PagerEvent.objects.count() == 1
    assert replies.handle_waiting(noon + timedelta(minutes=1)) == 0

    monkeypatch.undo()


def test_codes_have_no_look_alikes_and_differ_for_every_page(page, code):
    from uuid import uuid4

    made = {codes.code_for(uuid4()) for _ in range(2000)}

    assert len(made) > 1995
    assert set("".join(made)) <= set(codes.ALPHABET)
    assert not set(codes.ALPHABET) & set("0O1IL8S5Z") - {"5"}
    assert codes.read(code.replace("5", "S").replace("2", "Z").replace("B", "8")).code == code


def test_a_contact_is_found_by_its_number_and_stored_sealed(make_person):
    user = make_person("Ada", sms="+1 (416) 555-0001")
    contact = user.contacts.get(channel="sms")

    assert contacts.open_address(contact) == ADA
    assert b"0001" not in bytes(contact.sealed)
    assert bytes(contact.address_mac) == contacts.sender_mac("14165550001")


def test_the_same_contact_again_switches_it_on(make_person, program):
    user = make_person("Ada", sms=ADA)
    Contact.objects.update(active=False)

    contacts.add_contact(user, program, "sms", "001 416 555 0001")

    assert user.contacts.get(channel="sms").active


@pytest.mark.parametrize("address", ["", "4165550001", "+1", "+0123456789", "ada@", "+1416555000a"])
def test_what_is_no_number_is_refused(address):
    with pytest.raises(contacts.BadAddress):
        contacts.normalise("sms", address)


@pytest.mark.parametrize("address", ["", "ada", "a b@c.d", "a@b.c\r\nBcc: x@y.z", "ä@b.c"])
def test_what_is_no_mail_address_is_refused(address):
    with pytest.raises(contacts.BadAddress):
        contacts.normalise("email", address)


def test_receipts_that_come_together_are_noted_together_and_one_that_cannot_be_read_hurts_none(
    staffed, make_page, noon
):
    pages = [make_page() for _ in range(3)]
    notes = [note for page in pages for note in page.notifications.all()]
    Notification.objects.update(state=NotificationState.ACCEPTED)
    PagerEvent.objects.create(sealed=b"no event at all")
    for note in notes[:-1]:
        PagerEvent.objects.create(sealed=events.seal_event(receipt(note, "delivered")))
    failed = PagerEvent.objects.create(sealed=events.seal_event(receipt(notes[-1], "failed")))

    assert replies.handle_waiting(noon) == len(notes) + 1

    states = dict(Notification.objects.filter(pk__in=[note.pk for note in notes]).values_list("pk", "state"))
    assert {states[note.pk] for note in notes[:-1]} == {"delivered"}
    assert states[notes[-1].pk] == "failed_for_good"
    assert not PagerEvent.objects.filter(pk=failed.pk).exists()
    assert not PagerEvent.objects.exists()


def test_a_receipt_for_a_page_nobody_knows_is_dropped(staffed, noon):
    event = {"kind": "receipt", "reference": "0f" * 16, "id": "", "status": "delivered"}
    PagerEvent.objects.create(sealed=events.seal_event(event))

    assert replies.handle_waiting(noon) == 1
    assert not PagerEvent.objects.exists()
