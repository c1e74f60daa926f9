"""The page of shifts: who is on call now, the week with its gaps in red, and changing it."""

from datetime import UTC, datetime

import pytest

from triage.console import rota as page
from triage.models import Cover, Shift

pytestmark = pytest.mark.django_db

WEDNESDAY = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)  # 10:00 in Toronto


@pytest.fixture(autouse=True)
def on_wednesday(monkeypatch):
    monkeypatch.setattr(page, "database_now", lambda: WEDNESDAY)


def _put(client, person, days, starts, ends, place=0):
    return client.post(
        "/shifts/add/",
        {"person": person.user.pk, "days": days, "starts": starts, "ends": ends, "place": place},
        follow=True,
    )


def shown(client):
    return client.get("/shifts/").content.decode()


def test_the_first_shift_and_the_gaps_around_it(adas, ada):
    empty = shown(adas)
    said = _put(adas, ada, [2, 3], "22:00", "06:00").content.decode()

    assert "There are no shifts yet" in empty
    assert "Nobody is on call now" in said
    assert "Nobody is on call Wednesday 4 Mar 00:00 to Wednesday 4 Mar 22:00; then everybody is paged." in said
    assert "Nobody is on call Friday 6 Mar 06:00 to Wednesday 11 Mar 00:00" in said
    assert "22:00–24:00 Ada" in said
    assert "00:00–06:00 Ada" in said
    assert Shift.objects.count() == 2


def test_a_week_that_is_covered_has_no_gap(adas, ada, bob):
    _put(adas, ada, range(7), "08:00", "20:00")
    said = _put(adas, bob, range(7), "20:00", "08:00").content.decode()

    assert "Nobody is on call" not in said
    assert "Nobody</" not in said
    assert "<strong>Ada</strong>" in said.split("On call now")[1].split("</ol>")[0]


def test_handing_one_over_shows_and_lasts_one_day(adas, ada, bob):
    _put(adas, ada, [2], "09:00", "17:00")
    shift = Shift.objects.get()
    said = adas.post(
        "/shifts/hand-over/", {"which": f"{shift.pk}|2026-03-04", "to": bob.user.pk}, follow=True
    ).content.decode()

    assert "Bob does it" in said
    assert "09:00–17:00 Bob" in said
    assert Cover.objects.count() == 1


@pytest.mark.parametrize("which", ["", "x|y", "|", "00000000-0000-0000-0000-000000000001|2026-03-04", "a|b|c"])
def test_handing_over_nonsense_is_refused_in_words(adas, bob, which):
    said = adas.post("/shifts/hand-over/", {"which": which, "to": bob.user.pk}, follow=True).content.decode()

    assert "Choose a shift and who does it" in said
    assert not Cover.objects.exists()


def test_a_form_with_gaps_comes_back_with_what_was_typed(adas, ada):
    answer = adas.post("/shifts/add/", {"person": ada.user.pk, "starts": "22:00", "ends": "", "place": "0"})

    said = answer.content.decode()
    assert answer.status_code == 422
    assert "Choose a day or more" in said
    assert "Say when it ends" in said
    assert 'value="22:00"' in said


def test_one_that_was_taken_off_is_not_there_any_more(adas, ada):
    _put(adas, ada, [2], "09:00", "17:00")
    address = f"/shifts/{Shift.objects.get().pk}/remove/"

    first, second = (adas.post(address, follow=True) for _ in range(2))

    assert "Taken off" in first.content.decode()
    assert second.status_code == 404


def test_shifts_of_another_program_are_not_seen_and_not_changed(sign_in, adas, ada, stranger):
    _put(adas, ada, [2], "09:00", "17:00")
    theirs = sign_in(stranger)
    shift = Shift.objects.get()

    assert "Ada" not in shown(theirs)
    theirs.post(f"/shifts/{shift.pk}/remove/")
    theirs.post("/shifts/hand-over/", {"which": f"{shift.pk}|2026-03-04", "to": stranger.user.pk})
    _put(theirs, ada, [1], "09:00", "17:00")

    assert Shift.objects.get() == shift
    assert not Cover.objects.exists()


def test_who_may_not_change_them_gets_no_buttons(sign_in, adas, ada, chair):
    _put(adas, ada, [2], "09:00", "17:00")

    said = shown(sign_in(chair))

    assert "Put somebody on call" not in said
    assert "Wednesday 09:00–17:00" in said


def test_it_opens_locked(adas):
    adas.post("/lock/")

    assert adas.get("/shifts/").status_code == 200
