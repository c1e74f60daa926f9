"""The restore drill, on a real PostgreSQL: what was erased stays erased, and what was not is there again."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from intake.models import Program, Receipt, Tip, Wrap
from tests.triage.keeping.test_erasing import age, closed, once  # noqa: F401
from triage.audit import chain
from triage.backup import making, postgres
from triage.keeping import erasing
from triage.models import AuditEntry, BoardSheet, Case, Erasure

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def places(settings, tmp_path):
    settings.TOMBSTONES_DIR = tmp_path / "stones"
    settings.BACKUP_DIR = tmp_path / "backups"
    settings.BACKUP_KEY_FILE = tmp_path / "keys" / "backup_key"


@pytest.fixture
def backup(settings):
    """Make a backup of what is there now."""

    def make(now=None):
        key = making.key_of(settings.BACKUP_KEY_FILE, make=True)
        return making.make(settings.BACKUP_DIR, key, now or datetime.now(UTC))

    return make


def restore(*arguments):
    call_command("restore", *arguments, "--overwrite")


def test_the_drill_an_erased_tip_stays_erased_and_the_other_can_be_read_again(
    closed,  # noqa: F811
    backup,
    program,
    settings,
    capsys,
):
    case, other = closed(), closed("Another thing, about a boat")
    chain.record(program, chain.Event.TIP_OPENED, tip=case.tip, now=datetime.now(UTC))
    wraps = set(Wrap.objects.filter(tip=other.tip_id).values_list("pk", flat=True))
    backup()
    age(case, 3000)
    (made,) = once()
    erasing.mirror()
    Case.objects.filter(pk=other.pk).delete()  # what is lost after the backup, and comes back with it

    restore()

    assert "Erased again: 1 tips" in capsys.readouterr().out
    gone = Tip.objects.get(pk=case.tip_id)
    assert (gone.status, bytes(gone.sealed)) == ("erased", b"")
    assert not Wrap.objects.filter(tip=gone).exists()
    assert not Receipt.objects.filter(tip=gone).exists()
    assert Case.objects.get() == other
    assert bytes(Tip.objects.get(pk=other.tip_id).sealed)
    assert set(Wrap.objects.filter(tip=other.tip_id).values_list("pk", flat=True)) == wraps
    certificate = Erasure.objects.get()
    assert certificate.last_copy_on == made.last_copy_on == datetime.now(UTC).date() + timedelta(days=35)
    assert chain.verify(program) is None
    assert AuditEntry.objects.filter(event=chain.Event.RESTORED).exists()


def test_after_it_each_role_may_do_what_it_might_before_and_no_more(program, backup, settings):
    call_command("grant_roles")

    def rights():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT grantee, table_name, column_name, privilege_type FROM information_schema.column_privileges"
                " WHERE table_schema = 'public' ORDER BY 1, 2, 3, 4"
            )
            columns = cursor.fetchall()
            cursor.execute("SELECT tablename, policyname, roles::text, qual, with_check FROM pg_policies ORDER BY 1, 2")
            policies = cursor.fetchall()
            cursor.execute(
                "SELECT proname, acl.grantee, acl.privilege_type FROM pg_proc, aclexplode(coalesce(proacl,"
                " acldefault('f', proowner))) AS acl WHERE pronamespace = 'public'::regnamespace ORDER BY 1, 2, 3"
            )
            return columns, policies, cursor.fetchall()

    before = rights()
    backup()
    restore("--no-tombstones")

    assert rights() == before


def test_a_database_with_something_in_it_is_not_overwritten_unasked(program, backup):
    backup()

    with pytest.raises(CommandError, match="--overwrite"):
        call_command("restore", "--no-tombstones")
    assert Program.objects.exists()


def test_without_the_file_of_tombstones_nothing_is_brought_back_unasked(program, backup):
    backup()

    with pytest.raises(CommandError, match="--tombstones"):
        restore()


@pytest.mark.parametrize("kind", ["wraps", "rest"])
def test_a_changed_file_changes_nothing_in_the_database(program, backup, kind):
    made = backup()
    Program.objects.update(name="What is there now")
    path = getattr(made, kind)
    blob = bytearray(path.read_bytes())
    blob[-1] ^= 1
    path.write_bytes(blob)

    with pytest.raises(CommandError, match="not brought back"):
        restore("--no-tombstones")
    assert Program.objects.get().name == "What is there now"


def test_without_the_keys_file_all_is_there_but_nothing_that_opens_a_tip(closed, backup, settings):  # noqa: F811
    case = closed()
    backup().wraps.unlink()

    with pytest.raises(CommandError, match="There is no backup"):
        restore("--no-tombstones")
    rest = next(settings.BACKUP_DIR.glob("rest-*"))
    restore(str(rest), "--without-wraps", "--no-tombstones")

    assert Case.objects.get() == case
    assert not Wrap.objects.exists()


def test_no_file_shows_anything_and_the_sheet_of_the_board_is_in_none(closed, backup, program, settings):  # noqa: F811
    closed()
    BoardSheet.objects.create(program=program, sealed=b"x")
    made = backup()
    key = making.key_of(settings.BACKUP_KEY_FILE)

    for path in (made.wraps, made.rest):
        assert program.name.encode() not in path.read_bytes()
        assert b"PGDMP" not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0
    rest, wraps = making.verified(made.rest, key, "rest"), making.verified(made.wraps, key, "wraps")
    assert set(wraps) == {postgres.WRAPS}
    assert wraps[postgres.WRAPS] == Wrap.objects.count() > 0
    assert not {postgres.WRAPS, *postgres.LEFT_OUT} & set(rest)


def test_both_files_are_of_one_moment_whatever_comes_between(send, backup, monkeypatch, settings):
    send()
    whole = postgres.dump

    def dump(snapshot, *, wraps):
        yield from whole(snapshot, wraps=wraps)
        send("Sent while the backup was made")

    monkeypatch.setattr(postgres, "dump", dump)
    made = backup()
    key = making.key_of(settings.BACKUP_KEY_FILE)

    assert making.verified(made.rest, key, "rest")["intake_tip"] == 1
    assert Tip.objects.count() == 3


def test_a_backup_that_lost_rows_is_not_called_one(send, backup, monkeypatch):
    send()
    monkeypatch.setattr(making, "verified", lambda path, key, kind: {"intake_tip": 0})

    with pytest.raises(making.NotVerified):
        backup()
    assert making.last_verified_backup() is None


def test_the_age_of_the_last_backup_is_known_as_long_as_its_files_are_there(program, backup):
    assert making.last_verified_backup() is None
    now = datetime.now(UTC)
    made = backup(now)

    assert making.last_verified_backup() == now
    made.wraps.unlink()
    assert making.last_verified_backup() is None


def test_files_of_keys_go_after_35_days_and_the_rest_stays(program, backup, settings):
    now = datetime.now(UTC)
    old, young = backup(now - timedelta(days=35)), backup(now - timedelta(days=34))

    assert making.prune(settings.BACKUP_DIR, now) == [old.wraps]
    assert (old.rest.exists(), young.wraps.exists()) == (True, True)


def test_the_command_makes_a_key_once_and_says_to_keep_it_elsewhere(program, settings, capsys):
    call_command("backup")
    first = capsys.readouterr().out
    call_command("backup")

    assert "keep a copy of it away" in first
    assert "keep a copy" not in capsys.readouterr().out
    assert settings.BACKUP_KEY_FILE.stat().st_mode & 0o077 == 0
