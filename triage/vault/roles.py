"""What each role holds, and who may let whom in: the part of the permissions that stands on keys.

The pages of each role stand in triage/console/permissions.py; docs/permissions.md shows both.
"""

from intake.models import Purpose
from triage.models import Role

MAIN: dict[Role, Purpose | None] = {
    Role.COORDINATOR: Purpose.CONTENT,
    Role.SUPERVISOR: Purpose.CONTENT,
    Role.OVERSIGHT: Purpose.OVERSIGHT,
    Role.BOARD: None,
    Role.AGENCY: None,
    Role.ADMINISTRATOR: None,
    Role.AUDITOR: None,
}
"""The key without which somebody of a role could read nothing; None for those who read no tip."""

_KEYLESS = (Role.BOARD, Role.AGENCY, Role.ADMINISTRATOR)
GIVES: dict[Role, tuple[Role, ...]] = {
    Role.COORDINATOR: (Role.COORDINATOR, Role.SUPERVISOR, *_KEYLESS),
    Role.SUPERVISOR: (Role.COORDINATOR, Role.SUPERVISOR, *_KEYLESS),
    # The auditor looks at what the others do, so the others neither choose one nor send one away.
    Role.OVERSIGHT: (Role.OVERSIGHT, *_KEYLESS, Role.AUDITOR),
    Role.BOARD: (),
    Role.AGENCY: (),
    Role.ADMINISTRATOR: _KEYLESS,
    Role.AUDITOR: (),
}
"""Whom somebody of a role lets in, lets go, and gives a new code, as far as they hold the keys for it."""

IDENTITY_TOO = frozenset(role for role, purpose in MAIN.items() if purpose is not None)
"""The roles that may also be given the key for submitter details."""
