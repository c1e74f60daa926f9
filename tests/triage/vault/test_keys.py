"""Program keys, invitations, pass phrases and grants."""

from uuid import uuid4

import pytest

from intake.models import ProgramKey, Purpose
from intake.sealed import public_key
from tipline.kernel import wraps
from triage.models import Grant, Invitation, PersonKey, User
from triage.vault import keys, phrases
from triage.vault.stretching import Cost

pytestmark = pytest.mark.django_db


@pytest.fixture
def invited(program, seeds):
    """A person invited to hold every key of the program, with their one-time code."""
    user = User.objects.create_user("ada", name="Ada")
    held = {ProgramKey.objects.get(program=program, purpose=purpose): seed for purpose, seed in seeds.items()}
    code = keys.invite(user, program, held)
    return user, code


def test_a_code_and_a_pass_phrase_are_six_words_of_the_list(invited):
    _, code = invited

    assert len(code.split()) == len(phrases.generate().split()) == 6
    assert phrases.generate() != phrases.generate()


def test_accepting_gives_every_invited_key_and_uses_the_invitation_up(invited, program, seeds):
    user, code = invited

    unlocked, phrase = keys.accept(user.invitation, code)

    assert {purpose: unlocked.program_seed(program, purpose) for purpose in Purpose} == seeds
    assert not Invitation.objects.exists()
    assert keys.unlock(user, phrase).program_seed(program, Purpose.CONTENT) == seeds[Purpose.CONTENT]


def test_an_invitation_is_accepted_once(invited):
    user, code = invited
    invitation = user.invitation
    keys.accept(invitation, code)

    with pytest.raises(keys.WrongCode):
        keys.accept(invitation, code)

    assert PersonKey.objects.count() == 1


def test_a_wrong_code_changes_nothing(invited):
    user, _ = invited

    with pytest.raises(keys.WrongCode):
        keys.accept(user.invitation, phrases.generate())

    assert Invitation.objects.count() == 1
    assert not PersonKey.objects.exists()


def test_a_code_or_phrase_may_be_typed_loosely(invited):
    user, code = invited

    invitation = keys.open_invitation("ada", "  " + code.upper().replace(" ", ",  ") + "\n")
    _, phrase = keys.accept(invitation, code)

    assert keys.unlock(user, phrase.title().replace(" ", "  ")) is not None


def test_a_wrong_pass_phrase_opens_nothing(invited):
    user, code = invited
    keys.accept(user.invitation, code)

    assert keys.unlock(user, phrases.generate()) is None


def test_the_pepper_is_needed_to_open_a_key(invited, settings):
    user, code = invited
    _, phrase = keys.accept(user.invitation, code)

    settings.VAULT_PEPPER = "another pepper of at least thirty-two characters"

    assert keys.unlock(user, phrase) is None


def test_nobody_costs_as_much_work_as_somebody(invited, monkeypatch):
    user, code = invited
    keys.accept(user.invitation, code)
    stretched = []
    real = keys.stretch
    monkeypatch.setattr(keys, "stretch", lambda *a, **k: stretched.append(k["cost"]) or real(*a, **k))

    keys.unlock(user, "wrong")
    keys.unlock(None, "wrong")
    keys.open_invitation("nobody", "wrong")

    assert stretched == [Cost.now()] * 3


def test_a_grant_moved_to_another_person_does_not_open(invited, program, seeds):
    user, code = invited
    unlocked, _ = keys.accept(user.invitation, code)
    other = User.objects.create_user("eve", name="Eve")
    Grant.objects.filter(user=user).update(user=other)

    with pytest.raises(keys.SealBroken):
        keys.Unlocked(other.pk, unlocked.seed).program_seed(program, Purpose.CONTENT)


def test_somebody_without_a_grant_gets_no_key(invited, program):
    unlocked = keys.Unlocked(uuid4(), wraps.new_seed())

    assert unlocked.program_seed(program, Purpose.CONTENT) is None
    assert unlocked.seed_of(uuid4()) is None


def test_keys_do_not_show_when_an_unlocked_key_is_printed(invited):
    user, code = invited
    unlocked, _ = keys.accept(user.invitation, code)

    shown = repr(unlocked)

    assert unlocked.seed.hex() not in shown
    assert "seed" not in shown


def test_the_pins_name_program_purpose_and_fingerprint(program, seeds):
    lines = keys.pin_lines(program)

    assert sorted(lines) == sorted(
        f"{program.pk} {purpose} {wraps.fingerprint(public_key(seed))}" for purpose, seed in seeds.items()
    )


def test_a_new_invitation_replaces_the_old_one(invited, program, seeds):
    user, old = invited
    held = {ProgramKey.objects.get(program=program, purpose=purpose): seed for purpose, seed in seeds.items()}

    new = keys.invite(user, program, held)

    assert keys.open_invitation("ada", old) is None
    assert keys.open_invitation("ada", new) is not None
