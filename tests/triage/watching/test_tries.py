"""The tries of an hour go into the audit chain, and what is done to them afterwards shows."""

from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import connection

from tipline.kernel import times
from triage.audit import chain
from triage.models import Attempt, AuditEntry, Notification
from triage.watching import tries

pytestmark = pytest.mark.django_db


@pytest.fixture
def tried(staffed, make_page, noon):
    """Two tries in the hour of noon."""

    def _tried(now=noon):
        for note in Notification.objects.filter(escalation=make_page(now=now)):
            Attempt.objects.create(
                program=note.program,
                notification=note,
                number=1,
                provider="gateway",
                result="accepted",
                hour=times.hour(now),
            )

    _tried()
    return _tried


def test_an_hour_goes_on_record_when_it_is_over_and_only_once(tried, program, after):
    within = tries.keep(after(minutes=50))
    settling = tries.keep(after(minutes=55))
    over = [tries.keep(after(minutes=minutes)) for minutes in (60, 61, 180)]

    entry = AuditEntry.objects.get()
    assert (within, settling, over) == (0, 0, [1, 0, 0])
    assert entry.event == chain.Event.TRIES_KEPT
    assert len(entry.sealed) == 4 + 2 * tries.HASH
    assert tries.differing(program.pk) == []
    assert chain.verify(program) is None


def test_an_hour_without_a_try_makes_no_entry(program, noon, after):
    assert tries.keep(noon) == 0
    assert tries.keep(after(hours=3)) == 0
    assert not AuditEntry.objects.exists()


def test_hours_that_passed_while_nobody_watched_are_put_on_record_one_by_one(tried, program, after):
    tried(after(hours=1))
    tried(after(hours=3))

    assert tries.keep(after(hours=9)) == 3
    assert tries.differing(program.pk) == []


def test_a_try_that_was_changed_or_made_up_matches_none(tried, program, after):
    tries.keep(after(hours=2))
    one = Attempt.objects.first()
    Attempt.objects.filter(pk=one.pk).update(result="failed_for_good")
    changed = tries.differing(program.pk)
    one.pk, one.number = None, 9
    one._state.adding = True
    one.save()
    made_up = tries.differing(program.pk)

    assert [(verdict.strange, verdict.missing) for verdict in changed] == [(1, 1)]
    assert [(verdict.strange, verdict.missing) for verdict in made_up] == [(2, 1)]


def test_a_try_that_is_gone_is_counted_as_missing(tried, program, after):
    tries.keep(after(hours=2))
    Attempt.objects.first().delete()

    assert [(verdict.strange, verdict.missing) for verdict in tries.differing(program.pk)] == [(0, 1)]


def test_the_record_tells_the_hour_and_nothing_finer(tried, after):
    tries.keep(after(hours=2))

    entry = AuditEntry.objects.get()
    assert entry.hour == times.hour(after(hours=2))
    assert entry.tip_id is None
    assert entry.actor_id is None


@pytest.mark.django_db(transaction=True)
def test_the_watchers_role_can_put_them_on_record(tried, settings, after):
    call_command("grant_roles")
    owner = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}

    @contextmanager
    def as_watch():
        connection.close()
        password = (settings.SECRETS_DIR / "db_watch").read_text().strip()
        connection.settings_dict.update(USER="tipline_watch", PASSWORD=password)
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict.update(owner)

    with as_watch():
        assert tries.keep(after(hours=2)) == 1
