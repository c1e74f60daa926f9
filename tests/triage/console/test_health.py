"""The page "Is it running?": every part in plain words, red where it is not well, and what to do then."""

from datetime import timedelta

import pytest

from tipline.kernel.clock import database_now
from triage.models import Alarm, Attempt, Contact, Heartbeat, Measure, Notification
from triage.watching import beats, gateways, measures

pytestmark = pytest.mark.django_db


@pytest.fixture
def well():
    """Everything lives and a canary has just arrived."""
    for name in (*beats.PROCESSES, beats.EPOCH_KEY, beats.CANARY):
        beats.beat(name, database_now())
    measures.show(measures.BROKER_UP, {"": 1})


def page(client):
    answer = client.get("/running/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_when_all_is_well_there_is_nothing_to_do(adas, well):
    said = page(adas)

    assert "Everything runs" in said
    assert "Look:" not in said
    assert all(name in said for name in beats.PROCESSES)


def test_it_opens_locked_and_costs_few_queries(adas, well, django_assert_max_num_queries):
    adas.post("/lock/")

    with django_assert_max_num_queries(20):
        assert "Everything runs" in page(adas)


def test_a_silent_escalator_is_grave_and_a_silent_worker_is_not(adas, well):
    long_ago = database_now() - timedelta(minutes=9)
    beats.beat("page-worker", long_ago)
    worker = page(adas)
    beats.beat("escalator-page", long_ago)
    escalator = page(adas)

    assert "Tips and pages go on" in worker
    assert "9 minutes ago" in worker
    assert "Something stands still" in escalator
    assert "Ask the operator to start it again" in escalator


def test_one_that_was_never_seen_is_said_to_be_so(adas, well):
    Heartbeat.objects.filter(name="watch").delete()

    assert "never since it was set up" in page(adas)


def test_late_work_says_what_is_late_and_what_to_do(adas, well):
    measures.show(measures.OVERDUE, {"pages|urgent": 120, "sms|": 0})

    said = page(adas)

    assert "The next step of a page is late: 120 seconds" in said
    assert "take what nobody has" in said
    assert "An SMS is late" not in said


def test_without_a_mailbox_for_the_test_tip_it_says_what_to_set(adas, well):
    Heartbeat.objects.filter(name=beats.CANARY).delete()

    assert "TIPLINE_CANARY_MAIL" in page(adas)


def test_a_test_tip_that_did_not_arrive_is_grave(adas, well):
    measures.show(measures.CANARY_FAILED, {"": 1})

    assert "A real tip may not reach you either" in page(adas)


def test_redis_being_away_is_said_and_is_not_grave(adas, well):
    measures.show(measures.BROKER_UP, {"": 0})

    assert "Tips and pages go on without it" in page(adas)


def test_providers_are_shown_with_what_came_of_their_tries(adas, ada, well, urgent):
    whose = {"program": urgent.program, "user": ada.user, "channel": "sms"}
    contact = Contact.objects.create(sealed=b"-", address_mac=b"-", **whose)
    page = urgent.escalations.get()
    note = Notification.objects.create(escalation=page, contact=contact, step=0, loop=0, **whose)
    for number, result in enumerate(["accepted", "failed_for_now"]):
        Attempt.objects.create(
            program=urgent.program,
            notification=note,
            number=number,
            provider="gateway",
            result=result,
            hour=database_now().replace(minute=0, second=0, microsecond=0),
        )
    measures.show(measures.GATEWAY, {"page-worker|gateway": 2, "escalator-page|gateway": 0})

    said = adas.get("/running/").content.decode()

    assert "1 message taken over" in said
    assert "1 failed" in said
    assert "stands back for now" in said


def test_alarms_about_people_are_those_of_ones_own_program(adas, well, program, other_program):
    other, _ = other_program
    Alarm.objects.create(program=other, kind="nobody_on_call", about=other.pk)
    theirs = page(adas)
    Alarm.objects.create(program=program, kind="nobody_on_call", about=program.pk)

    assert "Nobody is on call" not in theirs
    assert "Nobody is on call" in page(adas)


def test_it_names_no_tip(adas, well, urgent):
    said = page(adas)

    assert str(urgent.pk) not in said
    assert str(urgent.tip_id) not in said


def test_what_a_process_remembers_of_its_providers_is_shown_to_all(settings):
    settings.SMS_PROVIDERS = ["gateway", "twilio"]
    settings.SMS_GATEWAY_URL = "http://127.0.0.1:9/sms"
    from triage.escalation import carriers

    carriers.carriers.cache_clear()
    try:
        gateways.show("page-worker")
    finally:
        carriers.carriers.cache_clear()

    shown = dict(Measure.objects.filter(name=measures.GATEWAY).values_list("labels", "value"))
    assert shown == {"page-worker|gateway": 0, "page-worker|twilio": 0}
