"""Erasing: what is due goes whole, what is held or unread stays, and a file outside the database says so."""

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import UUIDField

from intake.models import Receipt, Reply, Tip, TipStatus, Wrap
from triage.audit import chain
from triage.keeping import acts, erasing, rules, tombstones
from triage.models import (
    Assessment,
    AuditEntry,
    BoardSheet,
    Case,
    Ended,
    EraseRequest,
    Erasure,
    Escalation,
    Finished,
    LegalHold,
    Notification,
    Outcome,
    PendingCheck,
    RetentionRule,
)

pytestmark = pytest.mark.django_db
KEY = b"k" * 32


@pytest.fixture(autouse=True)
def stones(settings, tmp_path):
    settings.TOMBSTONES_DIR = tmp_path / "stones"


@pytest.fixture
def closed(make_tip, assess, worker_host, staffed):
    """A case that somebody has finished with: closed("text")."""

    def make(text="They sell pills behind the rink"):
        tip = make_tip(text)
        assess(tip)
        Case.objects.filter(tip=tip).update(status="closed", unread=0)
        return Case.objects.get(tip=tip)

    return make


def age(case, days, ended=None):
    """Let days pass since it was closed."""
    erasing.erase_due(datetime.now(UTC))
    Finished.objects.filter(case=case).update(closed_on=datetime.now(UTC).date() - timedelta(days=days))


def once(now=None):
    return erasing.erase_due(now or datetime.now(UTC))


def test_a_closed_tip_whose_time_is_over_is_erased_whole_and_its_program_s_others_are_not(closed, program):
    case, other = closed(), closed("Another thing, about a boat")
    BoardSheet.objects.create(program=program, sealed=b"x")
    age(case, 730)

    made = once()

    assert [each.tip for each in made] == [case.tip_id]
    tip = Tip.objects.get(pk=case.tip_id)
    assert (tip.status, bytes(tip.sealed), bytes(tip.sealed_identity)) == (TipStatus.ERASED, b"", b"")
    for model in (Wrap, Reply, Receipt, Assessment, Escalation):
        assert not model.objects.filter(tip=tip).exists()
    assert list(Case.objects.all()) == [other]
    assert not BoardSheet.objects.exists()
    assert Wrap.objects.filter(tip=other.tip).exists()
    assert bytes(other.tip.sealed)


def test_the_day_before_its_time_nothing_is_erased(closed):
    age(closed(), 729)

    assert once() == []


def test_what_a_second_person_must_look_at_is_kept_until_they_have(closed, ada, chief, noon):
    due, asked = closed(), closed("Another thing, about a boat")
    age(due, 3650)
    checks = [
        PendingCheck.objects.create(program_id=case.program_id, case=case, did="closed", by=ada, due_at=noon)
        for case in (due, asked)
    ]

    with pytest.raises(acts.NotChecked):
        acts.ask_to_erase(asked, reason="Gone", by=ada, key=KEY, now=noon)
    EraseRequest.objects.create(program_id=asked.program_id, case=asked, asked_by=ada, agreed_by=chief)
    assert once() == []

    for check in checks:
        check.delete()
    assert {each.tip for each in once()} == {due.tip_id, asked.tip_id}


def test_follow_ups_pages_and_answers_go_with_it(send, tip_of, assess, follow_up, worker_host, staffed, program):
    done = send("He said he will bring his uncle's gun to school tomorrow")
    tip = tip_of(done)
    assess(tip)
    more = follow_up(done, "It is in his bag now")
    assess(more)
    assert Notification.objects.exists()
    intake_actions_reply = Reply.objects.create(program=program, tip=tip, number=1, sealed=b"x")
    Wrap.objects.create(program=program, reply=intake_actions_reply, purpose="content", key_id=program.pk, sealed=b"x")
    Case.objects.update(status="closed", unread=0)
    age(Case.objects.get(), 3000)

    (made,) = once()

    assert (made.messages, made.replies) == (2, 1)
    assert not any(
        model.objects.exists() for model in (Wrap, Reply, Receipt, Assessment, Case, Escalation, Notification)
    )
    assert {bytes(each.sealed) for each in Tip.objects.all()} == {b""}


