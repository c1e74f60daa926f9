"""Somebody of two programs: each is what it is, and one chooses which the pages are about."""

import pytest

from triage.models import Membership

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
