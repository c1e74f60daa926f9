"""Nobody on call, nobody to be reached, STOP: pages find people all the same, and the administrator is told once."""

import pytest

from tipline.kernel.clock import database_now
from triage.escalation import replies
from triage.escalation.senders import Outcome
from triage.models import Alarm, Contact, Escalation, Notification, OnCall, Role
from triage.watching import staffing

pytestmark = pytest.mark.django_db


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def looking(carrier, settings, noon):
    """Look, and look again when it has lasted: returns the mails that went out."""
    settings.ADMIN_MAIL = "operator@example.org"
    seconds = Seconds()
    made = staffing.Staffing(send=carrier, monotonic=seconds)

    def _looking(times: int = 3) -> list[tuple[str, str]]:
        before = len(carrier.carried)
        for _ in range(times):
            seconds.now += staffing.EVERY
            made.look(noon + staffing.PATIENCE * seconds.now / 15)
        return [(message.to, message.body) for _, message in carrier.carried[before:]]

    return _looking


@pytest.fixture
def chair(make_person):
    return make_person("Chair", role=Role.OVERSIGHT)


def test_with_everybody_at_hand_nobody_is_told(staffed, chair, looking):
    assert looking() == []
    assert not Alarm.objects.exists()


def test_nobody_on_call_is_told_to_the_administrator_once(staffed, chair, looking):
    OnCall.objects.all().delete()

    said = looking(20)

    assert [to for to, _ in said] == ["operator@example.org"]
    assert "Nobody is on call" in said[0][1]
    assert "http" not in said[0][1]


def test_the_number_of_tips_changes_nothing(staffed, chair, make_page, looking):
    OnCall.objects.all().delete()
    for _ in range(5):
        make_page()

    assert len(looking(10)) == 1


def test_a_watch_that_restarts_does_not_tell_it_again(staffed, chair, looking, carrier, noon):
    OnCall.objects.all().delete()
    assert len(looking()) == 1

    staffing.Staffing(send=carrier).look(noon + staffing.PATIENCE * 20)

    assert len(carrier.carried) == 1


def test_a_state_that_ends_and_comes_back_is_told_again(staffed, chair, ada, looking, on_call):
    OnCall.objects.all().delete()
    looking()
    on_call(ada)
    assert looking() == []

    OnCall.objects.all().delete()

    assert len(looking()) == 1


def test_a_moment_without_anybody_is_no_news(staffed, chair, ada, looking, on_call):
    OnCall.objects.all().delete()
    assert looking(1) == []
    on_call(ada)

    assert looking() == []


def test_somebody_on_call_without_any_contact_is_told(staffed, chair, ada, looking):
    Contact.objects.filter(user=ada).delete()

    assert "without any number or address: 1" in looking()[0][1]


def test_a_number_switched_off_or_not_working_is_told_while_another_of_its_kind_is_not(staffed, chair, ada, looking):
    Contact.objects.filter(user=ada, channel="sms").update(active=False)
    Contact.objects.filter(user=ada, channel="email").update(failing=True)

    said = looking()[0][1]

    assert "switched off, perhaps by STOP: 1" in said
    assert "do not work: 1" in said


def test_no_oversight_person_to_be_reached_is_told(staffed, chair, looking):
    Contact.objects.filter(user=chair).update(active=False)

    assert "No oversight person can be reached" in looking()[0][1]


def test_without_a_named_administrator_the_supervisors_are_told(staffed, chair, looking, settings):
    OnCall.objects.all().delete()
    settings.ADMIN_MAIL = ""

    assert [to for to, _ in looking()] == ["chief@example.org"]


def test_a_mail_that_did_not_leave_is_tried_again(staffed, chair, looking, carrier):
    OnCall.objects.all().delete()
    carrier.fails("email", Outcome.FAILED_FOR_NOW)
    assert len(looking(2)) == 1
    carrier.answers.clear()

    assert len(looking()) == 1
    assert looking() == []


def test_a_stop_before_the_page_went_out_makes_the_next_persons_turn_come_now(staffed, ada, make_page):
    page = make_page(now=database_now())
    now = database_now()
    note = Notification.objects.get(user=ada, channel="sms")

    replies._stop(bytes(note.contact.address_mac), now)

    assert Escalation.objects.get(pk=page.pk).next_at == now
