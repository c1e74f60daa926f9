"""The key of the hour: in memory only, one at a time, destroyed when nothing waits for it."""

import os
import stat
from datetime import timedelta

import pytest

from intake import keys
from intake.models import Due, EpochKey
from triage import actions, epochs

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def files() -> set[str]:
    return {path.name for path in epochs.directory().iterdir()} - {"lock"}


def test_a_worker_host_makes_a_key_the_door_believes(noon):
    epochs.rotate(noon)

    (key,) = keys.epoch_keys(noon)
    assert files() == {str(key.pk)}
    assert epochs.seed_of(key.pk) is not None
    assert key.usable_until > noon + HOUR


def test_only_the_owner_may_read_the_private_half(noon):
    epochs.rotate(noon)

    (name,) = files()
    assert stat.S_IMODE(os.stat(epochs.directory() / name).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(epochs.directory()).st_mode) == 0o700


def test_a_process_that_starts_again_uses_the_key_that_is_there(noon):
    epochs.rotate(noon)
    before = files()

    epochs.rotate(noon + timedelta(minutes=30))

    assert files() == before
    assert EpochKey.objects.count() == 1


def test_every_hour_there_is_a_new_key_and_the_door_takes_the_newest(noon):
    epochs.rotate(noon)
    (old,) = EpochKey.objects.all()

    epochs.rotate(noon + HOUR)

    (used,) = keys.epoch_keys(noon + HOUR)
    assert used.pk != old.pk
    assert files() == {str(old.pk), str(used.pk)}


def test_a_key_nothing_waits_for_is_destroyed_after_its_time(noon):
    epochs.rotate(noon)
    (old,) = files()

    epochs.rotate(noon + HOUR)
    epochs.rotate(noon + HOUR + timedelta(minutes=11))

    assert old not in files()
    assert not EpochKey.objects.filter(pk=old).exists()


def test_a_key_is_kept_while_a_tip_waits_for_it(worker_host, make_tip, noon):
    tip = make_tip()
    (old,) = files()

    epochs.rotate(noon + 3 * HOUR)

    assert old in files()
    due = Due.objects.get(tip=tip)
    assert actions.assess_due(due.pk, now=noon + 3 * HOUR) is not None
    assert tip.assessment.judged
    epochs.rotate(noon + 3 * HOUR)
    assert old not in files()


def test_a_key_is_destroyed_after_a_day_whatever_waits(worker_host, make_tip, noon):
    make_tip()
    (old,) = files()
    os.utime(epochs.directory() / old, (noon.timestamp(), noon.timestamp()))

    epochs.rotate(noon + timedelta(hours=24, minutes=1))

    assert old not in files()


def test_a_key_lost_with_the_machines_memory_gets_no_more_tips(noon):
    epochs.rotate(noon)
    (lost,) = files()
    (epochs.directory() / lost).unlink()

    epochs.rotate(noon + timedelta(minutes=1))

    assert not EpochKey.objects.filter(pk=lost).exists()
    assert len(files()) == 1


def test_another_hosts_key_is_left_alone_until_a_day_after_its_end(noon):
    row = EpochKey(host="elsewhere", public_key=b"-", tag=b"-", usable_until=noon)
    row.save()

    epochs.rotate(noon + 2 * HOUR)
    assert EpochKey.objects.filter(host="elsewhere").exists()

    epochs.rotate(noon + 25 * HOUR)
    assert not EpochKey.objects.filter(host="elsewhere").exists()


def test_a_tip_sealed_to_the_key_before_is_read_after_the_change(worker_host, staffed, make_tip, assess, noon):
    tip = make_tip()
    later = noon + HOUR + timedelta(minutes=2)
    epochs.rotate(later)
    assert len(files()) == 2

    assess(tip, later)

    tip.refresh_from_db()
    assert tip.assessment.judged
    epochs.rotate(noon + HOUR + timedelta(minutes=15))
    assert len(files()) == 1


def test_a_tip_whose_key_was_lost_goes_to_a_person_as_urgent(worker_host, staffed, make_tip, assess, noon):
    tip = make_tip("They sell pills behind the rink")
    for name in files():
        (epochs.directory() / name).unlink()
    epochs.rotate(noon)

    done = assess(tip)

    tip.refresh_from_db()
    assert (done.urgency, done.pages) == ("urgent", True)
    assert not tip.assessment.judged
    assert not tip.wraps.filter(purpose="epoch").exists()
