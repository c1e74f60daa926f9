"""Letting people in, lost pass phrases, and leaving."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from intake.models import ProgramKey, Purpose
from triage.models import AuditEntry, Contact, Grant, Invitation, Membership, OnCall, PersonKey, Role, User
from triage.vault import keys, people, phrases

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(join):
    return join("Ada")


@pytest.fixture
def adas(ada):
    return keys.unlock(*ada)


@pytest.fixture
def let_in(program, ada, adas, noon):
    def _let_in(name="Ben", role=Role.COORDINATOR, identity=True, now=noon):
        return people.let_in(
            program, username=name.lower(), name=name, role=role, identity=identity, by=ada[0], unlocked=adas, now=now
        )

    return _let_in


@pytest.fixture
def leave(program, ada, adas, noon):
    def _leave(user, by=None, unlocked=None):
        return people.leave(program, user, by=by or ada[0], unlocked=unlocked or adas, now=noon)

    return _leave


def _held(user):
    return set(Grant.objects.filter(user=user).values_list("program_key__purpose", flat=True))


def test_who_is_let_in_reads_what_came_before_and_after(let_in, send, tip_of, reads, noon):
    before = tip_of(send())
    ben, code = let_in()
    unlocked, _ = keys.accept(ben.invitation, code, now=noon)

    assert reads(unlocked, before)
    assert reads(unlocked, tip_of(send()))
    assert AuditEntry.objects.filter(event="let_in").count() == 1


@pytest.mark.parametrize("identity", [True, False])
def test_the_inviter_chooses_whether_details_may_be_opened(let_in, noon, identity):
    ben, code = let_in(identity=identity)
    keys.accept(ben.invitation, code, now=noon)

    assert _held(ben) == ({"content", "identity"} if identity else {"content"})


def test_a_key_the_inviter_does_not_hold_cannot_be_given(let_in, program, adas):
    with pytest.raises(people.NotHeld):
        let_in("Eve", role=Role.OVERSIGHT)

    assert not User.objects.filter(username="eve").exists()
    assert Role.OVERSIGHT not in people.roles_to_give(program, adas, giver=Role.COORDINATOR)


def test_a_code_is_good_for_three_days(let_in, noon):
    ben, code = let_in()

    assert keys.open_invitation("ben", code, now=noon + timedelta(days=2)) is not None
    assert keys.open_invitation("ben", code, now=noon + timedelta(days=3)) is None
    with pytest.raises(keys.WrongCode):
        keys.accept(ben.invitation, code, now=noon + timedelta(days=3))


def test_a_withdrawn_code_opens_nothing_and_its_person_is_gone(let_in, program, ada, adas, noon):
    ben, code = let_in()
    people.withdraw(program, ben, by=ada[0], unlocked=adas, now=noon)

    assert keys.open_invitation("ben", code, now=noon) is None
    assert not Membership.objects.filter(user=ben).exists()
    assert not User.objects.get(pk=ben.pk).is_active


def test_a_sign_in_name_is_never_given_twice(let_in, leave):
    ben, _ = let_in()
    leave(ben)

    with pytest.raises(people.NameTaken):
        let_in("BEN".title())


def test_a_lost_pass_phrase_is_replaced_by_a_colleagues_code(program, ada, adas, join, send, tip_of, reads, noon):
    ben, old = join("Ben")
    tip = tip_of(send())
    code = people.new_code(program, ben, by=ada[0], unlocked=adas, now=noon)
    unlocked, new = keys.accept(ben.invitation, code, now=noon)

    assert reads(unlocked, tip)
    assert keys.unlock(ben, old) is None
    assert keys.unlock(ben, new) is not None


def test_nobody_gives_themselves_a_code_or_lets_themselves_go(program, ada, adas, leave, noon):
    with pytest.raises(people.NotOneself):
        people.new_code(program, ada[0], by=ada[0], unlocked=adas, now=noon)
    with pytest.raises(people.NotOneself):
        leave(ada[0])


def test_a_new_code_never_throws_the_last_copy_of_a_key_away(program, ada, adas, join, noon):
    chair, phrase = join("Chair", "oversight")

    with pytest.raises(people.LastHolder) as refused:
        people.new_code(program, chair, by=ada[0], unlocked=adas, now=noon)

    assert refused.value.purpose == "oversight"
    assert keys.unlock(chair, phrase).program_seed(program, "oversight") is not None


def test_the_last_holder_cannot_leave_without_a_successor(leave, join):
    chair, _ = join("Chair", "oversight")

    with pytest.raises(people.LastHolder):
        leave(chair)

    join("Second", "oversight")
    with pytest.raises(people.NotHeld):
        leave(chair)
    assert User.objects.get(pk=chair.pk).is_active


def test_a_chair_is_let_go_by_another_chair(leave, join, send, tip_of, reads, program):
    chair, phrase = join("Chair", "oversight")
    second = join("Second", "oversight")
    old = keys.unlock(chair, phrase)
    left = leave(chair, by=second[0], unlocked=keys.unlock(*second))
    tip = tip_of(send("about the sergeant", insider=True))

    assert set(left.rotated) == {Purpose.OVERSIGHT, Purpose.IDENTITY}
    assert reads(keys.unlock(*second), tip)
    assert not reads(old, tip)


def test_a_first_code_not_used_yet_holds_its_key_through_rotations(program, seeds, join, leave, noon):
    chair = User.objects.create_user("chair", name="Chair")
    Membership.objects.create(program=program, user=chair, role="oversight")
    wanted = ProgramKey.objects.filter(purpose__in=["oversight", "identity"])
    code = keys.invite(chair, program, {key: seeds[Purpose(key.purpose)] for key in wanted}, until_kit=True)
    ben, _ = join("Ben")
    leave(ben)

    unlocked, _ = keys.accept(chair.invitation, code)

    assert unlocked.program_seed(program, "oversight") == seeds[Purpose.OVERSIGHT]
    assert unlocked.program_seed(program, "identity") not in (None, seeds[Purpose.IDENTITY])
    assert Invitation.objects.get().used
    assert keys.open_invitation("chair", code) is None


def test_leaving_ends_everything_at_once(leave, join, program, ada):
    ben, phrase = join("Ben")
    OnCall.objects.create(program=program, user=ben, position=0)
    Contact.objects.create(program=program, user=ben, channel="sms", sealed=b"-", address_mac=b"-", active=True)
    session = SessionStore()
    session["_auth_user_id"] = str(ben.pk)
    session.create()

    left = leave(ben)

    assert set(left.rotated) == {Purpose.CONTENT, Purpose.IDENTITY}
    assert left.nobody_on_call
    assert not left.left_out
    contact = Contact.objects.get(user=ben)
    assert (contact.active, bytes(contact.sealed)) == (False, b"")
    for gone in (Grant, PersonKey, Membership, OnCall):
        assert not gone.objects.filter(user=ben).exists(), gone
    assert not Session.objects.exists()
    assert keys.unlock(User.objects.get(pk=ben.pk), phrase) is None
    assert AuditEntry.objects.filter(event="taken_off", actor=ada[0]).count() == 1


def test_a_leaver_who_kept_their_key_reads_nothing_that_comes_afterwards(leave, join, send, tip_of, reads, adas):
    ben, phrase = join("Ben")
    kept = keys.unlock(ben, phrase)
    kept.key_ids()
    kept_seeds = {key: kept.seed_of(key) for key in kept.key_ids()}
    before = tip_of(send())
    leave(ben)
    after = tip_of(send())

    # What was in their memory still opens the copy they may have made; nothing newer.
    assert set(after.wraps.values_list("key_id", flat=True)).isdisjoint(kept_seeds)
    assert not reads(keys.Unlocked(ben.pk, kept.seed), before)
    assert reads(adas, before)
    assert reads(adas, after)


def test_a_leavers_code_that_was_never_used_is_worth_nothing(let_in, leave, program, noon):
    ben, code = let_in()
    left = leave(ben)

    assert keys.open_invitation("ben", code, now=noon) is None
    assert set(left.rotated) == {Purpose.CONTENT, Purpose.IDENTITY}


def test_a_changed_pass_phrase_opens_what_the_old_one_did_and_the_old_one_nothing(ada, send, tip_of, reads):
    user, old = ada
    tip = tip_of(send())
    words = phrases.generate()
    before = PersonKey.objects.get(user=user)

    keys.change_phrase(keys.unlock(user, old), words)

    assert keys.unlock(user, old) is None
    assert reads(keys.unlock(user, words), tip)
    assert bytes(PersonKey.objects.get(user=user).public_key) != bytes(before.public_key)


def test_the_list_says_who_holds_what(program, let_in, join):
    let_in("Ben", identity=False)
    join("Chair", "oversight")

    found = {each.user.name: each for each in people.everybody(program)}

    assert found["Ada"].purposes == (Purpose.CONTENT, Purpose.IDENTITY)
    assert found["Ben"].purposes == (Purpose.CONTENT,)
    assert not found["Ben"].here
    assert found["Ben"].invitation is not None
    assert found["Chair"].purposes == (Purpose.IDENTITY, Purpose.OVERSIGHT)
