"""What is kept of a tip for a day, in the database: found again by its like, telling nobody else anything."""

from datetime import timedelta

import pytest

from intake.models import Due
from triage import actions
from triage.incidents import kin
from triage.models import Assessment, Escalation, IncidentSignature

from .test_same_event import THREAT

pytestmark = pytest.mark.django_db


@pytest.fixture
def events(staffed, worker_host, make_tip, assess):
    """Send and assess tips one after another; returns their pages."""

    def _events(*texts, **answers):
        tips = [make_tip(text, **answers) for text in texts]
        for tip in tips:
            assess(tip)
        return [Escalation.objects.filter(tip=tip).first() for tip in tips]

    return _events


def test_alike_tips_are_one_event_and_the_first_speaks_for_the_others(events):
    first, second, third = events(THREAT, "PLEASE " + THREAT, THREAT.replace("everybody", "evrybody"))

    assert {first.incident, second.incident, third.incident} == {first.incident}
    assert [page.joins for page in (first, second, third)] == [False, True, True]
    assert IncidentSignature.objects.count() == 1


def test_they_are_also_when_they_are_assessed_together(staffed, worker_host, make_tip, noon):
    tips = [make_tip(THREAT) for _ in range(3)]

    actions.assess_together([Due.objects.get(tip=tip).pk for tip in tips], now=noon)

    assert sorted(Escalation.objects.values_list("joins", flat=True)) == [False, True, True]
    assert Escalation.objects.values("incident").distinct().count() == 1


def test_a_signature_is_opened_once_by_a_process(events, monkeypatch):
    opened, open_one = [], kin._opened
    monkeypatch.setattr(kin, "_opened", lambda key, *row: opened.append(row) or open_one(key, *row))
    (first,) = events(THREAT)
    kin._memory.cache_clear()  # as in the process of another worker

    second, third = events("PLEASE " + THREAT, THREAT)

    assert first.incident == second.incident == third.incident
    assert len(opened) == 1


def test_only_so_many_signatures_stay_open(monkeypatch):
    monkeypatch.setattr(kin, "REMEMBERED", 2)
    memory: dict = {}

    for number in range(4):
        kin._remember(memory, "key", number, "opened")

    assert list(memory) == [("key", 2), ("key", 3)]


def test_another_hallway_is_of_the_event_and_pages_by_itself(events):
    first, other = events(THREAT, THREAT.replace("science", "music") + " At 9:40.")

    assert other.incident == first.incident
    assert not other.joins


def test_what_differs_is_sealed_with_the_assessment(events, opened):
    text = THREAT.replace("hallway", "gym")
    first, other = events(THREAT, text)

    found = opened(other.tip)

    assert found["like"] == str(first.tip_id)
    assert [(answer, text[start:end], kind) for answer, start, end, kind in found["differs"]] == [
        ("text", "gym", "place")
    ]
    assert "like" not in opened(first.tip)


def test_the_same_words_from_a_sender_in_danger_are_worse_and_page(events, make_tip, assess):
    mild = "Marcus has an old rifle in the locker beside the music room and shows it around"
    (first,) = events(mild)
    tip = make_tip(mild, danger="yes")

    assess(tip)

    page = Escalation.objects.get(tip=tip)
    assert not page.joins or first.urgency == page.urgency


def test_what_somebody_writes_of_their_own_life_never_joins_another(events):
    text = "I cannot do this any more and I will take all of my mother's pills tonight when she sleeps"
    pages = events(text, text)
    mine = events(THREAT, THREAT, about_me=True)

    assert [page.joins for page in pages] == [False, False]
    assert [page.joins for page in mine] == [False, False]


def test_tips_about_our_own_people_are_never_compared_with_the_others(events, make_person):
    make_person("Chair", role="oversight")
    (one,) = events(THREAT)
    (other,) = events(THREAT, insider=True)

    assert other.incident != one.incident
    assert not other.joins


def test_a_follow_up_always_pages_by_itself(events, send, tip_of, follow_up, assess, noon, worker_host):
    done = send(THREAT)
    first = tip_of(done)
    again = follow_up(done, THREAT)
    for tip in (first, again):
        assess(tip)

    assert not Escalation.objects.get(tip=again).joins


def test_once_the_pages_of_an_event_are_over_the_next_tip_pages_by_itself(events, ada, noon):
    from triage.escalation import taking

    (first,) = events(THREAT)
    taking.mark_opened(first.case, by=ada, now=noon)
    (second,) = events(THREAT)

    assert not second.joins


def test_a_signature_names_no_tip_and_no_time_but_its_day(events, noon):
    (page,) = events(THREAT)
    kept = IncidentSignature.objects.get()

    assert (kept.forget_at.minute, kept.forget_at.second) == (0, 0)
    assert kept.forget_at - noon <= kin.LIVES
    row = repr(list(IncidentSignature.objects.values_list()))
    assert page.tip_id.hex not in row.replace("-", "")
    assert bytes(page.tip_id.bytes) not in bytes(kept.sealed)
    assert len(kept.bands) == 24


def test_a_stolen_database_knows_nothing_without_the_secret_in_the_workers_memory(
    events, make_tip, assess, monkeypatch
):
    (first,) = events(THREAT)
    monkeypatch.setattr(kin.rotating, "of_the_day", lambda directory, now: bytes(32))
    tip = make_tip(THREAT)
    assess(tip)

    assert Escalation.objects.get(tip=tip).incident != first.incident


def test_signatures_are_forgotten_after_a_day(events, noon, make_tip, assess):
    events(THREAT)

    assert actions.forget_signatures(noon + timedelta(hours=22)) == 0
    assert actions.forget_signatures(noon + timedelta(hours=24)) == 1
    assert not IncidentSignature.objects.exists()


def test_where_comparing_fails_every_tip_pages_by_itself(events, monkeypatch):
    def broken(*_):
        raise RuntimeError(THREAT)

    monkeypatch.setattr(kin, "look", broken)

    pages = events(THREAT, THREAT)

    assert [page.joins for page in pages] == [False, False]
    assert Assessment.objects.filter(judged=True).count() == 2


def test_comparing_costs_one_statement_for_a_whole_batch(staffed, worker_host, make_tip, noon, monkeypatch):
    from triage import rows

    tips = [make_tip(f"{THREAT} {word}") for word in ("roof", "library", "bus")]
    asked = []
    run = rows.run
    monkeypatch.setattr(rows, "run", lambda statement, values: asked.append(statement) or run(statement, values))

    actions.assess_together([Due.objects.get(tip=tip).pk for tip in tips], now=noon)

    assert len([statement for statement in asked if "incidentsignature" in statement]) == 2
    assert (
        len([statement for statement in asked if statement.lstrip().startswith("SELECT id, program_id, incident")]) == 1
    )
