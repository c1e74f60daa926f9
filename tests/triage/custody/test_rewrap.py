"""After a change of keys: handed over, sealed again in batches, killed, gone on with, and the old key forgotten."""

from datetime import timedelta

import pytest

from intake import actions
from intake.models import ProgramKey, Purpose, Tip, Wrap
from tipline.kernel import wraps
from tipline.kernel.clock import database_now
from triage.custody import handing, work
from triage.custody.keeper import Keeper
from triage.models import Custodian, HandOver, Job, KeyLink
from triage.vault import keys, rotation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(work, "BATCH", 3)


def of(key: ProgramKey) -> int:
    return Wrap.objects.filter(key_id=key.pk).count()


@pytest.fixture
def ten(send, tip_of, rotate) -> tuple[list[Tip], ProgramKey]:
    """Ten tips and an answer, sealed to a key that was retired since."""
    tips = [tip_of(send(f"They sell pills behind rink {number}")) for number in range(10)]
    actions.reply(tips[0], "Thank you")
    return tips, rotate()


def test_everything_is_sealed_to_the_new_key_and_read_by_who_held_the_old(ten, keeper, adas, reads, work_on):
    tips, old = ten
    keeper.tick()
    assert handing.feed(adas(), now=database_now()) == 1

    keeper.tick()
    work_on(keeper)

    assert of(old) == 0
    assert of(rotation.successor(old)) == 11
    assert all(reads(adas(), tip) for tip in tips)
    job = Job.objects.get()
    assert (job.finished, job.done, job.total, job.broken) == (True, 11, 11, 0)


def test_a_batch_leaves_no_moment_without_a_wrap(ten, keeper, adas, reads, monkeypatch):
    tips, old = ten
    keeper.tick()
    handing.feed(adas(), now=database_now())
    keeper._take()

    def fail(name):
        raise RuntimeError(name)

    monkeypatch.setattr(work.failpoints, "reach", fail)
    with pytest.raises(RuntimeError):
        keeper._one_batch()

    assert of(old) == 11
    assert Job.objects.get().done == 0
    assert all(reads(adas(), tip) for tip in tips)


def test_another_custodian_goes_on_where_the_first_was_killed(ten, adas, work_on):
    _, old = ten
    first = Keeper()
    first.tick()
    handing.feed(adas(), now=database_now())
    first.tick()
    done = Job.objects.get().done
    assert 0 < done < 11

    second = Keeper()
    second.tick()
    assert not second._one_batch()  # it has no key: it waits for the next unlock
    handing.feed(adas(), now=database_now())
    second._take()
    work_on(second)

    assert of(old) == 0
    assert Job.objects.get().finished


def test_two_custodians_at_once_make_no_wrap_twice(ten, adas):
    _, old = ten
    both = [Keeper(), Keeper()]
    for keeper in both:
        keeper.tick()
    handing.feed(adas(), now=database_now())
    for keeper in both:
        keeper._take()
    while both[0]._one_batch() | both[1]._one_batch():
        pass

    assert of(old) == 0
    assert of(rotation.successor(old)) == 11


def test_a_tip_erased_meanwhile_does_not_come_back(ten, keeper, adas, monkeypatch):
    tips, _ = ten
    keeper.tick()
    handing.feed(adas(), now=database_now())
    keeper._take()
    current = work._current

    def erase_first(job):
        Wrap.objects.filter(tip__in=tips).delete()
        return current(job)

    monkeypatch.setattr(work, "_current", erase_first)
    while keeper._one_batch():
        pass

    assert not Wrap.objects.filter(tip__in=tips, purpose="content").exists()


def test_what_does_not_open_is_left_and_told(ten, keeper, adas, work_on):
    tips, old = ten
    Wrap.objects.filter(tip=tips[3], purpose="content").update(sealed=b"\x01\x01not a wrap")
    keeper.tick()
    handing.feed(adas(), now=database_now())
    keeper._take()
    work_on(keeper)

    job = Job.objects.get()
    assert (job.finished, job.broken) == (True, 1)
    assert of(old) == 1
    # Asked again at the next unlock, it does not begin anew for ever.
    handing.feed(adas(), now=database_now())
    assert Job.objects.get().finished


