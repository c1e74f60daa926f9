"""The recovery kit: a key pair whose private half exists on paper only, in shares. Every program key is sealed to it.

Whoever brings enough sheets and a copy of the database reads everything; fewer sheets say nothing.
A kit counts from the moment its sheets were proved to be on paper; only then does it replace the
one before.
"""

import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from uuid import UUID, uuid4

from django.db import transaction

from intake.models import Program, ProgramKey, Purpose
from tipline.kernel import shares, wraps
from tipline.kernel.receipts import word_list
from triage.audit.chain import Event, record
from triage.models import Grant, Invitation, RecoveryKey, User

from . import holders, rotation
from .keys import Unlocked

THRESHOLD, SHEETS = 2, 3
SECRET_SIZE = 32


class WrongSheets(Exception):
    """These sheets do not open this program's kit."""


class NotVouched(Exception):
    """The kit's public key is not the one its makers sealed their keys to: somebody changed it in the database."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A kit before it is on paper: kept sealed in its maker's session, and nowhere else."""

    kit_id: str
    public: str = field(repr=False)
    threshold: int
    lines: list[str] = field(repr=False)
    checks: list[str] = field(repr=False)

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Draft":
        return cls(**json.loads(text))

    @property
    def fingerprint(self) -> str:
        return wraps.fingerprint(bytes.fromhex(self.public))


@dataclass(frozen=True, slots=True)
class State:
    """How a program stands with its kit."""

    kit: RecoveryKey | None
    missing: tuple[Purpose, ...]  # current keys no kit that counts would give back

    @property
    def whole(self) -> bool:
        return self.kit is not None and not self.missing


def draft(program: Program, *, threshold: int = THRESHOLD, sheets: int = SHEETS) -> Draft:
    """Make a new key pair and its sheets, each with a word by which its holder proves to have printed it."""
    secret = secrets.token_bytes(SECRET_SIZE)
    public = wraps.public_key(_seed(program, secret))
    lines = shares.split(secret, threshold=threshold, sheets=sheets)
    checks = [secrets.choice(word_list()) for _ in lines]
    return Draft(str(uuid4()), public.hex(), threshold, lines, checks)


def state(program: Program) -> State:
    """Say which kit counts, and which keys it does not hold yet."""
    kit = RecoveryKey.objects.filter(program=program, replaced=False).first()
    lacking = ProgramKey.objects.filter(program=program, retired=False).exclude(grants__recovery=kit)
    missing = lacking if kit else ProgramKey.objects.filter(program=program, retired=False)
    return State(kit, tuple(Purpose(key.purpose) for key in missing.order_by("purpose")))


@transaction.atomic
def confirm(program: Program, made: Draft, *, by: User, unlocked: Unlocked, now: datetime) -> RecoveryKey:
    """Let a kit count whose sheets are on paper, and seal to it every key its maker holds.

    If there was another kit, those keys are replaced by new ones that the old sheets do not open.
    """
    holders.hold_still(program.pk)
    RecoveryKey.objects.filter(program=program, replaced=False).update(replaced=True)
    kit = RecoveryKey(
        pk=UUID(made.kit_id),
        program=program,
        public_key=bytes.fromhex(made.public),
        threshold=made.threshold,
        sheets=len(made.lines),
        made_on=now.date(),
    )
    kit.save(force_insert=True)
    record(program, Event.KIT_PRINTED, actor=by, now=now)
    _add(kit, by=by, unlocked=unlocked, now=now)
    return kit


@transaction.atomic
def join(program: Program, *, by: User, unlocked: Unlocked, now: datetime) -> RecoveryKey | None:
    """Seal to the kit what its maker did not hold, with one's own keys. Raises NotVouched."""
    holders.hold_still(program.pk)
    kit = RecoveryKey.objects.filter(program=program, replaced=False).first()
    if kit is None:
        return None
    unlocked.forget()
    for grant in kit.grants.all():
        seed = unlocked.seed_of(grant.program_key_id)
        if seed is not None and not holders.vouched(grant, kit, seed=seed):
            raise NotVouched
    if _add(kit, by=by, unlocked=unlocked, now=now):
        record(program, Event.KIT_JOINED, actor=by, now=now)
    return kit


def opened(program: Program, lines: Iterable[str]) -> tuple[RecoveryKey, dict[ProgramKey, bytes]]:
    """Open the kit with its sheets: the kit, and the private halves of the keys sealed to it.

    Changes nothing. Raises shares.BadShare, shares.SharesDoNotFit, WrongSheets.
    """
    seed = _seed(program, shares.combine(lines))
    public = wraps.public_key(seed)
    for kit in RecoveryKey.objects.filter(program=program).order_by("replaced"):
        if bytes(kit.public_key) == public:
            given = kit.grants.select_related("program_key")
            return kit, {grant.program_key: holders.open_grant(grant, seed=seed) for grant in given}
    raise WrongSheets


@transaction.atomic
def drilled(kit: RecoveryKey, *, today: date, now: datetime) -> None:
    """Note that the kit was tried and opens."""
    kit.drilled_on = today
    kit.save(update_fields=["drilled_on"])
    record(kit.program_id, Event.KIT_DRILLED, now=now)


def _add(kit: RecoveryKey, *, by: User, unlocked: Unlocked, now: datetime) -> bool:
    """Seal what this person holds to the kit. What an older kit opens is replaced first."""
    program = kit.program
    unlocked.forget()
    mine = [key for key in ProgramKey.objects.filter(program=program, retired=False) if unlocked.seed_of(key.pk)]
    lacking = [key for key in mine if not key.grants.filter(recovery=kit).exists()]
    for key in lacking:
        current = key
        older = RecoveryKey.objects.filter(program=program, replaced=True, grants__program_key=key).first()
        if older is not None:
            (done,) = rotation.rotate(program, [Purpose(key.purpose)], by=by, unlocked=unlocked, now=now, without=older)
            current = done.key
        seed = unlocked.seed_of(current.pk)
        if seed is not None:
            holders.give(current, seed, to=kit)
    RecoveryKey.objects.filter(program=program, replaced=True, grants=None).delete()
    _drop_first_copies(kit)
    return bool(lacking)


def _drop_first_copies(kit: RecoveryKey) -> None:
    """Delete the copies under first one-time codes whose every key the kit now holds."""
    covered = Grant.objects.filter(recovery=kit).values("program_key")
    for copy in Invitation.objects.filter(program=kit.program_id, until_kit=True, used=True):
        if not copy.grants.exclude(program_key__in=covered).exists():
            copy.delete()


def _seed(program: Program, secret: bytes) -> bytes:
    return wraps.derive_seed(secret, salt=program.pk.bytes, purpose="recovery")
