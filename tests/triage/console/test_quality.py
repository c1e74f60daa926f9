"""The quality sample: drawn by chance, read by a person, counted without a word of a tip."""

import json
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from triage.audit import chain
from triage.console import labels
from triage.console.opening import data_keys
from triage.learning import quality, sampling
from triage.models import Assessment, AuditEntry, Case, PendingCheck, QualityReview

from .conftest import QUIET, WORDS

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 4)


@pytest.fixture(autouse=True)
def this_week(monkeypatch):
    """The day the tips of these tests came."""
    monkeypatch.setattr(quality, "today_of", lambda now: TODAY)


@pytest.fixture
def routine(case_of):
    """Tips that the program called routine."""

    def make(count=1, **answers):
        made = [case_of(f"{QUIET}, number {number}", **answers) for number in range(count)]
        _call_routine(made)
        return made

    return make


def _call_routine(cases):
    Case.objects.filter(pk__in=[case.pk for case in cases]).update(urgency="routine")
    Assessment.objects.filter(tip__case__in=cases).update(urgency="routine")


@pytest.fixture
def drawn(adas, routine):
    """One routine tip, drawn."""
    (case,) = routine()
    sampling.draw(TODAY)
    assert QualityReview.objects.get().case == case
    return case


def _look(client, case, level, note=""):
    client.post(f"/quality/{case.pk}/open/")
    return client.post(f"/quality/{case.pk}/", {"level": level, "note": note}, follow=True)


def test_a_few_are_drawn_once_a_day(adas, ada, routine, noon):
    routine(8)
    daily = sampling.Daily()

    for _ in range(2):
        sampling.draw(TODAY)
        daily(noon)
    first = set(QualityReview.objects.values_list("case", flat=True))
    board = adas.get("/").content.decode()
    sampling.draw(TODAY + timedelta(days=1))

    assert len(first) == sampling.A_DAY
    assert QualityReview.objects.count() == 8
    assert "5 routine tips wait for a second look." in board


def test_only_what_the_program_called_routine_is_drawn(adas, case_of, urgent):
    case_of(QUIET)
    # That a person lowered it does not make it the program's routine.
    Assessment.objects.filter(urgency="routine").update(urgency="priority")
    Case.objects.update(urgency="routine")

    sampling.draw(TODAY)

    assert not QualityReview.objects.exists()


def test_what_came_longer_ago_is_not_drawn(ada, routine, noon):
    routine()

    sampling.draw(TODAY + timedelta(days=22))

    assert not QualityReview.objects.exists()


def test_closed_tips_are_drawn_as_well(ada, routine, noon):
    (case,) = routine()
    Case.objects.update(status="closed")

    sampling.draw(TODAY)

    assert QualityReview.objects.get().case == case


def test_who_agrees_is_counted_and_nothing_else_happens(adas, ada, drawn):
    before = adas.get(f"/quality/{drawn.pk}/").content.decode()
    adas.post(f"/quality/{drawn.pk}/open/")
    page = adas.get(f"/quality/{drawn.pk}/").content.decode()

    said = _look(adas, drawn, "routine", "Graffiti, no more").content.decode()

    assert "rink" not in before
    assert "rink" in page
    assert "Thank you. It is counted." in said
    review = QualityReview.objects.get()
    assert (review.level, review.by) == ("routine", ada.user)
    assert Case.objects.get().urgency == "routine"
    assert not Case.objects.get().corrections.exists()
    entry = AuditEntry.objects.get(event="reviewed")
    key = data_keys([drawn.tip], adas.get("/").wsgi_request.vault)[drawn.tip_id]
    assert json.loads(chain.text_of(entry, tip=drawn.tip, data_key=key))["note"] == "Graffiti, no more"
    assert b"Graffiti" not in bytes(entry.sealed)
    assert "Routine: Graffiti, no more" in adas.get(f"/tips/{drawn.pk}/").content.decode()


@pytest.mark.parametrize("closed", [False, True])
def test_a_miss_raises_the_tip_and_brings_it_back(adas, ada, drawn, closed):
    adas.post(f"/quality/{drawn.pk}/open/")
    if closed:
        Case.objects.update(status="closed", taken_by=None)

    page = _look(adas, drawn, "urgent").content.decode()

    case = Case.objects.get()
    assert (case.urgency, case.status, case.taken_by) == ("urgent", "open", ada.user)
    assert case.corrections.count() == 1
    assert "Its level is raised" in page
    assert QualityReview.objects.get().level == "urgent"