def test_whatever_hangs_on_a_tip_in_any_table_has_an_id_to_be_found_by():
    hanging, todo = set(), [Tip]
    while todo:
        model = todo.pop()
        for each in model._meta.related_objects:
            if each.related_model not in hanging and each.field.db_constraint:
                hanging.add(each.related_model)
                todo.append(each.related_model)

    assert Notification in hanging
    assert all(isinstance(model._meta.pk, UUIDField) and model._meta.pk.column == "id" for model in hanging)
    # A person or a program hangs on no tip: else it would go with one.
    assert not {"user", "program", "membership", "programkey"} & {model._meta.model_name for model in hanging}
    assert hanging <= set(apps.get_models())


@pytest.mark.parametrize("fields", [{"status": "open"}, {"unread": 1}])
def test_what_is_open_or_has_a_message_nobody_read_stays(closed, fields):
    case = closed()
    age(case, 3000)
    Case.objects.filter(pk=case.pk).update(**fields)

    assert once() == []


def test_what_waits_to_be_assessed_keeps_its_conversation(closed, make_tip):
    case = closed()
    waiting = make_tip("It goes on")
    Tip.objects.filter(pk=waiting.pk).update(follows=case.tip, number=1)
    age(case, 3000)

    assert once() == []


def test_a_tip_that_is_reopened_begins_its_time_anew(closed):
    case = closed()
    age(case, 3000)
    Case.objects.filter(pk=case.pk).update(status="open")
    once()
    Case.objects.filter(pk=case.pk).update(status="closed")

    assert once() == []
    assert Finished.objects.get().closed_on == datetime.now(UTC).date()


def test_a_legal_hold_stops_the_schedule_until_it_is_lifted(closed, chief, noon):
    case = closed()
    age(case, 3000)
    acts.hold(case, reason="An appeal", by=chief, key=KEY, now=noon)

    assert once() == []
    acts.lift(case, reason="It was turned down", by=chief, key=KEY, now=noon)

    assert len(once()) == 1


def test_a_hold_is_set_once_and_its_reason_stands_sealed_in_the_record(closed, chief, noon):
    case = closed()
    acts.hold(case, reason="An appeal of the marked-word", by=chief, key=KEY, now=noon)

    with pytest.raises(acts.Held):
        acts.hold(case, reason="Again", by=chief, key=KEY, now=noon)
    entry = AuditEntry.objects.get(event=chain.Event.HELD)
    assert json.loads(chain.text_of(entry, tip=case.tip, data_key=KEY)) == {"why": "An appeal of the marked-word"}
    assert b"marked-word" not in bytes(entry.sealed)


def test_lifting_what_is_not_held_is_refused(closed, chief, noon):
    with pytest.raises(acts.NotHeld):
        acts.lift(closed(), reason="Why", by=chief, key=KEY, now=noon)


def test_two_people_erase_a_tip_before_its_time(closed, ada, chief, noon):
    case = closed()
    acts.ask_to_erase(case, reason="Sent by mistake", by=chief, key=KEY, now=noon)
    assert once() == []

    with pytest.raises(acts.NotTheSame):
        acts.agree_to_erase(case, by=chief, now=noon)
    acts.agree_to_erase(case, by=ada, now=noon)

    (made,) = once()
    assert (made.asked_by, made.agreed_by) == (chief, ada)


def test_the_database_itself_refuses_one_person_as_two(closed, chief, program):
    with pytest.raises(IntegrityError), transaction.atomic():
        EraseRequest.objects.create(program=program, case=closed(), asked_by=chief, agreed_by=chief)


