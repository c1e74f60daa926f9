"""Once a night the rows of a week are written anew together: which of them came first, and beside what, is gone."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from intake import actions as intake_actions
from intake.models import Tip
from tests.test_doors import Connect, connect_as  # noqa: F401  fixture
from triage import mixing

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = {
    "intake_tip": "id", "intake_wrap": "tip_id", "intake_receipt": "tip_id", "triage_assessment": "tip_id",
    "triage_case": "tip_id", "triage_escalation": "tip_id",
}  # fmt: skip


def order(table: str = "intake_tip", column: str = "id") -> list[tuple[str, str]]:
    """Whose row it is and the number of the transaction that wrote it, in the order the rows lie in."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column}::text, xmin::text FROM {table} WHERE {column} IS NOT NULL ORDER BY ctid")
        return cursor.fetchall()


def everything() -> list[tuple[object, ...]]:
    """All that stands in the rows, in an order of its own."""
    found = []
    with connection.cursor() as cursor:
        for table in [*TABLES, "intake_reply", "triage_notification"]:
            cursor.execute(f"SELECT row_to_json(row)::text FROM {table} row ORDER BY row.id::text")
            found += cursor.fetchall()
    return found


@pytest.fixture
def week(staffed, make_tip, assess) -> list[str]:
    """Twenty tips, each stored, assessed and paged by itself, in the order they came."""
    tips = [make_tip(f"He has the gun with him right now, number {number}") for number in range(20)]
    for tip in tips:
        assess(tip)
    return [str(tip.pk) for tip in tips]


def test_before_it_the_order_shows_and_afterwards_it_does_not(week):
    assert [tip for tip, _ in order()] == week
    assert len({number for _, number in order()}) == 20

    assert mixing.mix() == 20

    assert len({number for _, number in order()}) == 1
    assert [tip for tip, _ in order()] != week


def test_all_that_belongs_to_a_tip_is_mixed_with_it(week):
    mixing.mix()
    running = {tip for tip, _ in order("triage_escalation", "tip_id")}

    for table, column in TABLES.items():
        rows = order(table, column)
        assert rows, table
        if table != "triage_escalation":
            assert len({number for _, number in rows}) == 1, table
    # A page that is open is worked on every second; it is mixed when it is over.
    assert len(running) == 20
    with connection.cursor() as cursor:
        cursor.execute("UPDATE triage_escalation SET state = 'ended', next_at = NULL")
    Tip.objects.filter(pk=week[0]).update(status="opened")
    mixing.mix()
    assert len({number for _, number in order("triage_escalation", "tip_id")}) == 1


def test_nothing_that_stands_in_a_row_changes(week):
    intake_actions.reply(Tip.objects.get(pk=week[0]), "Which entrance does he use? " * 200)
    before = everything()

    mixing.mix()

    assert everything() == before


def test_a_week_in_which_nothing_was_written_is_left_alone(week):
    mixing.mix()
    before = order()

    assert mixing.mix() == 0
    assert order() == before


def test_no_more_are_taken_than_was_said(week):
    assert mixing.mix(5) == 5


def test_who_is_worked_on_is_left_for_another_night(week, settings):
    import psycopg

    found = connection.settings_dict
    password = (settings.SECRETS_DIR / "db_owner").read_text().strip()
    told = {"host": found["HOST"], "port": found["PORT"], "dbname": found["NAME"], "user": "tipline_owner"}
    with psycopg.connect(**told, password=password) as busy:
        busy.execute("SELECT 1 FROM intake_tip WHERE id = %s FOR UPDATE", [week[0]])
        assert mixing.mix() == 19

    assert mixing.mix() == 20


def test_it_happens_once_a_night(monkeypatch):
    done = []
    monkeypatch.setattr(mixing, "mix", lambda: done.append(True))
    nightly, moment = mixing.Nightly(), datetime(2026, 3, 4, 0, 0, 30, tzinfo=UTC)
    for _ in range(48 * 60):
        nightly(moment)
        moment += timedelta(minutes=1)

    assert len(done) == 2


def test_the_triage_role_may_and_no_other_door(week, connect_as: Connect):  # noqa: F811
    import psycopg

    assert connect_as("triage").execute("SELECT triage_mix_rows(100)").fetchone() == (20,)
    for role in ("public", "pager", "console", "page", "watch", "custodian"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connect_as(role).execute("SELECT triage_mix_rows(100)")
