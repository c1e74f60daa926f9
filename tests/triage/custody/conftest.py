"""A program whose key was changed, somebody who holds it, and a custodian beside them."""

from collections.abc import Callable

import pytest

from intake.models import ProgramKey, Purpose
from tests.triage.vault.conftest import join, reads  # noqa: F401  fixtures
from triage.custody.keeper import Keeper
from triage.models import User
from triage.vault import keys, pins, rotation
from triage.vault.keys import Unlocked

Holder = tuple[User, str]


@pytest.fixture
def ada(join) -> Holder:  # noqa: F811
    found: Holder = join("Ada")
    return found


@pytest.fixture
def adas(ada) -> Callable[[], Unlocked]:
    """Ada's keys, unlocked now."""

    def _unlocked() -> Unlocked:
        unlocked = keys.unlock(*ada)
        assert unlocked is not None
        return unlocked

    return _unlocked


@pytest.fixture
def rotate(program, ada, adas, noon, settings) -> Callable[..., ProgramKey]:
    """Change a key of the program; returns the one that was retired."""

    def _rotate(purpose: Purpose = Purpose.CONTENT) -> ProgramKey:
        old = ProgramKey.objects.get(program=program, purpose=purpose, retired=False)
        [done] = rotation.rotate(program, [purpose], by=ada[0], unlocked=adas(), now=noon)
        # Inside a test's transaction nothing is committed, so the old pin stays; the new one is what counts.
        pins.add([pins.line(program.pk, purpose, bytes(done.key.public_key))])
        old.refresh_from_db()
        return old

    return _rotate


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def work_on() -> Callable[[Keeper], int]:
    """Let a custodian work until it has nothing left; returns its batches."""

    def _work_on(keeper: Keeper) -> int:
        for batches in range(1000):
            if not keeper._one_batch():
                return batches
        raise AssertionError("it never ends")

    return _work_on
