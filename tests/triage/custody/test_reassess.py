"""Open tips sorted anew after an update: up with a page, never down, never over what a person said."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.core.management import call_command

from intake.models import ProgramKey, Purpose, Tip
from tipline.kernel.clock import database_now
from triage import actions, assess, epochs
from triage.audit import chain
from triage.console import opening
from triage.custody import handing
from triage.escalation import taking
from triage.learning import reassess
from triage.models import Assessment, AuditEntry, Case, CaseStatus, Correction, Escalation, Job, JobKind, Notification
from triage.watching import reconcile

pytestmark = pytest.mark.django_db(transaction=True)

QUIET = "They sell pills behind the rink"
THREAT = "He said he will bring his uncle's gun to school tomorrow"


@pytest.fixture
def assessed(send, tip_of, epoch_seed, monkeypatch) -> Callable[..., Tip]:
    monkeypatch.setattr(epochs, "seed_of", lambda key_id: epoch_seed)

    def _assessed(text: str = QUIET, **answers: str) -> Tip:
        tip: Tip = tip_of(send(text, **answers))
        actions.assess_due(tip.due.pk)
        return tip

    return _assessed


@pytest.fixture
def now_says(monkeypatch) -> Callable[..., None]:
    """An update: the program now says something else of every text."""
    judge = assess.judge

    def _now_says(urgency: str, *categories: str) -> None:
        def other(message):
            found = judge(message)
            level = assess.Urgency(urgency)
            return replace(found, urgency=level, categories=categories or found.categories, version="model-next")

        monkeypatch.setattr(assess, "judge", other)

    return _now_says


@pytest.fixture
def sort(keeper, adas, work_on) -> Callable[[], Job]:
    """Ask for it and let a custodian do it."""

    def _sort(purpose: Purpose = Purpose.CONTENT) -> Job:
        handing.start(JobKind.REASSESS, ProgramKey.objects.get(purpose=purpose, retired=False))
        keeper.tick()
        handing.feed(adas(), now=database_now())
        keeper._take()
        work_on(keeper)
        return Job.objects.get(program_key__purpose=purpose)

    return _sort


def said(tip: Tip, unlocked) -> dict[str, object]:
    """What the record of the sorting says."""
    entry = AuditEntry.objects.get(event="reassessed")
    key = opening.data_keys([tip], unlocked)[tip.pk]
    return dict(json.loads(chain.text_of(entry, tip=tip, data_key=key)))


def test_what_is_found_to_be_worse_pages_and_says_what_changed(assessed, now_says, sort, adas):
    tip = assessed()
    before = Case.objects.get(tip=tip)
    assert not Escalation.objects.exists()
    now_says("urgent", "weapons")

    job = sort()

    case = Case.objects.get(tip=tip)
    assert (case.urgency, case.version) == ("urgent", before.version + 1)
    assert Escalation.objects.running().get().tip_id == tip.pk
    assert (job.finished, job.raised, job.broken) == (True, 1, 0)
    assert Assessment.objects.get(tip=tip).version == "model-next"
    found = said(tip, adas())
    assert (found["level"], found["categories"]) == ("urgent", ["weapons"])
    assert found["before"]["level"] == before.urgency
    assert b"weapons" not in bytes(AuditEntry.objects.get(event="reassessed").sealed)


def test_what_is_found_to_be_less_stays_where_it_was_and_the_record_says_so(assessed, now_says, sort, adas):
    tip = assessed(THREAT)
    level = Case.objects.get(tip=tip).urgency
    now_says("routine", "theft")

    job = sort()

    assert Case.objects.get(tip=tip).urgency == level
    assert Assessment.objects.get(tip=tip).urgency == level
    assert Escalation.objects.running().count() == 1
    assert job.raised == 0
    assert said(tip, adas())["level"] == "routine"


def test_a_tip_somebody_works_on_is_before_people_again(assessed, now_says, sort, ada, noon):
    tip = assessed()
    taking.mark_opened(Case.objects.get(tip=tip), by=ada[0], now=noon)
    now_says("imminent")

    sort()

    case = Case.objects.get(tip=tip)
    assert (case.status, case.taken_by) == (CaseStatus.NEW, None)
    assert Escalation.objects.running().get().urgency == "imminent"


def test_a_page_that_was_over_begins_anew_on_the_worse_ladder(assessed, now_says, sort, ada, noon):
    tip = assessed("He hurts himself and has thoughts of suicide")
    page = Escalation.objects.get(tip=tip)
    taking.mark_opened(Case.objects.get(tip=tip), by=ada[0], now=noon)
    Escalation.objects.update(urgency="urgent")
    Assessment.objects.update(urgency="urgent")
    Case.objects.update(urgency="urgent")
    now_says("imminent")

    sort()

    again = Escalation.objects.get(tip=tip)
    assert (again.pk, again.state, again.urgency, again.ended_by) == (page.pk, "open", "imminent", None)
    assert (again.step, again.loop) == (0, page.loop + 1)


def test_what_a_person_corrected_stays_as_they_said(assessed, now_says, sort, ada, adas, noon):
    tip = assessed()
    case = Case.objects.get(tip=tip)
    Correction.objects.create(program=case.program, case=case, by=ada[0], number=1, sealed=b"-")
    now_says("imminent", "weapons")

    job = sort()

    case.refresh_from_db()
    assert case.urgency != "imminent"
    assert job.raised == 0
    assert not Escalation.objects.exists()
    assert said(tip, adas())["level"] == "imminent"
    # Nothing to be made good, and nothing more to say the next time.
    Case.objects.update(status="new", taken_by=None)
    assert not reconcile.repair(noon)
    assert sort().raised == 0
    assert AuditEntry.objects.filter(event="reassessed").count() == 1


def test_closed_tips_are_left_alone(assessed, now_says, sort):
    tip = assessed()
    other = assessed()
    Case.objects.filter(tip=tip).update(status="closed")
    now_says("imminent")

    job = sort()

    assert job.total == 1
    assert Assessment.objects.get(tip=tip).version != "model-next"
    assert Assessment.objects.get(tip=other).version == "model-next"


def test_sorted_twice_nothing_more_happens(assessed, now_says, sort):
    assessed()
    now_says("urgent", "weapons")
    sort()
    notes, entries = Notification.objects.count(), AuditEntry.objects.count()
    page = Escalation.objects.get()

    assert sort().raised == 0

    assert (Notification.objects.count(), AuditEntry.objects.count()) == (notes, entries)
    assert Escalation.objects.get().loop == page.loop


def test_a_follow_up_is_sorted_too_and_raises_its_conversation(
    program, send, tip_of, assessed, now_says, sort, adas, noon
):
    from intake import actions as street
    from intake.message import Message

    done = send(QUIET)
    root = tip_of(done)
    actions.assess_due(root.due.pk)
    more = Message("And more of them")
    street.follow_up(program, done.phrase, more, channel="web", key="a-key-of-22-characters-1", now=noon)
    follow = Tip.objects.get(follows=root)
    actions.assess_due(follow.due.pk)
    Assessment.objects.filter(tip=root).update(urgency="imminent")
    now_says("urgent", "weapons")

    sort()

    assert Escalation.objects.get().tip_id == follow.pk
    entries = AuditEntry.objects.filter(event="reassessed", tip=root)
    assert entries.exists()
    key = opening.data_keys([root], adas())[root.pk]
    assert all(chain.text_of(entry, tip=root, data_key=key) for entry in entries)


def test_which_tip_it_is_like_is_kept(assessed, now_says, sort, adas):
    tip = assessed()
    key = opening.data_keys([tip], adas())[tip.pk]
    before = opening.thought(tip, Assessment.objects.get(tip=tip), key)
    now_says("urgent")

    sort()

    after = opening.thought(tip, Assessment.objects.get(tip=tip), key)
    assert (after.quarter, after.channel, after.like) == (before.quarter, before.channel, before.like)
    assert after.urgency == "urgent"


def test_one_that_takes_too_long_is_left_as_it_was(assessed, sort, monkeypatch):
    tip = assessed()

    def slow(message):
        raise reassess.limits.TooSlow

    monkeypatch.setattr(assess, "judge", slow)

    job = sort()

    assert (job.finished, job.broken) == (True, 1)
    assert Assessment.objects.get(tip=tip).version != "model-next"


def test_the_command_asks_for_it_without_a_key(assessed, capsys):
    assessed()
    assessed(insider=True)

    call_command("reassess")

    assert Job.objects.filter(kind=JobKind.REASSESS, finished=False).count() == 2
    assert "waits until people who hold the keys unlock" in capsys.readouterr().out
