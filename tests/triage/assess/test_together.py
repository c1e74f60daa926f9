"""Tips assessed together stay several tips: each is fenced, fails and takes its time by itself."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction

from intake.models import Due, Wrap, WrapPurpose
from tipline.kernel import failpoints
from triage import actions, storing
from triage import assess as reading
from triage.models import Assessment, Case, Escalation, Notification, Urgency

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("worker_host", "staffed")]

THREATS = ["He said he will bring his uncle's gun to school", "She says she will kill herself tonight with pills"]
ROUTINE = "Somebody sprayed paint on the wall of the library last week"


def work_for(seconds: float) -> None:
    """Keep the processor busy for so long: waiting does not count as slow."""
    over = time.process_time() + seconds
    while time.process_time() < over:
        pass


def dues(*tips) -> list:
    return [Due.objects.get(tip=tip).pk for tip in tips]


def test_tips_of_all_levels_are_assessed_together_and_each_gets_its_own(make_tip, noon, told):
    tips = [make_tip(text) for text in (*THREATS, ROUTINE)]

    done = actions.assess_together(dues(*tips), now=noon)

    assert sorted(one.pages for one in done) == [False, True, True]
    assert not Due.objects.exists()
    assert not Wrap.objects.filter(purpose=WrapPurpose.EPOCH).exists()
    assert Case.objects.count() == Assessment.objects.filter(judged=True).count() == 3
    for tip in tips[:2]:
        page = Escalation.objects.get(tip=tip)
        assert page.case == Case.objects.get(tip=tip)
        assert told(page) == [("Ada", "email"), ("Ada", "sms")]
    assert {note.pk for one in done for note in one.notes} == set(Notification.objects.values_list("pk", flat=True))


def test_a_batch_takes_few_statements_however_large(make_tip, noon):
    few, many = [[make_tip(THREATS[0]) for _ in range(count)] for count in (1, 8)]
    counts = []
    for tips in (few, many):
        sent = []
        run = storing.rows.run

        def counted(*arguments, _sent=sent, _run=run):
            _sent.append(1)
            return _run(*arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(storing.rows, "run", counted)
            assert len(actions.assess_together(dues(*tips), now=noon)) == len(tips)
        counts.append(len(sent))

    assert counts[0] == counts[1] <= 7


def test_a_tip_and_its_follow_up_in_one_batch_share_a_case(send, tip_of, follow_up, noon):
    done = send(ROUTINE)
    first, second = tip_of(done), follow_up(done, "he is loading the gun now, he will shoot her")

    actions.assess_together(dues(second, first), now=noon)

    case = Case.objects.get()
    assert (case.tip, case.unread, case.urgency) == (first, 1, second.assessment.urgency)
    assert Escalation.objects.get().tip == second


def test_one_that_cannot_be_stored_keeps_no_other_waiting(make_tip, noon):
    tips = [make_tip(THREATS[n % 2]) for n in range(3)]
    claimed = actions.claim(dues(*tips), noon)
    findings = {tip.pk: reading.unassessed() for tip in tips}
    findings[tips[1].pk] = replace(findings[tips[1].pk], urgency="such a level there is not")

    done = actions.store([(one, findings[one.tip.pk]) for one in claimed])

    assert len(done) == 2
    assert set(Escalation.objects.values_list("tip_id", flat=True)) == {tips[0].pk, tips[2].pk}
    assert Due.objects.get().tip == tips[1]
    assert Wrap.objects.get(purpose=WrapPurpose.EPOCH).tip == tips[1]


def test_one_lost_lease_costs_only_its_own_tip(make_tip, noon):
    lost, kept = make_tip(THREATS[0]), make_tip(THREATS[1])
    claimed = actions.claim(dues(lost, kept), noon)
    actions.claim(dues(lost), noon + timedelta(seconds=11))

    done = actions.store([(one, reading.unassessed()) for one in claimed])

    assert len(done) == 1
    assert Escalation.objects.get().tip == kept
    assert Due.objects.get().tip == lost


@pytest.mark.django_db(transaction=True)
def test_what_died_before_the_commit_is_assessed_whole_by_the_next(make_tip, noon, monkeypatch):
    tips = [make_tip(text) for text in THREATS]

    def die(name: str) -> None:
        if name == "triage.before_commit":
            raise SystemExit

    monkeypatch.setattr(failpoints, "reach", die)
    with pytest.raises(SystemExit):
        actions.assess_together(dues(*tips), now=noon)
    monkeypatch.undo()

    assert not Assessment.objects.exists()
    assert not Notification.objects.exists()
    assert actions.assess_together(dues(*tips), now=noon + timedelta(seconds=9)) == []
    assert len(actions.assess_together(dues(*tips), now=noon + timedelta(seconds=11))) == 2
    assert Notification.objects.count() == 4


def test_a_slow_tip_is_put_back_until_the_others_are_stored(make_tip, noon, monkeypatch):
    slow, *others = [make_tip(text) for text in (ROUTINE, *THREATS)]
    stored_first = []
    whole = reading.open_and_judge

    def open_and_judge(tip, wraps):
        if tip.pk == slow.pk:
            stored_first.append(set(Assessment.objects.values_list("tip_id", flat=True)))
            work_for(0.4)
        return whole(tip, wraps)

    monkeypatch.setattr(reading, "open_and_judge", open_and_judge)

    done = actions.assess_together(dues(slow, *others), now=noon)

    assert len(done) == 3
    assert stored_first == [set(), {tip.pk for tip in others}]
    assert all(Assessment.objects.values_list("judged", flat=True))


def test_a_tip_that_takes_too_long_by_itself_goes_to_a_person(make_tip, noon, monkeypatch, caplog):
    tip = make_tip(ROUTINE)
    monkeypatch.setattr(actions, "LONGEST", 0.05)
    monkeypatch.setattr(reading, "open_and_judge", lambda *_: work_for(1))

    actions.assess_together(dues(tip), now=noon)

    found = Assessment.objects.get()
    assert (found.judged, found.urgency) == (False, Urgency.URGENT)
    assert "assess.too_slow" in caplog.text


def test_two_slow_tips_do_not_use_up_a_lease_or_a_tasks_time(make_tip, noon, monkeypatch):
    tips = [make_tip(text) for text in THREATS]
    whole = reading.open_and_judge

    def open_and_judge(tip, wraps):
        work_for(0.3)
        return whole(tip, wraps)

    monkeypatch.setattr(reading, "open_and_judge", open_and_judge)

    assert len(actions.assess_together(dues(*tips), now=noon)) == 1
    left = Due.objects.get()
    assert (left.lease_owner, left.generation) == (None, 0)
    with transaction.atomic():
        assert len(actions.assess_together([left.pk], now=noon)) == 1
