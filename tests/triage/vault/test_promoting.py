"""Changing a role: keys given and withdrawn in one act, on record, and never so that nobody is left."""

import pytest

from intake.models import Program, ProgramKey, Purpose
from triage.escalation import contacts
from triage.models import (
    ApiToken,
    AuditEntry,
    Channel,
    Contact,
    Grant,
    Invitation,
    Membership,
    OnCall,
    PersonKey,
    Role,
    User,
)
from triage.vault import holders, keys, people, promoting

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(join):
    return join("Ada")


@pytest.fixture
def ben(join):
    return join("Ben")


@pytest.fixture
def change(program, ada, noon):
    def _change(user, role, *, identity=True, by=None):
        who, phrase = by or ada
        unlocked = keys.unlock(who, phrase)
        return promoting.change_role(program, user, role, identity=identity, by=who, unlocked=unlocked, now=noon)

    return _change


def _role(user):
    return Membership.objects.get(user=user).role


def _held(user):
    current = Grant.objects.filter(user=user, program_key__retired=False)
    return set(current.values_list("program_key__purpose", flat=True))


def _current(program):
    return set(ProgramKey.objects.filter(program=program, retired=False).values_list("pk", flat=True))


def test_a_supervisor_holds_what_a_coordinator_held_and_no_key_is_replaced(change, ben, program):
    before = _current(program)

    done = change(ben[0], Role.SUPERVISOR)

    assert (_role(ben[0]), _held(ben[0])) == ("supervisor", {"content", "identity"})
    assert _current(program) == before
    assert not done.code
    assert AuditEntry.objects.filter(event="role_changed").count() == 1


def test_an_administrator_loses_the_keys_and_the_telephone_at_once(change, ben, program, send, tip_of, reads):
    contacts.add_contact(ben[0], program, Channel.SMS, "+14165550190")
    OnCall.objects.create(program=program, user=ben[0], position=1)
    ApiToken.objects.create(
        program=program, user=ben[0], name="wall", lookup=b"l", public_key=b"p", expires_on=program.changed_on
    )
    before, old_key = _current(program), keys.unlock(*ben)

    done = change(ben[0], Role.ADMINISTRATOR)

    assert (_role(ben[0]), _held(ben[0])) == ("admin", set())
    assert len(_current(program) - before) == 2
    assert not reads(old_key, tip_of(send()))
    assert not Contact.objects.filter(user=ben[0]).exclude(active=False, sealed=b"").exists()
    assert not OnCall.objects.filter(user=ben[0]).exists()
    assert not ApiToken.objects.filter(user=ben[0]).exists()
    assert done.nobody_on_call


def test_who_stays_reads_what_came_before_and_comes_after(change, ada, ben, send, tip_of, reads):
    before = tip_of(send())
    change(ben[0], Role.ADMINISTRATOR)

    assert reads(keys.unlock(*ada), before)
    assert reads(keys.unlock(*ada), tip_of(send()))


def test_who_held_no_key_gets_a_code_and_nothing_before_it_is_used(change, join, send, tip_of, reads, noon):
    dee, _ = join("Dee", "admin")
    tip = tip_of(send())

    done = change(dee, Role.COORDINATOR)

    assert _held(dee) == set()
    unlocked, _ = keys.accept(Invitation.objects.get(user=dee), done.code, now=noon)
    assert reads(unlocked, tip)
    assert _held(dee) == {"content", "identity"}


def test_a_key_put_in_somebodys_place_is_given_nothing(change, ben, join, program):
    """Whoever can write to the database cannot have a program key sealed to a key of theirs."""
    thief, _ = join("Eve", "admin")
    Grant.objects.filter(user=ben[0], program_key__purpose="identity").delete()
    PersonKey.objects.filter(user=ben[0]).update(public_key=bytes(PersonKey.objects.get(user=thief).public_key))

    done = change(ben[0], Role.SUPERVISOR)

    assert done.code
    assert "identity" not in _held(ben[0])


def test_details_are_given_and_taken_with_the_role(change, ben):
    change(ben[0], Role.SUPERVISOR, identity=False)
    assert _held(ben[0]) == {"content"}

    change(ben[0], Role.COORDINATOR, identity=True)
    assert _held(ben[0]) == {"content", "identity"}


def test_the_last_who_reads_is_never_made_one_who_does_not(change, ada, join, program, noon):
    dee = join("Dee", "admin")

    with pytest.raises(people.LastHolder):
        change(ada[0], Role.ADMINISTRATOR, by=dee)

    chair, other = join("Chair", "oversight"), join("Member", "board")
    with pytest.raises(people.LastHolder):
        change(chair[0], Role.BOARD, by=ada)
    with pytest.raises(people.NotOneself):
        change(chair[0], Role.BOARD, by=chair)
    assert (_role(ada[0]), _role(chair[0]), _role(other[0])) == ("coordinator", "oversight", "board")


def test_nobody_crosses_the_line_to_oversight(change, ben, join):
    chair = join("Chair", "oversight")

    for role, by in ((Role.OVERSIGHT, None), (Role.OVERSIGHT, chair), (Role.AUDITOR, None)):
        with pytest.raises((people.NotTheirs, people.NotHeld)):
            change(ben[0], role, by=by)

    assert (_role(ben[0]), _held(ben[0])) == ("coordinator", {"content", "identity"})


def test_a_second_chair_becomes_the_auditor(change, join):
    chair, second = join("Chair", "oversight"), join("Second", "oversight")

    change(second[0], Role.AUDITOR, by=chair)

    assert (_role(second[0]), _held(second[0])) == ("auditor", set())


def test_a_code_is_added_to_the_words_of_somebody_who_reads_elsewhere(change, join, noon, program):
    dee, phrase = join("Dee", "admin")
    other = Program.objects.create(slug="lakeside", name="Lakeside", changed_on=noon.date())
    seeds = keys.create_program_keys(other)
    Membership.objects.create(program=other, user=dee)
    theirs = ProgramKey.objects.get(program=other, purpose=Purpose.CONTENT)
    holders.give(theirs, seeds[Purpose.CONTENT], to=PersonKey.objects.get(user=dee))

    done = change(dee, Role.COORDINATOR)
    keys.add(keys.unlock(dee, phrase), done.code, now=noon)

    assert Membership.objects.get(user=dee, program=program).role == "coordinator"
    assert Grant.objects.filter(user=dee, program=other).count() == 1
    assert Grant.objects.filter(user=dee, program=program).count() == 2


def test_who_has_not_signed_in_yet_gets_the_code_of_the_new_role(change, program, ada, noon):
    dee, first = people.let_in(
        program, username="dee", name="Dee", role=Role.BOARD, identity=False, by=ada[0],
        unlocked=keys.unlock(*ada), now=noon,
    )  # fmt: skip

    done = change(dee, Role.COORDINATOR)

    with pytest.raises(keys.WrongCode):
        keys.accept(Invitation.objects.get(user=dee), first, now=noon)
    keys.accept(Invitation.objects.get(user=dee), done.code, now=noon)
    assert _held(User.objects.get(pk=dee.pk)) == {"content", "identity"}
