"""Saved views: filters of the board under a name, sealed, for one person and one program."""

import pytest

from intake.models import Purpose
from triage.console import saved
from triage.models import Grant, Membership, SavedViews
from triage.vault import keys, people, rotation

pytestmark = pytest.mark.django_db


def _save(client, name, **filters):
    return client.post("/views/save/", {"name": name, **filters}, follow=True)


def _views(client):
    return [(view.name, view.query) for view in client.get("/").context["views"]]


def test_a_view_stands_over_the_board_and_leads_to_its_filters(adas):
    page = _save(adas, "Night mine", level="urgent", who="mine", category="drugs")

    assert page.redirect_chain[-1][0] == "/?level=urgent&who=mine&category=drugs"
    assert _views(adas) == [("Night mine", "level=urgent&who=mine&category=drugs")]
    text = adas.get("/").content.decode()
    assert 'href="?level=urgent&amp;who=mine&amp;category=drugs">Night mine</a>' in text


def test_one_press_removes_it(adas):
    _save(adas, "Night", who="nobody")
    _save(adas, "Rink", category="drugs")

    answer = adas.post("/views/remove/", {"name": "Night", "level": "urgent"})

    assert answer["Location"] == "/?level=urgent"
    assert _views(adas) == [("Rink", "category=drugs")]
    adas.post("/views/remove/", {"name": "Rink"})
    assert not SavedViews.objects.exists()


def test_the_same_name_gets_the_new_filters(adas):
    _save(adas, "Night", who="nobody")
    _save(adas, "Night", who="mine")

    assert _views(adas) == [("Night", "who=mine")]


def test_a_name_is_short_and_plain(adas):
    for name in ("", "x" * (saved.NAME_LIMIT + 1), "<b>", "He said: tomorrow!", " "):
        _save(adas, name, who="nobody")

    assert _views(adas) == []


def test_eight_are_enough(adas):
    for number in range(saved.MOST + 1):
        last = _save(adas, f"View {number}", who="nobody")

    assert len(_views(adas)) == saved.MOST
    assert "Remove one first" in last.content.decode()


def test_what_is_no_filter_is_not_kept(adas):
    _save(adas, "Night", who="<b>", level="nonsense", next="https://elsewhere.example", undo="x")

    assert _views(adas) == [("Night", "")]


def test_nothing_of_it_stands_in_the_database_and_nothing_shows_while_locked(adas):
    _save(adas, "Trafficking", category="human_trafficking", language="tl")
    stored = bytes(SavedViews.objects.get().sealed)
    adas.post("/lock/")

    assert b"raffick" not in stored
    assert "Trafficking" not in adas.get("/").content.decode()


def test_nobody_else_sees_it(adas, bob, sign_in):
    _save(adas, "Night", who="nobody")

    assert _views(sign_in(bob)) == []


def test_it_outlives_a_change_of_the_programs_key_and_of_ones_words(adas, ada, sign_in, program, noon):
    _save(adas, "Night", who="nobody")
    unlocked = keys.unlock(ada.user, ada.phrase)
    rotation.rotate(program, [Purpose.CONTENT], by=ada.user, unlocked=unlocked, now=noon)

    assert _views(adas) == [("Night", "who=nobody")]
    _save(adas, "Rink", category="drugs")
    changed = keys.change_phrase(keys.unlock(ada.user, ada.phrase), "six other words of her own now")
    assert [view.name for view in saved.of(program, ada.user, changed)] == ["Night", "Rink"]


def test_without_a_key_nothing_is_kept_and_it_says_so(adas, ada):
    Grant.objects.filter(user=ada.user).delete()

    page = _save(adas, "Night", who="nobody")

    assert "nothing can be kept for you" in page.content.decode()
    assert not SavedViews.objects.exists()


def test_who_belongs_to_two_programs_has_views_in_each(adas, ada, other_program):
    _save(adas, "Night", who="nobody")
    lakeside, _seeds = other_program
    Membership.objects.create(program=lakeside, user=ada.user)

    adas.post(f"/start/{lakeside.pk}/")

    assert _views(adas) == []


def test_who_leaves_leaves_no_views(adas, ada, bob, sign_in, program, noon):
    _save(sign_in(bob), "Night", who="nobody")

    people.leave(program, bob.user, by=ada.user, unlocked=keys.unlock(ada.user, ada.phrase), now=noon)

    assert not SavedViews.objects.exists()