def test_an_open_tip_cannot_be_asked_away_and_a_held_one_neither(closed, chief, noon):
    case = closed()
    Case.objects.filter(pk=case.pk).update(status="open")
    with pytest.raises(acts.NotClosed):
        acts.ask_to_erase(case, reason="x", by=chief, key=KEY, now=noon)
    Case.objects.filter(pk=case.pk).update(status="closed")
    acts.hold(case, reason="x", by=chief, key=KEY, now=noon)
    with pytest.raises(acts.Held):
        acts.ask_to_erase(case, reason="x", by=chief, key=KEY, now=noon)


def test_a_hold_ends_a_wish_to_erase(closed, chief, ada, noon):
    case = closed()
    acts.ask_to_erase(case, reason="x", by=chief, key=KEY, now=noon)
    acts.hold(case, reason="x", by=ada, key=KEY, now=noon)

    with pytest.raises(acts.NothingAsked):
        acts.agree_to_erase(case, by=ada, now=noon)


def test_taking_a_wish_back_keeps_the_tip(closed, chief, ada, noon):
    case = closed()
    acts.ask_to_erase(case, reason="x", by=chief, key=KEY, now=noon)
    acts.withdraw(case, by=ada, now=noon)

    assert once() == []
    with pytest.raises(acts.NothingAsked):
        acts.withdraw(case, by=ada, now=noon)


def test_the_certificate_names_the_day_the_last_copy_ends_and_keeps_the_hour_alone(closed):
    age(closed(), 3000)

    (made,) = once()

    today = datetime.now(UTC).date()
    assert made.last_copy_on - today == rules.WRAPS_KEPT
    assert (made.hour.minute, made.hour.second, made.hour.microsecond) == (0, 0, 0)


def test_erasing_stands_in_the_record_and_the_record_still_fits(closed, program):
    age(closed(), 3000)
    once()

    assert AuditEntry.objects.filter(event=chain.Event.ERASED).count() == 1
    assert chain.verify(program) is None


def test_a_follow_up_that_was_on_its_way_meanwhile_is_kept_and_erased_in_its_own_time(closed, make_tip, assess):
    case = closed()
    age(case, 3000)
    once()
    late = make_tip("It goes on")
    Tip.objects.filter(pk=late.pk).update(follows=case.tip, number=1)
    assess(late)
    new = Case.objects.get()
    assert (new.tip_id, bytes(Tip.objects.get(pk=late.pk).sealed) != b"") == (case.tip_id, True)
    Case.objects.update(status="closed", unread=0)
    age(new, 3000)

    once()

    assert not Case.objects.exists()
    assert Erasure.objects.get().case == new.pk
    assert bytes(Tip.objects.get(pk=late.pk).sealed) == b""


def test_how_it_was_closed_says_how_long_it_is_kept(closed):
    spam, kept = closed(), closed("Another thing, about a boat")
    Case.objects.filter(pk=spam.pk).update(outcome=Outcome.SPAM)
    Case.objects.filter(pk=kept.pk).update(outcome=Outcome.PASSED_ON)
    once()
    Finished.objects.update(closed_on=datetime.now(UTC).date() - timedelta(days=30))

    (made,) = once()

    assert (made.case, made.ended) == (spam.pk, Ended.SPAM)
    (coming,) = rules.coming(kept.program, [Case.objects.get()], datetime.now(UTC).date())
    assert (coming.ended, coming.day - datetime.now(UTC).date()) == (Ended.PASSED_ON, timedelta(days=5 * 365 - 30))


def test_each_way_to_close_a_tip_has_a_line_in_the_schedule():
    assert set(Outcome.values) | {""} == set(Ended.values)


def test_a_program_gets_the_schedule_of_the_house_and_may_change_it(program, noon, chief):
    once()
    assert rules.days(program)["spam"] == 30
    assert rules.days(program)["unfounded"] == 730
    assert rules.days(program)["passed_on"] == 5 * 365
    assert set(rules.days(program)) == set(Ended.values)

    assert acts.set_schedule(program, {Ended.SPAM: 7}, by=chief, now=noon)
    once()

    assert rules.days(program)["spam"] == 7
    assert not acts.set_schedule(program, {Ended.SPAM: 7}, by=chief, now=noon)


