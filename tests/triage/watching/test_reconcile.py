"""A row that is missing though its transaction was whole is found, made good, counted and written down."""

import pytest

from intake.models import Due, Tip
from triage.audit import chain
from triage.escalation.escalators import TriageTick
from triage.escalation.handover import Publisher
from triage.models import AuditEntry, Case, Escalation, Notification, Urgency
from triage.watching import reconcile

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("worker_host")]


def test_where_nothing_is_missing_nothing_is_done(staffed, make_tip, assess, noon):
    make_tip()
    assess(make_tip())

    assert not reconcile.repair(noon)
    assert not AuditEntry.objects.exists()


def test_a_tip_that_neither_waits_nor_was_assessed_is_put_first_and_assessed(staffed, make_tip, assess, noon):
    tip = make_tip()
    Due.objects.all().delete()

    assert reconcile.repair(noon) == {"due": 1}

    assert Due.objects.get().danger
    assess(tip)
    assert Escalation.objects.filter(tip=tip).exists()


def test_a_tip_that_no_worker_can_read_any_more_goes_to_a_person(staffed, make_tip, assess, noon):
    tip = make_tip("Somebody sprayed paint on the wall")
    Due.objects.all().delete()
    tip.wraps.filter(purpose="epoch").delete()

    reconcile.repair(noon)
    assess(tip)

    assert not Tip.objects.get().assessment.judged
    assert Escalation.objects.filter(tip=tip).exists()


def test_an_assessed_tip_without_a_case_comes_to_the_board_and_pages(staffed, make_tip, assess, noon):
    tip = make_tip()
    assess(tip)
    Case.objects.all().delete()  # and its page with it

    assert reconcile.repair(noon) == {"case": 1, "page": 1}

    found = Case.objects.get()
    assert (found.tip, found.status, found.unread) == (tip, "new", 0)
    assert found.urgency == tip.assessment.urgency
    assert Notification.objects.filter(escalation__tip=tip).count() == 2


def test_the_case_made_good_has_the_worst_level_and_the_side_of_its_conversation(
    staffed, send, tip_of, follow_up, assess, make_person, noon
):
    make_person("Chair", role="oversight")
    done = send("The sergeant sells what they seize", insider=True)
    first, second = tip_of(done), follow_up(done, "he is loading the gun now, he will shoot her")
    for tip in (first, second):
        assess(tip)
    Case.objects.all().delete()

    reconcile.repair(noon)

    found = Case.objects.get()
    assert (found.tip, found.oversight, found.unread) == (first, True, 1)
    assert found.urgency in {Urgency.IMMINENT, Urgency.URGENT}
    told = Notification.objects.filter(escalation__tip=second).values_list("user__name", flat=True)
    assert set(told) == {"Chair"}


def test_an_urgent_tip_without_a_page_wakes_somebody(staffed, make_tip, assess, noon):
    tip = make_tip()
    assess(tip)
    Escalation.objects.all().delete()

    assert reconcile.repair(noon) == {"page": 1}

    assert Notification.objects.filter(escalation__tip=tip).count() == 2
    assert not reconcile.repair(noon)


def test_what_a_person_has_opened_is_not_paged_again(staffed, make_tip, assess, noon):
    assess(make_tip())
    Escalation.objects.all().delete()
    Case.objects.update(status="open")

    assert not reconcile.repair(noon)


def test_an_erased_tip_is_left_alone(program, noon):
    Tip.objects.create(program=program, week=noon.date(), sealed=b"", status="erased")

    assert not reconcile.repair(noon)


def test_each_repair_stands_in_the_audit_trail_by_the_hour(staffed, program, make_tip, assess, noon):
    tip = make_tip()
    Due.objects.all().delete()

    reconcile.repair(noon)

    entry = AuditEntry.objects.get()
    assert (entry.event, entry.tip_id, entry.actor) == ("made_good", tip.pk, None)
    assert entry.hour.minute == 0
    assert chain.verify(program) is None


def test_the_escalator_looks_by_itself(staffed, make_tip, settings):
    settings.BROKER_URL = ""
    tip = make_tip()
    Due.objects.all().delete()

    TriageTick(Publisher())()

    assert Tip.objects.get(pk=tip.pk).assessment.judged
