"""How one is called: entered, tried and removed by oneself, in one's own unlocked session."""

import pytest

from triage.escalation import contacts, drills
from triage.models import AuditEntry, Channel, Contact, Drill, DrillState, OnCall

pytestmark = pytest.mark.django_db

NUMBER = "+14165550001"


@pytest.fixture
def phone(ada, program) -> Contact:
    return contacts.add_contact(ada.user, program, Channel.SMS, NUMBER)


def page(client) -> str:
    return client.get("/you/calls/").content.decode()


def test_who_has_nothing_is_told_that_nothing_reaches_them(adas):
    assert "Nothing can reach you yet" in page(adas)


def test_a_number_is_kept_as_it_is_dialled_and_shown_to_its_person_alone(adas, bob, sign_in, ada):
    adas.post("/you/calls/add/", {"channel": "sms", "address": "+1 (416) 555-0001"})

    assert contacts.open_address(Contact.objects.get(user=ada.user)) == NUMBER
    assert NUMBER in page(adas)
    assert NUMBER not in page(sign_in(bob))
    assert NUMBER.encode() not in bytes(Contact.objects.get().sealed)


@pytest.mark.parametrize(
    ("channel", "address", "says"),
    [
        ("sms", "0416 555 0001", "with the code of its country"),
        ("voice", "", "Write a telephone number"),
        ("email", "ada at example", "not an e-mail address"),
        ("fax", NUMBER, "Select a valid choice"),
    ],
)
def test_what_cannot_be_called_is_said_and_what_was_typed_stands(adas, channel, address, says):
    answer = adas.post("/you/calls/add/", {"channel": channel, "address": address})

    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not address or address in answer.content.decode()
    assert not Contact.objects.exists()


def test_more_than_twelve_are_refused(adas, ada, program):
    for last in range(12):
        contacts.add_contact(ada.user, program, Channel.SMS, f"+141655501{last:02}")

    assert adas.post("/you/calls/add/", {"channel": "sms", "address": NUMBER}).status_code == 422
    assert Contact.objects.count() == 12


def test_removed_it_is_gone_and_its_row_tells_no_number(adas, ada, phone):
    OnCall.objects.create(program=phone.program, user=ada.user, position=0)

    answer = adas.post(f"/you/calls/{phone.pk}/remove/", follow=True)

    assert NUMBER not in answer.content.decode()
    assert "nothing is left to reach you by" in answer.content.decode()
    phone.refresh_from_db()
    assert (phone.active, bytes(phone.sealed)) == (False, b"")


def test_a_number_switched_off_by_stop_is_switched_on_by_adding_it_again(adas, phone):
    Contact.objects.update(active=False)
    assert "answered with STOP" in page(adas)

    adas.post("/you/calls/add/", {"channel": "sms", "address": NUMBER})

    phone.refresh_from_db()
    assert phone.active


def test_a_test_page_is_asked_for_and_its_answer_is_shown(adas, phone):
    assert "Never tried" in page(adas)

    adas.post(f"/you/calls/{phone.pk}/test/")
    assert Drill.objects.get().state == DrillState.WAITING
    assert "on its way" in page(adas)
    Drill.objects.update(state=DrillState.ANSWERED)

    assert "It works" in page(adas)


def test_a_second_test_page_waits_a_minute(adas, phone):
    adas.post(f"/you/calls/{phone.pk}/test/")

    answer = adas.post(f"/you/calls/{phone.pk}/test/", follow=True)

    assert "Wait a minute" in answer.content.decode()
    assert Drill.objects.count() == 1


def test_a_test_mail_works_when_its_person_says_that_it_came(adas, ada, program, carrier):
    mailbox = contacts.add_contact(ada.user, program, Channel.EMAIL, "ada@example.org")
    adas.post(f"/you/calls/{mailbox.pk}/test/")
    drills.send_waiting(carrier)
    assert "It came" in page(adas)

    adas.post(f"/you/calls/{mailbox.pk}/came/")

    assert Drill.objects.get().state == DrillState.ANSWERED


@pytest.mark.parametrize("act", ["remove", "test", "came"])
def test_nobody_touches_a_colleagues_number(sign_in, bob, phone, act):
    assert sign_in(bob).post(f"/you/calls/{phone.pk}/{act}/").status_code == 404

    phone.refresh_from_db()
    assert phone.active
    assert not Drill.objects.exists()


@pytest.mark.parametrize("act", ["add/", "x/remove/", "x/test/", "x/came/"])
def test_a_link_changes_nothing(adas, phone, act):
    path = "/you/calls/" + act.replace("x", str(phone.pk))

    assert adas.get(path).status_code == 405


def test_a_stranger_is_sent_to_the_sign_in(visitor, phone):
    assert "/sign-in/" in visitor.get("/you/calls/", secure=True)["Location"]
    assert visitor.post(f"/you/calls/{phone.pk}/remove/", secure=True).status_code == 302
    assert Contact.objects.get().active


def test_adding_and_removing_are_on_record_without_the_number(adas, phone):
    before = AuditEntry.objects.filter(event="contacts_changed").count()

    adas.post("/you/calls/add/", {"channel": "voice", "address": NUMBER})
    adas.post(f"/you/calls/{phone.pk}/remove/")

    assert AuditEntry.objects.filter(event="contacts_changed").count() == before + 2
