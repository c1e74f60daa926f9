"""One's own four digits for calls: shown and renewed in one's own unlocked session only."""

from datetime import timedelta

import pytest
from django.utils import timezone

from triage.escalation import contacts
from triage.models import Channel, Contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def digits(ada, program):
    def _digits() -> str:
        return contacts.open_digits(Contact.objects.get(user=ada.user, channel=Channel.VOICE))

    contacts.add_contact(ada.user, program, Channel.VOICE, "+14165550001")
    return _digits


def test_ones_own_digits_are_shown_and_nobody_elses(adas, bob, sign_in, digits):
    shown = f"<strong>{digits()}</strong>"

    assert shown in adas.get("/you/").content.decode()
    assert "four digits" not in sign_in(bob).get("/you/").content.decode()


def test_other_digits_replace_them(adas, digits):
    before = Contact.objects.get(channel=Channel.VOICE).sealed_digits

    assert adas.post("/you/digits/")["Location"] == "/you/"

    assert Contact.objects.get(channel=Channel.VOICE).sealed_digits != before
    assert f"<strong>{digits()}</strong>" in adas.get("/you/").content.decode()


def test_a_locked_session_neither_shows_nor_changes_them(adas, monkeypatch, digits):
    before = digits()
    later = timezone.now() + timedelta(minutes=20)
    monkeypatch.setattr(timezone, "now", lambda: later)

    page = adas.post("/you/digits/", follow=True, secure=True)

    assert digits() == before
    assert before not in page.content.decode()


def test_a_link_changes_nothing(adas, digits):
    before = digits()

    assert adas.get("/you/digits/").status_code == 405
    assert digits() == before
