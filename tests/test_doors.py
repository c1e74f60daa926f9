"""What each process's PostgreSQL role is refused, and that the street door's own work passes with it."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from tests import refused
from tipline import grants
from triage.audit import chain
from triage.models import AuditEntry

pytestmark = pytest.mark.django_db(transaction=True)

Connect = Callable[[str], psycopg.Connection]


@pytest.fixture
def connect_as(settings) -> Iterator[Connect]:
    """Open a connection as one door's role, with the rights of the table of grants."""
    call_command("grant_roles")
    opened = []

    def _connect(role: str) -> psycopg.Connection:
        found = connection.settings_dict
        password = (settings.SECRETS_DIR / f"db_{role}").read_text().strip()
        opened.append(
            psycopg.connect(
                host=found["HOST"],
                port=found["PORT"],
                dbname=found["NAME"],
                user=f"tipline_{role}",
                password=password,
                autocommit=True,
            )
        )
        return opened[-1]

    yield _connect
    for made in opened:
        made.close()


@pytest.fixture
def tables() -> refused.Tables:
    """Every table of the database with its columns."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, array_agg(quote_ident(column_name)) FROM information_schema.columns"
            " WHERE table_schema = 'public' GROUP BY 1"
        )
        return dict(cursor.fetchall())


def tried(door: psycopg.Connection, statements: Iterable[str]) -> tuple[int, list[str]]:
    """Try each statement; returns how many were refused for want of a right, and those that were not."""
    refusals, others = 0, []
    for statement in statements:
        try:
            alone = statement.startswith(refused.ALONE)
            with nullcontext() if alone else door.transaction(force_rollback=True):
                door.execute(statement)
            others.append(statement)
        except psycopg.errors.InsufficientPrivilege:
            refusals += 1
        except psycopg.errors.FeatureNotSupported:
            # An extension that is not even installed with this server cannot be refused.
            if not statement.startswith("CREATE EXTENSION"):
                others.append(statement)
        except psycopg.Error as fault:
            others.append(f"{statement}: {type(fault).__name__}")
    return refusals, others


@pytest.mark.parametrize("role", grants.ROLES)
def test_a_role_is_refused_every_read_and_write_it_was_not_given(connect_as, tables, role):
    door = connect_as(role)

    refusals, others = tried(door, refused.attempts(grants.GRANTS.get(role, {}), tables))

    assert others == []
    assert refusals > 300


@pytest.mark.parametrize("role", grants.ROLES)
def test_a_role_is_refused_the_ways_around_the_tables(connect_as, role):
    other = "triage" if role != "triage" else "console"
    door = connect_as(role)
    names = {"{other}": other, "{database}": door.info.dbname}
    statements = [re.sub(r"{\w+}", lambda found: names[found[0]], nasty) for nasty in refused.NASTY]

    refusals, others = tried(door, statements)

    assert others == []
    assert refusals >= 30


def test_the_tries_would_find_a_right_too_many(connect_as, tables):
    door = connect_as("page")
    with connection.cursor() as cursor:
        cursor.execute("GRANT SELECT (sealed) ON intake_tip TO tipline_page")

    _, others = tried(door, refused.attempts(grants.GRANTS["page"], tables))

    assert others == ["SELECT sealed FROM intake_tip", "SELECT 1 FROM intake_tip WHERE sealed IS NULL"]


@pytest.mark.parametrize("role", ["public", "triage"])
def test_switching_row_security_off_shows_nothing_more(connect_as, send, epoch_seed, role):
    send()
    door = connect_as(role)
    door.execute("SET row_security = off")

    refusals, others = tried(door, ["SELECT id FROM intake_wrap", "SELECT id FROM intake_tip"])

    assert (refusals, others) == (2, [])


@pytest.mark.parametrize("role", grants.ROLES)
def test_a_role_does_not_read_what_others_are_asking(connect_as, role):
    other = connect_as("owner" if role != "owner" else "public")
    other.execute("SET application_name = 'the other'")
    other.execute("SELECT 'marked-word'")
    door = connect_as(role)

    seen = door.execute(
        "SELECT query, client_addr, state FROM pg_stat_activity WHERE usename <> current_user"
    ).fetchall()

    assert {query for query, *_ in seen} == {"<insufficient privilege>"}
    assert {tuple(rest) for _, *rest in seen} == {(None, None)}


@pytest.mark.parametrize("role", ["public", "page", "console", "custodian"])
def test_nobody_changes_what_stands_in_the_record(connect_as, send, tip_of, role):
    tip = tip_of(send())
    chain.record(tip.program, chain.Event.TIP_OPENED, tip=tip, now=datetime(2026, 3, 4, tzinfo=UTC))
    door = connect_as(role)

    _, others = tried(
        door,
        [
            "UPDATE triage_auditentry SET event = ''",
            "DELETE FROM triage_auditentry",
            "TRUNCATE triage_auditentry",
            "SET tipline.may_empty_audit = 'yes'; TRUNCATE triage_auditentry",
            "ALTER TABLE triage_auditentry DISABLE TRIGGER ALL",
        ],
    )

    assert others == []
    assert AuditEntry.objects.count() == 1


def test_the_street_door_sees_no_conversation_without_its_words(connect_as, send):
    send()
    door = connect_as("public")

    counts = [
        door.execute(f"SELECT count(id) FROM {table}").fetchone()[0]
        for table in ("intake_tip", "intake_receipt", "intake_reply", "intake_wrap")
    ]

    assert counts == [0, 0, 0, 0]


def test_with_its_words_it_sees_that_conversation_alone(connect_as, send, settings):
    phrase = send().phrase
    send()
    lookup = phrase.lookup(pepper=settings.RECEIPT_PEPPER.encode()).hex()
    door = connect_as("public")

    with door.transaction():
        door.execute("SELECT set_config('tipline.lookup', %s, true)", [lookup])
        inside = door.execute("SELECT count(id) FROM intake_tip").fetchone()[0]
    after = door.execute("SELECT count(id) FROM intake_tip").fetchone()[0]

    assert (inside, after) == (1, 0)


def test_a_worker_host_sees_only_wraps_made_for_worker_hosts(connect_as, send, epoch_seed):
    send()
    found = connect_as("triage").execute("SELECT DISTINCT purpose FROM intake_wrap").fetchall()

    assert found == [("epoch",)]


def test_the_console_sees_no_wrap_made_for_worker_hosts(connect_as, send, epoch_seed):
    send()
    found = connect_as("console").execute("SELECT DISTINCT purpose FROM intake_wrap ORDER BY 1").fetchall()

    assert found == [("content",), ("identity",)]


def test_every_role_named_in_the_policies_exists_in_the_table_of_grants():
    named = {role for policies in grants.POLICIES.values() for _, role, *_ in policies}

    assert named <= set(grants.GRANTS)
