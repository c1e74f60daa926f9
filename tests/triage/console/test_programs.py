"""Somebody of two programs: each is what it is, and one chooses which the pages are about."""

import pytest

from triage.escalation import contacts
from triage.models import Channel, Drill, Membership, OnCall, RecoveryKey

pytestmark = pytest.mark.django_db


@pytest.fixture
def of_two(ada, other_program):
    """Ada, who is also an auditor of Lakeside."""
    lakeside, _ = other_program
    Membership.objects.create(program=lakeside, user=ada.user, role="auditor")
    return lakeside


def _people(client):
    return client.get("/people/").content.decode()


def test_the_pages_are_about_the_program_one_turned_to(of_two, adas, bob, stranger, program):
    first = _people(adas)  # Lakeside comes before Riverside
    adas.post(f"/start/{program.pk}/")
    then = _people(adas)

    assert "Eve" in first
    assert "Bob" not in first
    assert "Bob" in then
    assert "Eve" not in then


def test_one_is_in_each_program_what_one_is_there(of_two, adas, program):
    adas.post(f"/start/{of_two.pk}/")
    as_auditor = adas.get("/people/invite/").status_code
    adas.post(f"/start/{program.pk}/")

    assert as_auditor == 403
    assert adas.get("/people/invite/").status_code == 200


def test_tips_of_all_ones_programs_open_wherever_one_turned_to(of_two, adas, urgent):
    adas.post(f"/start/{of_two.pk}/")

    assert adas.get("/").status_code == 200
    assert adas.get(f"/tips/{urgent.pk}/").status_code == 200


def test_the_start_page_names_ones_programs_and_roles(of_two, adas):
    page = adas.get("/start/").content.decode()

    assert "Riverside Tip Line" in page
    assert "Auditor" in page
    assert "Turn to" in page


def test_nobody_turns_to_a_program_that_is_not_theirs(adas, other_program):
    assert adas.post(f"/start/{other_program[0].pk}/").status_code == 404


def test_a_new_program_is_told_what_it_lacks_until_it_has_it(adas, ada, program, make_person, noon):
    before = adas.get("/start/").content.decode()
    make_person("Bob")
    make_person("Chair", role="oversight")
    OnCall.objects.create(program=program, user=ada.user, position=0)
    RecoveryKey.objects.create(program=program, public_key=b"-", threshold=2, sheets=3, made_on=noon.date())
    nearly = adas.get("/start/").content.decode()
    phone = contacts.add_contact(ada.user, program, Channel.SMS, "+14165550177")
    Drill.objects.create(program=program, contact=phone, number=1, state="answered", made_at=noon)

    assert "Print the recovery kit</a>" in before
    assert before.count(">done<") == 0
    assert nearly.count(">done<") == 4
    assert "Before the first night" not in adas.get("/start/").content.decode()
