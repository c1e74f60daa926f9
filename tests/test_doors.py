"""What each process's PostgreSQL role is refused, and that the street door's own work passes with it."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from tipline import grants

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


REFUSED = {
    "public": [
        "SELECT sealed FROM intake_tip",
        "SELECT sealed_identity FROM intake_tip",
        "SELECT week FROM intake_tip",
        "UPDATE intake_tip SET status = 'closed'",
        "DELETE FROM intake_tip",
        "UPDATE intake_receipt SET public_key = ''",
        "DELETE FROM intake_reply",
        "INSERT INTO intake_reply DEFAULT VALUES",
        "DELETE FROM intake_wrap",
        "SELECT * FROM intake_due",
        "DELETE FROM intake_due",
        "SELECT drop_after FROM intake_submissionkey",
        "INSERT INTO intake_programkey DEFAULT VALUES",
        "INSERT INTO intake_epochkey DEFAULT VALUES",
        "UPDATE intake_program SET name = ''",
        "SELECT * FROM triage_case",
        "SELECT * FROM triage_user",
        "SELECT * FROM triage_grant",
        "SELECT * FROM triage_assessment",
        "SELECT * FROM triage_auditentry",
        "SELECT * FROM django_session",
        "CREATE TABLE mine (id int)",
        "COPY intake_program TO PROGRAM 'cat'",
    ],
    "pager": [
        "SELECT * FROM triage_pagerevent",
        "DELETE FROM triage_pagerevent",
        "SELECT * FROM triage_contact",
        "SELECT * FROM triage_notification",
        "UPDATE triage_escalation SET state = 'ended'",
        "SELECT * FROM intake_tip",
        "SELECT * FROM intake_program",
        "SELECT * FROM triage_user",
    ],
    "triage": [
        "INSERT INTO intake_tip DEFAULT VALUES",
        "DELETE FROM intake_tip",
        "SELECT * FROM triage_grant",
        "SELECT * FROM triage_personkey",
        "SELECT * FROM triage_invitation",
        "SELECT sealed FROM triage_contact",
        "SELECT lookup FROM intake_receipt",
        "SELECT * FROM intake_reply",
        "SELECT * FROM django_session",
        "UPDATE triage_auditentry SET event = ''",
        "DELETE FROM triage_auditentry",
    ],
    "page": [
        "SELECT sealed FROM intake_tip",
        "SELECT * FROM intake_wrap",
        "SELECT * FROM intake_receipt",
        "SELECT sealed FROM triage_assessment",
        "SELECT * FROM triage_correction",
        "SELECT * FROM triage_boardsheet",
        "SELECT * FROM triage_grant",
        "SELECT * FROM triage_personkey",
        "SELECT * FROM django_session",
        "DELETE FROM triage_auditentry",
    ],
    "watch": [
        "SELECT sealed FROM intake_tip",
        "SELECT * FROM intake_wrap",
        "SELECT * FROM triage_assessment",
        "SELECT * FROM triage_personkey",
        "UPDATE triage_escalation SET state = 'ended'",
        "DELETE FROM triage_notification",
    ],
    "console": [
        "INSERT INTO intake_tip DEFAULT VALUES",
        "UPDATE intake_tip SET sealed = ''",
        "DELETE FROM intake_tip",
        "DELETE FROM intake_wrap",
        "SELECT lookup FROM intake_receipt",
        "DELETE FROM intake_receipt",
        "UPDATE intake_programkey SET public_key = ''",
        "INSERT INTO intake_epochkey DEFAULT VALUES",
        "SELECT * FROM intake_due WHERE danger",
        "UPDATE triage_auditentry SET event = ''",
        "DELETE FROM triage_auditentry",
        "TRUNCATE triage_auditentry",
        "SELECT * FROM triage_pagerevent",
    ],
}


@pytest.mark.parametrize(("role", "attempts"), REFUSED.items(), ids=REFUSED)
def test_a_role_is_refused_what_is_not_its_business(connect_as, role, attempts):
    door = connect_as(role)
    allowed = []

    for attempt in attempts:
        try:
            door.execute(attempt)
            allowed.append(attempt)
        except psycopg.errors.InsufficientPrivilege:
            continue

    assert allowed == []


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
