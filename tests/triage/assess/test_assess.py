"""A tip is read once, judged, sealed again, and somebody is paged if it cannot wait."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from intake.models import Due, SubmissionKey, Tip, Wrap, WrapPurpose
from triage import actions
from triage import assess as reading
from triage.classify.model import ModelError
from triage.models import Assessment, Case, CaseStatus, Escalation, Notification, Urgency

pytestmark = pytest.mark.django_db

ROUTINE = "Somebody sprayed paint on the wall of the library last week"


def epoch_wraps(tip: Tip) -> int:
    return Wrap.objects.filter(tip=tip, purpose=WrapPurpose.EPOCH).count()


def test_an_urgent_tip_is_judged_and_somebody_is_paged(worker_host, staffed, make_tip, assess, opened, told):
    tip = make_tip("He said he will bring his uncle's gun to school tomorrow")

    done = assess(tip)

    assert done is not None
    assert done.pages
    found = opened(tip)
    assert "school_threat" in found["categories"]
    assert found["urgency"] == tip.assessment.urgency
    assert found["channel"] == "web"
    assert found["judged"] is True
    assert told(Escalation.objects.get(tip=tip)) == [("Ada", "email"), ("Ada", "sms")]
    assert Case.objects.get(tip=tip).status == CaseStatus.NEW


def test_after_the_assessment_the_worker_can_read_nothing_more(worker_host, staffed, make_tip, assess):
    tip = make_tip()
    assert epoch_wraps(tip) == 1

    assess(tip)

    assert epoch_wraps(tip) == 0
    assert not Due.objects.exists()


def test_a_routine_tip_wakes_nobody(worker_host, staffed, make_tip, assess):
    tip = make_tip(ROUTINE)

    done = assess(tip)

    assert done is not None
    assert not done.pages
    assert Case.objects.get(tip=tip).urgency in (Urgency.ROUTINE, Urgency.PRIORITY)
    assert not Notification.objects.exists()


def test_the_level_is_all_that_stands_in_clear(worker_host, staffed, make_tip, assess):
    tip = make_tip()

    assess(tip)

    row = Assessment.objects.values_list().get(tip=tip)
    said = " ".join(str(bytes(value)) if isinstance(value, memoryview) else str(value) for value in row)
    assert "school" not in said
    assert "gun" not in said


def test_reasons_keep_their_places_in_the_text(worker_host, staffed, make_tip, assess, opened):
    text = "He said he will bring his uncle's gun to school tomorrow"
    tip = make_tip(text)

    assess(tip)

    spans = [(start, end) for start, end, *_ in opened(tip)["reasons"]]
    assert any(end > start for start, end in spans)
    assert all(0 <= start <= end <= len(text) for start, end in spans)


def test_a_threat_in_another_answer_counts_and_its_reasons_stand_for_the_whole(
    worker_host, staffed, make_tip, assess, opened
):
    tip = make_tip("Please read below", people="My brother will bring a gun to school tomorrow and shoot everyone")

    assess(tip)

    assert tip.assessment.urgency in (Urgency.IMMINENT, Urgency.URGENT)
    assert all(end <= len("Please read below") for _, end, *_ in opened(tip)["reasons"])


def test_a_number_plate_alone_makes_nothing_urgent(worker_host, staffed, make_tip, assess):
    plain, plated = make_tip(ROUTINE), make_tip(ROUTINE, vehicle="BXZR 482, Kfz Zgrx Qwlm")

    assess(plain)
    assess(plated)

    assert plated.assessment.urgency == plain.assessment.urgency


def test_danger_ticked_is_at_least_urgent(worker_host, staffed, make_tip, assess):
    tip = make_tip(ROUTINE, danger="yes")

    assess(tip)

    assert tip.assessment.urgency in (Urgency.IMMINENT, Urgency.URGENT)


def test_a_follow_up_pages_as_a_new_tip_would_and_reopens_a_closed_case(
    worker_host, staffed, send, tip_of, follow_up, assess, told
):
    done = send(ROUTINE)
    first = tip_of(done)
    assess(first)
    Case.objects.update(status=CaseStatus.CLOSED)
    version = Case.objects.get().version

    second = follow_up(done, "he is loading the gun now, he will shoot her")
    assess(second)

    case = Case.objects.get()
    assert case.tip == first
    assert (case.status, case.unread, case.version) == (CaseStatus.NEW, 1, version + 1)
    assert case.urgency == second.assessment.urgency
    page = Escalation.objects.get(tip=second)
    assert page.case == case
    assert told(page) == [("Ada", "email"), ("Ada", "sms")]


def test_a_follow_up_never_lowers(worker_host, staffed, send, tip_of, follow_up, assess):
    done = send("He said he will bring his uncle's gun to school tomorrow")
    assess(tip_of(done))
    level = Case.objects.get().urgency

    assess(follow_up(done, ROUTINE))

    case = Case.objects.get()
    assert (case.urgency, case.unread) == (level, 1)
    assert Escalation.objects.count() == 1


def test_a_taken_case_stays_taken_when_a_follow_up_comes(worker_host, staffed, ada, send, tip_of, follow_up, assess):
    done = send(ROUTINE)
    assess(tip_of(done))
    Case.objects.update(status=CaseStatus.TAKEN, taken_by=ada)

    assess(follow_up(done, ROUTINE))

    case = Case.objects.get()
    assert (case.status, case.taken_by, case.unread) == (CaseStatus.TAKEN, ada, 1)


def test_a_follow_up_assessed_first_opens_the_case_of_its_conversation(
    worker_host, staffed, send, tip_of, follow_up, assess
):
    done = send(ROUTINE)
    second = follow_up(done, "he is loading the gun now, he will shoot her")

    assess(second)
    assess(tip_of(done))

    case = Case.objects.get()
    assert case.tip == tip_of(done)
    assert case.urgency == second.assessment.urgency


def test_a_tip_about_insiders_opens_a_case_for_oversight(worker_host, staffed, make_tip, assess):
    tip = make_tip("The sergeant sells what they seize", insider=True)

    assess(tip)

    assert Case.objects.get(tip=tip).oversight


def test_what_the_classifier_breaks_on_is_urgent_and_not_judged(
    worker_host, staffed, make_tip, assess, monkeypatch, caplog
):
    def broken(*_args, **_more):
        raise RuntimeError("quoting the tip: pills behind the rink")

    monkeypatch.setattr(reading, "classify", broken)
    tip = make_tip(ROUTINE)

    assess(tip)

    found = Assessment.objects.get(tip=tip)
    assert (found.urgency, found.judged, found.version, bytes(found.sealed)) == (Urgency.URGENT, False, "none", b"")
    assert epoch_wraps(tip) == 0
    assert Escalation.objects.filter(tip=tip).exists()
    assert "RuntimeError" in caplog.text
    assert "rink" not in caplog.text


def test_a_tip_no_key_of_this_host_opens_is_urgent_and_not_judged(staffed, make_tip, assess):
    tip = make_tip(ROUTINE)  # no worker host was alive: no wrap for one

    assess(tip)

    assert tip.assessment.judged is False
    assert tip.assessment.urgency == Urgency.URGENT
    assert Escalation.objects.filter(tip=tip).exists()


def test_a_tip_only_another_host_can_open_is_left_to_it_three_times(epoch_seed, staffed, make_tip, assess, noon):
    tip = make_tip(ROUTINE)

    tries = [assess(tip, noon + timedelta(seconds=3 * turn)) for turn in range(4)]

    assert tries[:3] == [None, None, None]
    assert tries[3] is not None
    assert tip.assessment.judged is False


def test_after_three_lost_leases_the_tip_goes_to_a_person(worker_host, staffed, make_tip, assess, noon):
    tip = make_tip(ROUTINE)
    due = Due.objects.get(tip=tip)
    for turn in range(3):
        assert actions.claim([due.pk], noon + turn * timedelta(seconds=11))

    assess(tip, noon + timedelta(seconds=40))

    assert tip.assessment.version == "none"
    assert epoch_wraps(tip) == 0
    assert Escalation.objects.filter(tip=tip).exists()


def test_a_changed_ciphertext_goes_to_a_person(worker_host, staffed, make_tip, assess):
    tip = make_tip(ROUTINE)
    Tip.objects.filter(pk=tip.pk).update(sealed=bytes(tip.sealed)[:-1] + b"\x00")

    assess(tip)

    assert tip.assessment.judged is False


def test_a_late_writer_is_fenced_off(worker_host, staffed, make_tip, noon):
    tip = make_tip(ROUTINE)
    (late,) = actions.claim([Due.objects.get(tip=tip).pk], noon)
    actions.claim([late.due_id], noon + timedelta(seconds=11))

    assert actions.store([(late, reading.unassessed())]) == []

    assert not Assessment.objects.exists()
    assert not Case.objects.exists()


def test_a_tip_in_hand_is_not_waiting(worker_host, make_tip, noon):
    tip = make_tip()
    (due,) = actions.claim([Due.objects.get(tip=tip).pk], noon)

    asked = {"limit": 5, "asked": [due.due_id]}
    assert actions.waiting(now=noon, **asked) == ([], [], [])
    assert actions.claim([due.due_id], noon) == []
    assert actions.waiting(now=noon + timedelta(seconds=11), **asked) == ([due.due_id],) * 3


def test_what_is_assessed_already_is_no_more_work(worker_host, staffed, make_tip, assess, noon):
    due = Due.objects.get(tip=make_tip())
    actions.assess_due(due.pk, now=noon)

    assert actions.assess_due(due.pk, now=noon) is None
    assert Assessment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_danger_comes_first_then_the_newest_or_the_oldest(worker_host, make_tip, noon):
    first, danger, last = make_tip(ROUTINE), make_tip(ROUTINE, danger="yes"), make_tip(ROUTINE)
    dues = {tip.pk: Due.objects.get(tip=tip).pk for tip in (first, danger, last)}

    found = actions.waiting(limit=3, now=noon)
    assert found.newest == [dues[danger.pk], dues[last.pk], dues[first.pk]]
    assert found.oldest == [dues[danger.pk], dues[first.pk], dues[last.pk]]


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_make_one_assessment_and_one_page(worker_host, staffed, make_tip, noon):
    due = Due.objects.get(tip=make_tip())
    outcomes: list[object] = []

    def work() -> None:
        try:
            outcomes.append(actions.assess_due(due.pk, now=noon))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(outcome is not None for outcome in outcomes) == 1
    assert (Assessment.objects.count(), Escalation.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_pages_begun_at_the_same_moment_get_different_numbers(worker_host, staffed, make_tip, noon):
    dues = [Due.objects.get(tip=make_tip()).pk for _ in range(6)]
    failures: list[Exception] = []

    def work(due_id) -> None:
        try:
            actions.assess_due(due_id, now=noon)
        except Exception as fault:
            failures.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[due]) for due in dues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(set(Escalation.objects.values_list("page_number", flat=True))) == 6


def test_the_traces_of_a_sending_are_dropped_when_their_time_is_over(worker_host, make_tip, noon):
    make_tip()

    assert actions.forget_submissions(noon) == 0
    assert actions.forget_submissions(noon + timedelta(minutes=26)) == 1
    assert not SubmissionKey.objects.exists()


def test_without_weights_the_process_goes_on_and_a_person_reads(
    worker_host, staffed, make_tip, assess, monkeypatch, caplog
):
    tip = make_tip(ROUTINE)

    def missing(*_args, **_more):
        raise ModelError("the weights file cannot be read: /srv/none.npz")

    monkeypatch.setattr(reading, "classifier_warm_up", missing)
    monkeypatch.setattr(reading, "classify", missing)

    reading.warm_up()
    assess(tip)

    assert (tip.assessment.urgency, tip.assessment.judged) == (Urgency.URGENT, False)
    assert Escalation.objects.filter(tip=tip).exists()
    assert "assess.no_classifier" in caplog.text
    assert "none.npz" not in caplog.text
