"""Tips of one event: suggested by the program, put together by a person, and never out of sight for it."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from triage.audit import chain
from triage.console import labels, sheet
from triage.console.incidents_suggested import suggest
from triage.console.opening import data_keys
from triage.models import AuditEntry, Case, Escalation

from .conftest import QUIET

pytestmark = pytest.mark.django_db

THREAT = (
    "Marcus from grade eleven posted that he will bring his gun to the school tomorrow and shoot everybody "
    "in the science hallway. He showed the picture to his friends on the bus."
)
OTHER = THREAT.replace("hallway", "gym") + " At 9:40."


@pytest.fixture
def alike(case_of) -> list[Case]:
    """Two tips of one event, the second with another place and a time."""
    return [case_of(THREAT), case_of(OTHER)]


def _page(client, case):
    answer = client.get(f"/events/{case.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


def _open(client, *cases):
    for case in cases:
        assert client.post(f"/tips/{case.pk}/open/").status_code == 302


def _merge(client, *cases, **more):
    return client.post(f"/events/{cases[0].pk}/merge/", {"tip": [case.pk for case in cases], **more}, follow=True)


def _fresh(*cases):
    for case in cases:
        case.refresh_from_db()
    return cases


def test_the_board_suggests_and_puts_nothing_together(adas, alike):
    board = adas.get("/").content.decode()

    assert "2 tips may be about the same event" in board
    assert {case.incident for case in _fresh(*alike)} == {None}
    assert all(f'id="tip-{case.pk}"' in board for case in alike)


def test_many_in_an_hour_are_said_to_be_many(adas, case_of, noon):
    cases = [case_of(THREAT) for _ in range(6)]
    known = sheet.open_singly(cases, adas.get("/").wsgi_request.vault)

    [soon] = suggest(cases, known, now=noon + timedelta(minutes=20))
    [late] = suggest(cases, known, now=noon + timedelta(hours=3))
    [few] = suggest(cases[:3], known, now=noon)

    assert (soon.count, soon.burst) == (6, 6)
    assert (late.count, late.burst) == (6, 0)
    assert few.burst == 0


def test_locked_the_board_suggests_nothing(adas, alike):
    adas.post("/lock/")

    assert "may be about the same event" not in adas.get("/").content.decode()


def test_tips_of_two_events_are_not_suggested_as_one(adas, case_of):
    case_of(THREAT)
    case_of(QUIET)

    assert "may be about the same event" not in adas.get("/").content.decode()


def test_words_are_shown_only_of_tips_one_has_opened(adas, alike):
    first, second = alike
    before = _page(adas, first)
    _open(adas, first)
    half = _page(adas, first)
    adas.post(f"/events/{first.pk}/open/", {"sealed": [second.pk]})
    whole = _page(adas, first)

    assert "Marcus" not in before
    assert "science" in half
    assert "9:40" not in half
    assert "<mark>gym</mark>" in whole
    assert "<mark>hallway</mark>" in whole
    assert "<mark>Marcus" not in whole
    opened = AuditEntry.objects.filter(event="tip_opened").values_list("tip_id", flat=True)
    assert set(opened) == {first.tip_id, second.tip_id}


def test_nothing_is_put_together_that_one_has_not_opened(adas, alike):
    _open(adas, alike[0])

    assert _merge(adas, *alike).status_code == 403
    assert {case.incident for case in _fresh(*alike)} == {None}


def test_a_person_puts_tips_together_and_each_is_told_in_its_record(adas, ada, alike):
    first, second = alike
    _open(adas, *alike)
    before = [(case.status, case.urgency, case.taken_by_id) for case in _fresh(*alike)]

    page = _merge(adas, *alike).content.decode()

    assert "2 tips put together." in page
    assert first.refresh_from_db() or first.incident
    assert first.incident == second.refresh_from_db() or second.incident == first.incident
    assert [(case.status, case.urgency, case.taken_by_id) for case in alike] == before
    entry = AuditEntry.objects.get(event="merged", tip=first.tip_id)
    vault = adas.get("/").wsgi_request.vault
    key = data_keys([first.tip], vault)[first.tip_id]
    assert json.loads(chain.text_of(entry, tip=first.tip, data_key=key)) == {"with": labels.reference(second.pk)}
    assert labels.reference(second.pk).encode() not in bytes(entry.sealed)
    shown = adas.get(f"/tips/{first.pk}/").content.decode()
    assert "said that it tells of the same event" in shown
    assert "One of 2 tips about one event" in shown


def test_put_together_they_are_one_row_with_their_count(adas, alike):
    _open(adas, *alike)
    _merge(adas, *alike)

    board = adas.get("/").content.decode()

    assert "2 tips, one event" in board
    assert sum(f'id="tip-{case.pk}"' in board for case in alike) == 1
    assert "2 open tips" in board
    assert "may be about the same event" not in board


def test_a_tip_that_waits_for_a_person_keeps_its_row(adas, alike):
    _open(adas, *alike)
    _merge(adas, *alike)
    for state in ({"unread": 1}, {"unread": 0, "status": "new", "taken_by": None}):
        Case.objects.filter(pk__in=[case.pk for case in alike]).update(**state)

        board = adas.get("/").content.decode()

        assert all(f'id="tip-{case.pk}"' in board for case in alike), state


def test_a_merge_ends_no_page(adas, alike):
    _open(adas, *alike)
    # As a follow-up would, a moment later.
    Escalation.objects.update(state="open", next_at=timezone.now())

    _merge(adas, *alike)
    board = adas.get("/").content.decode()

    assert Escalation.objects.running().filter(case__in=alike).count() == 2
    assert all(f'id="tip-{case.pk}"' in board for case in alike)


def test_a_merge_can_be_undone_and_is_not_suggested_again(adas, alike):
    first, second = alike
    _open(adas, *alike)
    _merge(adas, *alike)

    page = adas.post(f"/events/{second.pk}/split/", {"from": first.pk}, follow=True).content.decode()

    assert "Taken out." in page
    assert {case.incident for case in _fresh(*alike)} == {None}
    assert "may be about the same event" not in adas.get("/").content.decode()
    assert AuditEntry.objects.filter(event="split", tip=second.tip_id).count() == 1
    again = adas.post(f"/events/{second.pk}/split/", follow=True).content.decode()
    assert "It stands in no event any more." in again


def test_taking_the_first_out_leaves_the_others_together(adas, case_of, alike):
    third = case_of(THREAT.replace("science", "north"))
    cases = [*alike, third]
    _open(adas, *cases)
    _merge(adas, *cases)

    adas.post(f"/events/{alike[0].pk}/split/")

    first, second, third = _fresh(*cases)
    assert first.incident is None
    assert second.incident == third.incident != None  # noqa: E711
    assert "may be about the same event" not in adas.get("/").content.decode()


def test_another_event_is_not_suggested_again(adas, alike):
    _open(adas, *alike)

    adas.post(f"/events/{alike[1].pk}/apart/")

    assert "may be about the same event" not in adas.get("/").content.decode()
    assert AuditEntry.objects.filter(event="said_apart").count() == 1


def test_a_later_tip_joins_the_event_by_one_tick(adas, case_of, alike):
    _open(adas, *alike)
    _merge(adas, *alike)
    third = case_of(THREAT)
    board = adas.get("/").content.decode()
    _open(adas, third)

    _merge(adas, third, event=alike[0].pk)

    assert "3 tips may be about the same event" in board
    assert len({case.incident for case in _fresh(*alike, third)}) == 1


def test_a_tip_nobody_suggested_is_found_by_its_reference(adas, case_of):
    first, second = case_of(THREAT), case_of(QUIET)
    _open(adas, first, second)
    typed = labels.reference(second.pk).lower().replace(" ", "-")

    page = adas.get(f"/events/{first.pk}/?add={typed}").content.decode()
    missed = adas.get(f"/events/{first.pk}/?add=zzzzzz").content.decode()

    assert "rink" in page
    assert "No tip called zzzzzz is here" in missed


def test_one_tick_alone_changes_nothing(adas, alike):
    _open(adas, *alike)

    assert "Nothing was changed." in _merge(adas, alike[0]).content.decode()
    assert {case.incident for case in _fresh(*alike)} == {None}


def test_tips_of_the_other_side_are_never_put_together(sign_in, ada, chair, case_of, alike):
    hidden = case_of(THREAT, insider=True)
    adas = sign_in(ada)
    _open(adas, *alike)

    assert _merge(adas, alike[0], hidden).status_code == 404
    assert adas.get(f"/events/{hidden.pk}/").status_code == 404
    assert str(hidden.pk) not in _page(adas, alike[0])
    asked = adas.get(f"/events/{alike[0].pk}/?add={labels.reference(hidden.pk)}")
    assert hidden.pk not in [one.case.pk for one in asked.context["together"].tellings]
    chairs = sign_in(chair)
    assert chairs.get(f"/events/{alike[0].pk}/").status_code == 404
    assert "may be about the same event" not in chairs.get("/").content.decode()


def test_a_stranger_finds_no_event_here(sign_in, stranger, ada, alike):
    adas = sign_in(ada)
    _open(adas, *alike)
    theirs = sign_in(stranger)

    for act in ("", "open/", "merge/", "split/", "apart/"):
        address = f"/events/{alike[0].pk}/{act}"
        assert theirs.post(address, {"tip": [case.pk for case in alike]}).status_code in (404, 405)
    assert theirs.get(f"/events/{alike[0].pk}/").status_code == 404
    assert {case.incident for case in _fresh(*alike)} == {None}


@pytest.mark.parametrize("name", ["tip", "event", "from"])
def test_an_id_that_is_none_or_nobodys_is_not_found(adas, alike, name):
    _open(adas, *alike)
    ticked = {"tip": [case.pk for case in alike]}

    for value in ("x", uuid4()):
        sent = ticked | {name: [value]}
        assert adas.post(f"/events/{alike[0].pk}/merge/", sent).status_code == 404, value


def test_locked_nothing_of_an_event_is_shown_or_done(adas, alike):
    _open(adas, *alike)
    adas.post("/lock/")

    assert "Marcus" not in adas.get(f"/events/{alike[0].pk}/").content.decode()
    adas.post(f"/events/{alike[0].pk}/merge/", {"tip": [case.pk for case in alike]})

    assert {case.incident for case in _fresh(*alike)} == {None}


def test_the_page_takes_few_queries_however_many_tips(adas, case_of, django_assert_max_num_queries):
    cases = [case_of(THREAT) for _ in range(6)]
    _open(adas, *cases)
    _page(adas, cases[0])

    with django_assert_max_num_queries(20):
        page = _page(adas, cases[0])

    assert page.count("Says nothing that the others here do not.") == 6


def test_a_reference_reads_back_to_its_id():
    for _ in range(20):
        some = uuid4()
        first, last = labels.ids_of(labels.reference(some)) or (None, None)
        assert first <= some <= last

    assert labels.ids_of("oil 123") == labels.ids_of("011123")
    assert labels.ids_of("K4M9T") is None
    assert labels.ids_of("K4M9T!") is None
