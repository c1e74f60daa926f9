"""The append-only record."""

import threading

import pytest
from django.db import InternalError, ProgrammingError, close_old_connections, connection, transaction

from intake.models import Program
from tipline.kernel import sealing
from triage.audit import chain
from triage.audit.chain import Event
from triage.models import AuditEntry, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(db):
    return User.objects.create_user("ada", name="Ada")


@transaction.atomic
def _as_in_production(sql):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL tipline.may_empty_audit = 'no'")
        cursor.execute(sql)


def _without_triggers(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE triage_auditentry DISABLE TRIGGER USER")
        cursor.execute(sql, values)
        cursor.execute("ALTER TABLE triage_auditentry ENABLE TRIGGER USER")


def test_entries_are_numbered_and_hold_together(program, ada, noon):
    numbers = [chain.record(program, Event.SIGNED_IN, actor=ada, now=noon).number for _ in range(3)]

    assert numbers == [1, 2, 3]
    assert chain.verify(program) is None


def test_an_entry_keeps_the_hour_and_not_the_minute(program, ada, noon):
    chain.record(program, Event.SIGNED_IN, actor=ada, now=noon)

    hour = AuditEntry.objects.get().hour
    assert (hour.minute, hour.second, hour.hour) == (0, 0, noon.hour)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE triage_auditentry SET event = 'x'",
        "DELETE FROM triage_auditentry",
        "TRUNCATE triage_auditentry",
    ],
)
def test_no_entry_can_be_changed_or_removed(program, ada, noon, sql):
    chain.record(program, Event.SIGNED_IN, actor=ada, now=noon)

    with pytest.raises((InternalError, ProgrammingError)):
        _as_in_production(sql)

    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE triage_auditentry SET event = 'closed' WHERE number = 2",
        "UPDATE triage_auditentry SET hour = hour + interval '1 hour' WHERE number = 2",
        "UPDATE triage_auditentry SET sealed = 'x' WHERE number = 2",
        "UPDATE triage_auditentry SET actor_id = NULL WHERE number = 2",
        "DELETE FROM triage_auditentry WHERE number = 2",
    ],
)
def test_whoever_gets_round_the_trigger_breaks_the_chain(program, ada, noon, sql):
    for _ in range(3):
        chain.record(program, Event.SIGNED_IN, actor=ada, now=noon)

    _without_triggers(sql)

    assert chain.verify(program) == 2


def test_the_text_is_sealed_for_its_tip_and_entry(program, ada, noon, send, tip_of):
    tip, key = tip_of(send()), sealing.new_data_key()

    entry = chain.record(
        program, Event.IDENTITY_OPENED, actor=ada, tip=tip, text="She asked us to", data_key=key, now=noon
    )

    stored = AuditEntry.objects.get()
    assert b"She asked" not in bytes(stored.sealed)
    assert chain.text_of(stored, tip=tip, data_key=key) == "She asked us to"
    other = chain.record(program, Event.CLOSED, actor=ada, tip=tip, text="x", data_key=key, now=noon)
    other.sealed = entry.sealed
    with pytest.raises(sealing.SealBroken):
        chain.text_of(other, tip=tip, data_key=key)


def test_a_text_without_a_key_is_refused(program, ada, noon):
    with pytest.raises(ValueError, match="sealed under"):
        chain.record(program, Event.CLOSED, actor=ada, text="in clear", now=noon)

    assert not AuditEntry.objects.exists()


def test_programs_have_chains_of_their_own(program, ada, noon):
    other = Program.objects.create(slug="other", name="Other", changed_on=noon.date())
    chain.record(program, Event.SIGNED_IN, actor=ada, now=noon)

    assert chain.record(other, Event.SIGNED_IN, actor=ada, now=noon).number == 1


@pytest.mark.django_db(transaction=True)
def test_entries_appended_together_make_one_chain(program, ada, noon):
    together = threading.Barrier(4)

    def append():
        together.wait()
        for _ in range(5):
            chain.record(program, Event.SIGNED_IN, actor=ada, now=noon)
        close_old_connections()
        connection.close()

    threads = [threading.Thread(target=append) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert AuditEntry.objects.count() == 20
    assert chain.verify(program) is None
