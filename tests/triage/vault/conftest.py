"""People who hold keys, without the pages around them."""

from collections.abc import Callable

import pytest

from intake.models import Program, ProgramKey, Purpose, Tip
from triage.console import opening
from triage.models import Membership, User
from triage.vault import keys
from triage.vault.keys import Unlocked


@pytest.fixture
def join(program, seeds) -> Callable[..., tuple[User, str]]:
    """Let somebody in with the keys of their role: join("Ada") gives the person and their pass phrase."""

    def _join(name: str, role: str = "coordinator", program: Program = program) -> tuple[User, str]:
        user = User.objects.create_user(name.lower(), name=name)
        Membership.objects.create(program=program, user=user, role=role)
        wanted = keys.purposes_for(user, program)
        current = ProgramKey.objects.filter(program=program, retired=False, purpose__in=wanted)
        code = keys.invite(user, program, {key: seeds[Purpose(key.purpose)] for key in current})
        _, phrase = keys.accept(user.invitation, code)
        return user, phrase

    return _join


@pytest.fixture
def reads() -> Callable[[Unlocked | None, Tip], bool]:
    """Whether an unlocked key opens a tip."""

    def _reads(unlocked: Unlocked | None, tip: Tip) -> bool:
        return unlocked is not None and tip.pk in opening.data_keys([tip], unlocked)

    return _reads
