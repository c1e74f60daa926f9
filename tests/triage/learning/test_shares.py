"""Shares by week: what is counted, what is held back, and what is called a move."""

from datetime import UTC, date, datetime, timedelta

from triage.console.opening import Thought
from triage.learning import shares

TODAY = date(2026, 11, 24)


def thoughts(count: int, *, weeks_ago: int, categories=("drugs",), urgency="routine", judged=True) -> list[Thought]:
    quarter = datetime(2026, 11, 23, 9, 15, tzinfo=UTC) - timedelta(weeks=weeks_ago)
    return [Thought(urgency, judged, "3", categories, quarter=quarter)] * count


def line(found: shares.Drift, code: str) -> shares.Line:
    return next(each for each in (*found.levels, *found.categories) if each.code == code)


def test_a_week_begins_on_monday_and_holds_its_share():
    found = shares.counted(thoughts(15, weeks_ago=0) + thoughts(5, weeks_ago=0, categories=("fraud",)), today=TODAY)

    assert found.mondays[-1] == date(2026, 11, 23)
    assert [cell.percent for cell in line(found, "drugs").weeks] == [0, 0, 0, 0, 0, 75]
    assert line(found, "fraud").weeks[-1].percent == 25
    assert line(found, "routine").weeks[-1].percent == 100


def test_what_came_before_these_weeks_is_what_they_are_compared_with():
    found = shares.counted(thoughts(40, weeks_ago=6) + thoughts(40, weeks_ago=30, categories=("fraud",)), today=TODAY)

    assert line(found, "drugs").before == shares.Cell(40, 80)
    assert line(found, "drugs").weeks[0].whole == 0


def test_fewer_than_five_are_few_and_none_is_none():
    found = shares.counted(thoughts(4, weeks_ago=0) + thoughts(16, weeks_ago=0, categories=("fraud",)), today=TODAY)

    assert line(found, "drugs").weeks[-1].few
    assert line(found, "drugs").weeks[-1].percent == 0
    assert not line(found, "imminent").weeks[-1].few
    assert line(found, "fraud").weeks[0].few


def test_a_share_has_moved_only_where_chance_does_not_explain_it():
    usual = thoughts(90, weeks_ago=9, categories=("fraud",)) + thoughts(10, weeks_ago=9)
    more = shares.counted(usual + thoughts(40, weeks_ago=1), today=TODAY)
    same = shares.counted(
        usual + thoughts(36, weeks_ago=1, categories=("fraud",)) + thoughts(4, weeks_ago=1), today=TODAY
    )

    assert (line(more, "drugs").moved, line(more, "fraud").moved) == (1, -1)
    assert (line(same, "drugs").moved, line(same, "fraud").moved) == (0, 0)


def test_what_no_classifier_read_is_in_no_share():
    found = shares.counted(thoughts(3, weeks_ago=0, judged=False), today=TODAY)

    assert (found.whole, found.unread) == (0, 3)
    assert found.categories == ()
