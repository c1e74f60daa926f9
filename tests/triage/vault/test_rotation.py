"""A program's next key: who reads what before and after it, and what the public door is told."""

from datetime import timedelta

import pytest

import intake.keys
from intake.models import ProgramKey, Purpose, Wrap
from tipline.kernel import wraps
from triage.models import AuditEntry, Grant, KeyLink, PersonKey
from triage.vault import kept, keys, rotation

pytestmark = pytest.mark.django_db

CONTENT = [Purpose.CONTENT]


@pytest.fixture
def ada(join):
    return join("Ada")


@pytest.fixture
def adas(ada):
    return keys.unlock(*ada)


def test_after_a_rotation_old_and_new_tips_are_read_by_everybody_who_held_the_key(
    program, ada, adas, join, send, tip_of, reads, noon
):
    ben = join("Ben")
    before = tip_of(send())
    rotation.rotate(program, CONTENT, by=ada[0], unlocked=adas, now=noon)
    after = tip_of(send())

    for person in (ada, ben):
        unlocked = keys.unlock(*person)
        assert reads(unlocked, before)
        assert reads(unlocked, after)


def test_tips_of_every_key_before_are_read_through_the_chain(program, ada, adas, send, tip_of, reads, noon):
    tips = []
    for _ in range(4):
        tips.append(tip_of(send()))
        rotation.rotate(program, CONTENT, by=ada[0], unlocked=adas, now=noon)

    assert all(reads(keys.unlock(*ada), tip) for tip in tips)
    assert len(keys.unlock(*ada).key_ids()) == 4 + 2


def test_an_old_private_key_opens_nothing_that_comes_after(program, ada, adas, seeds, send, tip_of, noon):
    rotation.rotate(program, CONTENT, by=ada[0], unlocked=adas, now=noon)
    tip = tip_of(send())
    wrap = Wrap.objects.get(tip=tip, purpose="content")
    retired = ProgramKey.objects.get(purpose="content", retired=True)

    assert wrap.key_id != retired.pk
    holder = wraps.Holder(program.pk, tip.pk, "content", wrap.key_id)
    with pytest.raises(keys.SealBroken):
        wraps.unwrap(bytes(wrap.sealed), seed=seeds[Purpose.CONTENT], holder=holder)


def test_a_rotation_touches_no_tip(program, ada, adas, send, noon, django_assert_num_queries):
    send()
    before = list(Wrap.objects.order_by("pk").values_list("pk", "key_id", "sealed"))
    rotation.rotate(program, CONTENT, by=ada[0], unlocked=adas, now=noon)

    assert [(pk, key, bytes(blob)) for pk, key, blob in before] == [
        (pk, key, bytes(blob)) for pk, key, blob in Wrap.objects.order_by("pk").values_list("pk", "key_id", "sealed")
    ]


def test_nobody_holds_a_retired_key_any_more(program, ada, adas, noon):
    rotation.rotate(program, CONTENT, by=ada[0], unlocked=adas, now=noon)

    assert not Grant.objects.filter(program_key__retired=True).exists()
    assert KeyLink.objects.get().newer == ProgramKey.objects.get(purpose="content", retired=False)


def test_the_new_key_is_pinned_at_once_and_the_old_one_only_until_it_is_stored(
    program, ada, adas, noon, settings, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks() as later:
        rotation.rotate(program, CONTENT, by=ada[0], unlocked=adas, now=noon)
    both = settings.KEY_PINS.read_text().splitlines()
    for each in later:
        each()
    left = settings.KEY_PINS.read_text().splitlines()

    assert len(both) == 4
    assert sorted(left) == sorted(keys.pin_lines(program))
    assert intake.keys.program_key(program, Purpose.CONTENT).retired is False


def test_a_key_put_into_the_table_is_not_pinned_by_a_rotation(program, ada, adas, noon, settings):
    ProgramKey.objects.filter(purpose="identity").update(public_key=wraps.public_key(wraps.new_seed()))
    rotation.rotate(program, CONTENT, by=ada[0], unlocked=adas, now=noon)

    with pytest.raises(intake.keys.KeyNotTrusted):
        intake.keys.program_key(program, Purpose.IDENTITY)


def test_a_public_key_changed_in_the_database_gets_no_new_key(program, ada, adas, join, noon):
    ben, _ = join("Ben")
    thief = wraps.new_seed()
    PersonKey.objects.filter(user=ben).update(public_key=wraps.public_key(thief))

    done = rotation.rotate(program, CONTENT, by=ada[0], unlocked=adas, now=noon)

    assert done[0].left_out == ("Ben",)
    assert not Grant.objects.filter(user=ben, program_key=done[0].key).exists()


def test_who_does_not_hold_a_key_cannot_rotate_it(program, ada, adas, noon):
    Grant.objects.filter(user=ada[0], program_key__purpose="oversight").delete()

    with pytest.raises(rotation.NotHeld):
        rotation.rotate(program, [Purpose.OVERSIGHT], by=ada[0], unlocked=adas, now=noon)

    assert not ProgramKey.objects.filter(retired=True).exists()
    assert not AuditEntry.objects.filter(event="key_rotated").exists()


def test_an_invitation_still_open_gets_the_new_key_too(program, ada, adas, join, seeds, send, tip_of, reads, noon):
    ben, _ = join("Ben")
    held = {key: seeds[Purpose(key.purpose)] for key in ProgramKey.objects.filter(purpose="content")}
    code = keys.invite(ben, program, held)
    rotation.rotate(program, CONTENT, by=ada[0], unlocked=adas, now=noon)
    tip = tip_of(send())

    unlocked, _ = keys.accept(ben.invitation, code)

    assert reads(unlocked, tip)


def test_the_peppers_stay_with_the_current_key(program, ada, adas, noon):
    kept.keep(program, {"vault_pepper": "one", "receipt_pepper": "two"})
    done = rotation.rotate(program, CONTENT, by=ada[0], unlocked=adas, now=noon)

    assert kept.opened(done[0].key, adas.seed_of(done[0].key.pk)) == {"vault_pepper": "one", "receipt_pepper": "two"}


def test_what_waits_to_be_wrapped_again_is_listed_with_its_key(program, ada, adas, send, noon):
    send()
    send()
    rotation.rotate(program, CONTENT, by=ada[0], unlocked=adas, now=noon)

    (waiting,) = rotation.waiting(program)

    assert waiting.wraps == 2
    assert rotation.successor(waiting.key) == ProgramKey.objects.get(purpose="content", retired=False)
    assert set(rotation.wraps_under(waiting.key)) == set(Wrap.objects.filter(purpose="content"))


def test_a_retired_key_is_forgotten_only_when_nothing_is_left_under_it(program, ada, adas, send, noon):
    send()
    rotation.rotate(program, CONTENT, by=ada[0], unlocked=adas, now=noon)
    old = ProgramKey.objects.get(retired=True)
    later = noon.date() + timedelta(days=2)

    assert not rotation.forget(old, today=later)
    Wrap.objects.filter(key_id=old.pk).delete()
    assert not rotation.forget(old, today=noon.date())
    assert rotation.forget(old, today=later)
    assert not KeyLink.objects.exists()


def test_a_key_on_the_way_to_an_older_one_is_not_forgotten_before_it(program, ada, adas, send, noon):
    send()
    for _ in range(2):
        rotation.rotate(program, CONTENT, by=ada[0], unlocked=adas, now=noon)
    middle = KeyLink.objects.get(newer__retired=True).newer

    assert not rotation.forget(middle, today=noon.date() + timedelta(days=2))
