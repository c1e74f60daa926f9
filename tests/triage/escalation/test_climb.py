"""The ladder climbs until a person has opened it, and never past one who has."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from triage.escalation import engine, ladders, numbers, taking
from triage.models import (
    Case,
    CaseStatus,
    Channel,
    Contact,
    Escalation,
    EscalationState,
    LadderStep,
    LadderWho,
    Membership,
    Notification,
    NotificationState,
    OnCall,
    Role,
)

pytestmark = pytest.mark.django_db

SMS, EMAIL = Channel.SMS, Channel.EMAIL


def newest(page: Escalation) -> set[str]:
    """Who was told in the last step written."""
    last = Notification.objects.filter(escalation=page, kind="page").order_by("-loop", "-step").first()
    notes = Notification.objects.filter(escalation=page, kind="page", loop=last.loop, step=last.step)
    return {note.user.name for note in notes}


def test_the_first_on_call_is_told_at_once_by_every_channel_of_the_step(staffed, make_page, told, noon, after):
    page = make_page()

    assert told(page) == [("Ada", "email"), ("Ada", "sms")]
    assert set(Notification.objects.values_list("due_at", flat=True)) == {noon}
    assert page.next_at == after(minutes=2)


def test_nobody_is_told_before_the_step_is_due(staffed, make_page, after):
    page = make_page()

    assert engine.climb_due(after(seconds=119)) == 0
    assert newest(page) == {"Ada"}


def test_step_after_step_tells_the_next_and_then_it_starts_again(staffed, make_page, after):
    page = make_page()
    heard = []
    for minute in (2, 6, 8, 10):
        assert engine.climb_due(after(minutes=minute)) == 1
        heard.append(newest(page))

    assert heard == [{"Ben"}, {"Chief"}, {"Ada"}, {"Ben"}]
    page.refresh_from_db()
    assert (page.loop, page.step) == (1, 2)


def test_a_late_tick_climbs_one_step_and_keeps_the_distance_to_the_next(staffed, make_page, after):
    page = make_page()

    engine.climb_due(after(minutes=30))

    page.refresh_from_db()
    assert newest(page) == {"Ben"}
    assert page.next_at == after(minutes=34)


def test_a_step_that_reaches_nobody_is_skipped_at_once(make_person, make_ladder, on_call, make_page, told):
    mute, ben = make_person("Mute", sms=None, email=None), make_person("Ben")
    on_call(mute, ben)
    make_ladder((0, LadderWho.FIRST, [SMS]), (600, LadderWho.NEXT, [SMS]))

    assert told(make_page()) == [("Ben", "sms")]


def test_a_step_for_a_channel_nobody_can_send_yet_is_skipped(ada, ben, make_ladder, on_call, make_page, told):
    on_call(ada, ben)
    make_ladder((0, LadderWho.FIRST, [Channel.VOICE]), (60, LadderWho.NEXT, [SMS]))

    assert told(make_page()) == [("Ben", "sms")]


def test_with_nobody_on_call_everyone_is_told_at_once(ada, ben, make_ladder, make_page, told):
    make_ladder((0, LadderWho.FIRST, [SMS]))

    assert told(make_page()) == [("Ada", "sms"), ("Ben", "sms")]


def test_without_any_ladder_everyone_is_told_at_once(ada, ben, make_page, told):
    assert told(make_page()) == [("Ada", "email"), ("Ada", "sms"), ("Ben", "email"), ("Ben", "sms")]


def test_when_no_step_reaches_anybody_everyone_who_can_be_reached_is_told(
    make_person, make_ladder, on_call, ada, make_page, told, after
):
    on_call(make_person("Mute", sms=None, email=None))
    make_ladder((0, LadderWho.FIRST, [SMS]), (60, LadderWho.NEXT, [SMS]))

    page = make_page()

    assert told(page) == [("Ada", "email"), ("Ada", "sms")]
    assert page.next_at == after(minutes=2)


def test_where_nobody_can_be_reached_at_all_the_page_stays_due_and_says_so(program, make_page, after, caplog):
    page = make_page()

    assert "nobody_can_be_reached" in caplog.text
    assert page.state == EscalationState.OPEN
    assert page.next_at == after(minutes=2)


def test_oversight_pages_reach_oversight_people_only(make_person, ada, make_page, told, on_call):
    make_person("Chair", role=Role.OVERSIGHT)
    on_call(ada)

    assert told(make_page(oversight=True)) == [("Chair", "email"), ("Chair", "sms")]
    assert told(make_page()) == [("Ada", "email"), ("Ada", "sms")]


def test_who_has_left_is_not_told(ada, ben, make_ladder, on_call, make_page, told):
    on_call(ada, ben)
    make_ladder((0, LadderWho.EVERYONE, [SMS]))
    Membership.objects.filter(user=ada).delete()

    assert told(make_page()) == [("Ben", "sms")]


def test_a_page_runs_from_its_snapshot_whatever_becomes_of_ladder_and_rota(staffed, make_page, after):
    page = make_page()
    LadderStep.objects.all().delete()
    OnCall.objects.all().delete()

    engine.climb_due(after(minutes=2))

    assert newest(page) == {"Ben"}


def test_a_snapshot_that_cannot_be_read_still_calls_people(staffed, make_page, told, after):
    page = make_page()
    Escalation.objects.update(snapshot={"steps": [{"who": "?"}], "loop_after": "soon"})

    engine.climb_due(after(minutes=2))

    assert told(page, loop=1) == [("Ada", "email"), ("Ada", "sms")]


def test_one_page_that_fails_does_not_hold_up_the_others(staffed, make_page, after, monkeypatch):
    bad, good = make_page(), make_page()
    climb = engine.climb

    def failing(pk, case_id, now):
        if pk == bad.pk:
            raise RuntimeError
        return climb(pk, case_id, now)

    monkeypatch.setattr(engine, "climb", failing)

    assert engine.climb_due(after(minutes=2)) == 1
    assert newest(good) == {"Ben"}


def test_taken_and_not_opened_in_five_minutes_climbs_on(staffed, ada, make_page, after):
    page = make_page()
    taking.take(page.pk, by=ada, now=after(minutes=1))

    engine.climb_due(after(minutes=5))
    assert newest(page) == {"Ada"}
    engine.climb_due(after(minutes=6))

    page.refresh_from_db()
    case = Case.objects.get()
    assert newest(page) == {"Ben"}
    assert (page.state, page.taken_by) == (EscalationState.OPEN, None)
    assert (case.status, case.taken_by) == (CaseStatus.NEW, None)


def test_a_second_taking_without_opening_tells_everyone(staffed, ada, ben, make_page, after):
    page = make_page()
    taking.take(page.pk, by=ada, now=after(minutes=1))
    engine.climb_due(after(minutes=6))
    taking.take(page.pk, by=ben, now=after(minutes=7))

    engine.climb_due(after(minutes=12))

    assert newest(page) == {"Ada", "Ben", "Chief"}


def test_a_fresh_page_replaces_what_still_waits_for_the_same_person(staffed, make_page, after):
    make_page()
    Notification.objects.update(state=NotificationState.FAILED_FOR_NOW, attempts=1)

    for minute in (2, 6, 8):
        engine.climb_due(after(minutes=minute))

    waiting = Notification.objects.filter(user__name="Ada", due_at__isnull=False)
    assert {note.loop for note in waiting} == {1}
    assert set(Notification.objects.filter(user__name="Ada", loop=0).values_list("state", flat=True)) == {"superseded"}


def test_what_was_never_tried_keeps_its_place_in_the_queue(staffed, make_page, noon, after):
    make_page()
    first = set(Notification.objects.values_list("pk", flat=True))

    for minute in (2, 6, 8):
        engine.climb_due(after(minutes=minute))

    waiting = Notification.objects.filter(user__name="Ada")
    assert {(note.pk in first, note.step, note.loop, note.due_at) for note in waiting} == {(True, 0, 1, noon)}
    assert waiting.count() == 2


def test_page_numbers_roll_and_skip_those_in_use(program, make_case, noon):
    assert numbers.next_numbers(program.pk, 3) == [10, 11, 12]
    case = make_case()
    Escalation.objects.create(
        program=program,
        case=case,
        tip=case.tip,
        urgency="urgent",
        page_number=13,
        snapshot={},
        opened_at=noon,
        next_at=noon,
    )

    assert numbers.next_numbers(program.pk, 2) == [14, 15]


def test_a_number_comes_again_only_after_all_others(program):
    rolled = [number for count in (1, 7, 80, 3) for number in numbers.next_numbers(program.pk, count)]

    assert len(set(rolled[:90])) == 90
    assert rolled[90] == rolled[0]


def test_three_digits_come_when_all_two_are_in_use(program, make_case, noon):
    for number in range(10, 100):
        case = make_case()
        Escalation.objects.create(
            program=program, case=case, tip=case.tip, urgency="urgent", page_number=number,
            snapshot={}, opened_at=noon, next_at=noon,
        )  # fmt: skip

    assert numbers.next_numbers(program.pk, 2) == [100, 101]


@pytest.mark.django_db(transaction=True)
def test_two_escalators_climb_each_step_once(staffed, make_page, after):
    page = make_page()
    counts: list[bool] = []

    def work() -> None:
        try:
            counts.append(engine.climb(page.pk, page.case_id, after(minutes=2)))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counts.count(True) == 1
    assert Notification.objects.filter(escalation=page, step=1).count() == 2


STEPS = st.lists(
    st.tuples(
        st.integers(0, 600),
        st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True),
        st.lists(st.sampled_from(["sms", "email", "voice"]), max_size=3, unique=True),
    ),
    min_size=1,
    max_size=5,
)


@given(steps=STEPS, loop_after=st.integers(0, 300), ticks=st.lists(st.floats(0.1, 900), max_size=12))
@pytest.mark.django_db
def test_whatever_the_ladder_a_running_page_is_always_due_and_never_spins(steps, loop_after, ticks):
    """A model of the climb without a database: only positions and times move."""
    from datetime import UTC, datetime

    now = datetime(2026, 3, 4, 12, tzinfo=UTC)
    snapshot = ladders.Snapshot(
        steps=[
            ladders.Step(after=after, people=people, channels=channels)
            for after, people, channels in sorted(steps, key=lambda step: step[0])
        ],
        loop_after=loop_after,
        everyone=["a", "b", "c"],
    )
    page = Escalation(snapshot=snapshot, step=0, loop=0, next_at=now)
    started, loops = now, 0
    for wait in ticks:
        now += timedelta(seconds=wait)
        while page.next_at <= now:
            before = page.loop
            engine._step_past(page, snapshot, now)
            assert page.next_at >= now
            assert 0 <= page.step < len(snapshot["steps"])
            loops += page.loop - before
    assert loops <= (now - started).total_seconds() / engine.SHORTEST_LOOP + 1


def test_a_contact_switched_off_is_not_told(staffed, ada, make_page, told):
    Contact.objects.filter(user=ada, channel=SMS).update(active=False)

    assert told(make_page()) == [("Ada", "email")]