def test_a_second_look_lowers_and_closes_nothing(adas, ada, drawn):
    Case.objects.filter(pk=drawn.pk).update(urgency="urgent")

    _look(adas, drawn, "routine")

    drawn.refresh_from_db()
    assert (drawn.urgency, drawn.status) == ("urgent", "open")
    assert QualityReview.objects.get().level == "routine"
    assert not PendingCheck.objects.exists()


def test_the_miss_rate_is_shown_with_what_it_may_be_in_truth(adas, routine):
    for number, case in enumerate(routine(5)):
        sampling.draw(TODAY)
        _look(adas, case, "urgent" if number == 0 else "priority" if number == 1 else "routine")

    page = adas.get("/quality/").content.decode()

    assert "1 of 5 routine tips should have woken somebody: 20 %." in page
    assert "In truth it may be up to 62 %." in page
    assert "1 more should have been read sooner." in page
    assert "rink" not in page


def test_after_a_few_looks_nothing_is_said_yet(adas, drawn):
    _look(adas, drawn, "urgent")

    assert "too few to say anything" in adas.get("/quality/").content.decode()


def test_nothing_is_answered_unread(adas, drawn):
    answer = adas.post(f"/quality/{drawn.pk}/", {"level": "routine"})

    assert answer.status_code == 422
    assert QualityReview.objects.get().level == ""


def test_without_a_level_what_was_typed_stands_there(adas, drawn):
    adas.post(f"/quality/{drawn.pk}/open/")

    answer = adas.post(f"/quality/{drawn.pk}/", {"note": "I am not sure"})

    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Choose a level." in page
    assert "I am not sure" in page


def test_one_look_is_enough(sign_in, ada, bob, routine):
    (case,) = routine()
    adas, bobs = sign_in(ada), sign_in(bob)
    sampling.draw(TODAY)
    bobs.post(f"/quality/{case.pk}/open/")
    _look(adas, case, "routine")

    assert bobs.post(f"/quality/{case.pk}/", {"level": "urgent"}).status_code == 404
    assert QualityReview.objects.get().level == "routine"


def test_what_nobody_looked_at_is_let_go_after_a_week(ada, drawn, noon):
    later = TODAY + timedelta(days=7)

    assert len(quality.waiting(ada.user, today=TODAY)) == 1
    assert quality.waiting(ada.user, today=later) == []
    assert quality.missed(ada.user, today=later).looked == 0


def test_tips_about_our_own_people_are_looked_at_by_those_who_read_them(sign_in, ada, chair, routine):
    (case,) = routine(insider=True)
    adas, chairs = sign_in(ada), sign_in(chair)
    sampling.draw(TODAY)

    assert QualityReview.objects.get().case == case
    assert labels.reference(case.pk) in chairs.get("/quality/").content.decode()
    assert labels.reference(case.pk) not in adas.get("/quality/").content.decode()
    assert "second look" not in adas.get("/").content.decode()
    for act in ("", "open/"):
        assert adas.post(f"/quality/{case.pk}/{act}", {"level": "routine"}).status_code == 404
    assert adas.get(f"/quality/{case.pk}/").status_code == 404


def test_a_stranger_sees_and_draws_nothing_here(sign_in, stranger, drawn):
    theirs = sign_in(stranger)

    assert labels.reference(drawn.pk) not in theirs.get("/quality/").content.decode()
    assert theirs.get(f"/quality/{drawn.pk}/").status_code == 404
    assert quality.missed(stranger.user, today=timezone.now().date()).looked == 0


def test_a_level_without_a_person_cannot_be_stored(drawn):
    with pytest.raises(IntegrityError), transaction.atomic():
        QualityReview.objects.update(level="urgent", by=None)


def test_only_what_was_drawn_has_a_page(adas, urgent):
    assert adas.get(f"/quality/{urgent.pk}/").status_code == 404
    assert WORDS not in adas.get("/quality/").content.decode()
