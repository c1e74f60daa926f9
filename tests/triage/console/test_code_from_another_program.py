"""Somebody who has words already gets a code of another program: their words open both, and nothing is lost."""

import pytest

from intake.models import ProgramKey, Purpose
from tipline.kernel import wraps
from triage.models import Grant, Invitation, Membership, PersonKey, Role
from triage.vault import keys

pytestmark = pytest.mark.django_db


@pytest.fixture
def invite(ada, other_program):
    """Give Ada a code of Lakeside, where she is a coordinator too; returns it."""
    lakeside, seeds = other_program
    Membership.objects.create(program=lakeside, user=ada.user, role=Role.COORDINATOR)

    def _invite(**how):
        wanted = keys.purposes_for(ada.user, lakeside)
        held = {each: seeds[each.purpose] for each in ProgramKey.objects.filter(program=lakeside, purpose__in=wanted)}
        return keys.invite(ada.user, lakeside, held, **how)

    return _invite


def opened(ada, *programs):
    """What Ada's own words open, program by program."""
    unlocked = keys.unlock(ada.user, ada.phrase)
    return [
        {purpose for purpose in Purpose if unlocked.program_seed(program, purpose) is not None} for program in programs
    ]


HERS = {Purpose.CONTENT, Purpose.IDENTITY}


def test_the_words_open_both_programs_and_stay_as_they_are(adas, ada, invite, program, other_program):
    before = opened(ada, program, other_program[0])
    code = invite()
    page = adas.get("/you/").content.decode()

    answer = adas.post("/you/code/", {"code": code})

    assert before == [HERS, set()]
    assert "A code from another program" in page
    assert (answer.status_code, answer["Location"]) == (302, "/start/")
    assert opened(ada, program, other_program[0]) == [HERS, HERS]
    assert not Invitation.objects.exists()
    assert "Your words open Lakeside too." in adas.get("/start/").content.decode()


def test_the_copy_that_waits_for_a_kit_stays(adas, invite):
    adas.post("/you/code/", {"code": invite(until_kit=True)})

    assert Invitation.objects.get().used


@pytest.mark.parametrize("typed", ["", "one two three four five six"])
def test_a_wrong_code_adds_nothing_and_can_be_typed_again(adas, ada, invite, program, other_program, typed):
    invite()

    answer = adas.post("/you/code/", {"code": typed})

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert opened(ada, program, other_program[0]) == [HERS, set()]
    assert not Invitation.objects.get().used


def test_guessing_is_slowed_as_at_the_first_sign_in(adas, invite):
    invite()

    said = [adas.post("/you/code/", {"code": "one two three four five six"}).content.decode() for _ in range(8)]

    assert "Too many tries" in said[-1]


def test_nobody_is_asked_for_a_code_they_do_not_have(adas):
    assert "A code from another program" not in adas.get("/you/").content.decode()
    assert adas.post("/you/code/", {"code": "one two three four five six"}).status_code == 422


def test_a_key_somebody_else_put_into_the_database_gets_nothing(ada, invite, program, other_program):
    code, thief = invite(), wraps.new_seed()
    unlocked = keys.unlock(ada.user, ada.phrase)
    PersonKey.objects.filter(user=ada.user).update(public_key=wraps.public_key(thief))

    keys.add(unlocked, code)

    lakeside = other_program[0]
    assert unlocked.program_seed(lakeside, Purpose.CONTENT) is not None
    for grant in Grant.objects.filter(program=lakeside, user=ada.user):
        with pytest.raises(keys.SealBroken):
            keys.holders.open_grant(grant, seed=thief)


def first(visitor, ada, code, **more):
    return visitor.post("/first/", {"username": ada.user.username, "code": code, **more}, secure=True)


def test_the_first_sign_in_does_not_throw_away_what_ones_words_open(visitor, ada, invite, program, other_program):
    code = invite()

    answer = first(visitor, ada, code)

    said = answer.content.decode()
    assert answer.status_code == 422
    assert "they open another program" in said
    assert 'name="lost"' in said
    assert opened(ada, program, other_program[0]) == [HERS, set()]


def test_who_lost_their_words_says_so_and_goes_on(visitor, ada, invite):
    assert first(visitor, ada, invite(), lost="yes")["Location"] == "/first/words/"


def test_who_is_of_one_program_only_is_not_asked(visitor, ada, program, seeds):
    key = ProgramKey.objects.get(program=program, purpose=Purpose.CONTENT)
    code = keys.invite(ada.user, program, {key: seeds[Purpose.CONTENT]})

    assert first(visitor, ada, code)["Location"] == "/first/words/"


def test_after_lost_words_both_programs_are_had_again(ada, invite, program, seeds, other_program):
    """New words with the code of one program, then the code of the other added to them."""
    code = invite()
    _, words = keys.accept(Invitation.objects.get(user=ada.user), code)
    held = {
        each: seeds[each.purpose]
        for each in ProgramKey.objects.filter(program=program, purpose__in=keys.purposes_for(ada.user, program))
    }
    code = keys.invite(ada.user, program, held)

    keys.add(keys.unlock(ada.user, words), code)

    ada.phrase = words
    assert opened(ada, program, other_program[0]) == [HERS, HERS]