@pytest.mark.parametrize("days", [0, 3651])
def test_a_schedule_of_no_day_or_of_more_than_ten_years_is_refused(program, days):
    with pytest.raises(ValueError, match="3,650"):
        rules.set_days(program, Ended.SPAM, days)
    with pytest.raises(IntegrityError), transaction.atomic():
        RetentionRule.objects.create(program=program, ended=Ended.SPAM, days=days)


def test_what_was_erased_is_written_outside_the_database_once(closed):
    age(closed(), 3000)
    (made,) = once()

    assert (erasing.mirror(), erasing.mirror()) == (1, 0)
    (stone,) = tombstones.read(tombstones.path())
    assert (stone.tip, stone.case, stone.last_copy_on) == (made.tip, made.case, made.last_copy_on)
    assert tombstones.path().stat().st_mode & 0o027 == 0


def test_a_line_cut_short_by_a_crash_hides_no_other(closed):
    age(closed(), 3000)
    once()
    erasing.mirror()
    whole = tombstones.path().read_text()
    tombstones.path().write_text(whole + '{"v": 1, "id": "3')
    tombstones.append([whole.strip()])

    assert len(tombstones.read(tombstones.path())) == 1


def test_a_line_that_is_not_ours_is_named():
    tombstones.append(['{"v": 2}'])

    with pytest.raises(tombstones.BrokenStone, match="Line 2"):
        tombstones.read(tombstones.path())


def test_a_copy_from_before_forgets_again_what_was_erased_and_has_its_certificate_back(closed):
    case = closed()
    age(case, 3000)
    saved = transaction.savepoint()
    (made,) = once()
    erasing.mirror()
    # As a restored copy: the tip is there again, and nothing says that it was erased.
    transaction.savepoint_rollback(saved)
    assert bytes(Tip.objects.get(pk=case.tip_id).sealed)

    again = erasing.erase_again(tombstones.read(tombstones.path()))

    assert again == 1
    assert bytes(Tip.objects.get(pk=case.tip_id).sealed) == b""
    assert not Wrap.objects.exists()
    assert Erasure.objects.get().last_copy_on == made.last_copy_on
    assert erasing.erase_again(tombstones.read(tombstones.path())) == 0


def test_the_watch_does_it_every_five_minutes(closed):
    seconds = [0.0]
    part = erasing.Erasing(monotonic=lambda: seconds[0])
    part.look(datetime.now(UTC))
    age(closed(), 3000)

    part.look(datetime.now(UTC))
    assert not Erasure.objects.exists()
    seconds[0] += erasing.EVERY
    part.look(datetime.now(UTC))

    assert Erasure.objects.get().mirrored


@pytest.mark.django_db(transaction=True)
def test_the_watch_erases_what_is_due_with_the_rights_of_its_role_and_nobody_else_may(closed, settings):
    case, other = closed(), closed("Another thing, about a boat")
    age(case, 3000)
    call_command("grant_roles")
    found = connection.settings_dict

    def as_role(role):
        password = (settings.SECRETS_DIR / f"db_{role}").read_text().strip()
        return psycopg.connect(
            host=found["HOST"], port=found["PORT"], dbname=found["NAME"], user=f"tipline_{role}", password=password,
            autocommit=True,
        )  # fmt: skip

    for role in ("public", "pager", "console", "triage", "page", "custodian"):
        with as_role(role) as door, pytest.raises(psycopg.errors.InsufficientPrivilege):
            door.execute("SELECT triage_erase_due(50)")
    with as_role("watch") as door:
        for inner in ("triage_empty_tip(gen_random_uuid())", "triage_drop_hanging('intake_tip'::regclass, '{}')"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                door.execute(f"SELECT {inner}")
        gone = door.execute("SELECT triage_erase_due(50)").fetchall()
        door.execute("SELECT id, tip, mirrored FROM triage_erasure")
        door.execute("UPDATE triage_erasure SET mirrored = true")

    assert len(gone) == 1
    assert list(Case.objects.all()) == [other]
    assert not LegalHold.objects.exists()