def test_nothing_is_sealed_to_a_new_key_that_is_not_pinned(ten, keeper, adas, settings):
    _, old = ten
    settings.KEY_PINS.write_text("")
    keeper.tick()
    handing.feed(adas(), now=database_now())
    keeper._take()

    assert not keeper._one_batch()
    assert of(old) == 11


def test_the_old_key_goes_when_latecomers_have_come(ten, keeper, adas, work_on):
    _, old = ten
    keeper.tick()
    handing.feed(adas(), now=database_now())
    keeper._take()
    work_on(keeper)

    # The link carries the day of the rotation in the test's past, so that the time for latecomers is over.
    keeper._tidied = float("-inf")
    keeper._tidy()

    assert not KeyLink.objects.filter(older=old).exists()
    assert adas().seed_of(old.pk) is None


def test_who_came_late_is_sealed_again_too(ten, keeper, adas, send, tip_of, work_on, program, reads):
    _, old = ten
    keeper.tick()
    handing.feed(adas(), now=database_now())
    keeper._take()
    work_on(keeper)
    late = tip_of(send("late"))
    wrap = Wrap.objects.get(tip=late, purpose="content")
    key = keys.wraps.unwrap(
        bytes(wrap.sealed),
        seed=adas().seed_of(wrap.key_id),
        holder=wraps.Holder(program.pk, late.pk, "content", wrap.key_id),
    )
    wrap.key_id = old.pk
    holder = wraps.Holder(program.pk, late.pk, "content", old.pk)
    wrap.sealed = wraps.wrap(key, public=bytes(old.public_key), holder=holder)
    wrap.save()

    assert handing.feed(adas(), now=database_now()) == 1
    keeper._take()
    work_on(keeper)

    assert of(old) == 0
    assert reads(adas(), late)


def test_a_thief_of_the_database_gets_no_key_handed(ten, adas):
    seed = wraps.new_seed()
    theirs = Custodian(public_key=wraps.public_key(seed), tag=b"\x00" * 32, seen_at=database_now())
    theirs.save(force_insert=True)
    real = Keeper()
    real.tick()
    # Nor by putting his key into the row of one that runs.
    Custodian.objects.filter(pk=real._row.pk).update(public_key=wraps.public_key(seed))

    assert handing.feed(adas(), now=database_now()) == 0
    assert not HandOver.objects.exists()


def test_a_custodian_that_is_gone_gets_nothing(ten, adas):
    keeper = Keeper()
    keeper.tick()

    assert handing.feed(adas(), now=database_now() + timedelta(minutes=1)) == 0


def test_what_was_taken_is_no_longer_in_the_database(ten, keeper, adas):
    keeper.tick()
    handing.feed(adas(), now=database_now())
    keeper._take()

    assert bytes(HandOver.objects.get().sealed) == b""


def test_a_hand_over_that_is_not_the_programs_key_is_refused(ten, keeper, adas):
    _, old = ten
    keeper.tick()
    handing.feed(adas(), now=database_now())
    HandOver.objects.all().delete()
    forged = handing._sealed(keeper._row, old, wraps.new_seed())
    forged.save(force_insert=True)

    assert handing.take(keeper._row, keeper._seed) == {}


def test_keys_one_does_not_hold_are_not_handed_over(ten, keeper, join):
    chair, phrase = join("Chair", "oversight")
    unlocked = keys.unlock(chair, phrase)
    keeper.tick()
    assert unlocked is not None
    assert handing.feed(unlocked, now=database_now()) == 0


def test_submitter_details_are_sealed_again_as_well(send, tip_of, rotate, keeper, adas, work_on):
    tip_of(send(name="Somebody"))
    old = rotate(Purpose.IDENTITY)
    keeper.tick()
    handing.feed(adas(), now=database_now())
    keeper._take()
    work_on(keeper)

    assert of(old) == 0
    assert of(rotation.successor(old)) == 1
