"""A program's next key, in a time that does not depend on how many tips there are.

The new private key is sealed to everybody who held the old one, the old one to the new one alone.
So whoever holds the current key reads everything, and what comes from then on is out of reach of
the old one. Old wraps stay as they are until the custodian has made them anew:

* `waiting` lists the retired keys that still lead to something, and how much;
* `wraps_under` are the wraps that are to be made anew for `successor(key)`;
* `forget` drops a retired key's private half for good once nothing is left under it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from intake.models import Program, ProgramKey, Purpose, Wrap
from intake.sealed import public_key
from tipline.kernel import wraps
from triage.audit.chain import Event, record
from triage.models import ApiToken, Grant, KeyLink, RecoveryKey, User

from . import holders, kept, pins
from .keys import Unlocked

# The public door remembers a key for some seconds: what it seals in them goes to the old one still.
LATECOMERS = timedelta(days=1)


class NotHeld(Exception):
    """Who asked does not hold this key, so cannot hand it on."""

    def __init__(self, purpose: str) -> None:
        super().__init__("Only who holds a key can do this to it.")
        self.purpose = purpose


@dataclass(frozen=True, slots=True)
class Waiting:
    """A retired key and how many wraps still lead to it."""

    key: ProgramKey
    wraps: int


@dataclass(frozen=True, slots=True)
class Rotated:
    """What came of a rotation: the new key, and who was left out because their public key was not as it was given."""

    key: ProgramKey
    left_out: tuple[str, ...] = ()


@transaction.atomic
def rotate(
    program: Program,
    purposes: Iterable[Purpose],
    *,
    by: User,
    unlocked: Unlocked,
    now: datetime,
    without: RecoveryKey | None = None,
) -> list[Rotated]:
    """Replace the program's keys of these purposes. `without` leaves a recovery kit out.

    Raises NotHeld. The new keys are pinned before they are stored, the old pins go after that.
    """
    holders.hold_still(program.pk)
    unlocked.forget()
    done = [_rotate(program, purpose, unlocked, now, without) for purpose in sorted(purposes)]
    for _each in done:
        record(program, Event.KEY_ROTATED, actor=by, now=now)
    unlocked.forget()
    return done


def _rotate(
    program: Program, purpose: Purpose, unlocked: Unlocked, now: datetime, without: RecoveryKey | None
) -> Rotated:
    old = ProgramKey.objects.select_for_update().get(program=program, purpose=purpose, retired=False)
    old_seed = unlocked.seed_of(old.pk)
    if old_seed is None:
        raise NotHeld(purpose)
    old.retired = True
    old.save(update_fields=["retired"])
    seed = wraps.new_seed()
    new = ProgramKey(program=program, purpose=purpose, public_key=public_key(seed))
    new.save(force_insert=True)
    followed = holders.link(old, old_seed, newer=new)
    followed.since = now.date()
    followed.save(force_insert=True)
    left_out = []
    for grant in old.grants.select_related("user", "invitation__user", "recovery", "token__user"):
        holder = holders.holder_of(grant)
        if holder is None or holder == without or _is_over(holder, now.date()):
            continue
        if holders.vouched(grant, holder, seed=old_seed):
            holders.give(new, seed, to=holder)
        else:
            left_out.append(_name(grant))
    old.grants.all().delete()
    kept.move(old, old_seed, to=new)
    _pin(program, purpose, old, new)
    return Rotated(new, tuple(left_out))


def _is_over(holder: holders.Holder, today: date) -> bool:
    return isinstance(holder, ApiToken) and holder.expires_on < today


def _pin(program: Program, purpose: str, old: ProgramKey, new: ProgramKey) -> None:
    # Both are pinned while neither is known to be the one that counts: a tip is refused at no moment.
    pins.add([pins.line(program.pk, purpose, bytes(new.public_key))])
    gone = pins.line(program.pk, purpose, bytes(old.public_key))
    transaction.on_commit(lambda: pins.drop([gone]))


def _name(grant: Grant) -> str:
    holder = grant.invitation or grant.token
    user = holder.user if holder else grant.user
    return user.name if user else ""


def waiting(program: Program) -> list[Waiting]:
    """Return the retired keys that still have a private half, oldest first, with the wraps under each."""
    found = KeyLink.objects.filter(program=program).select_related("older").order_by("since", "pk")
    return [Waiting(link.older, wraps_under(link.older).count()) for link in found]


def wraps_under(key: ProgramKey) -> QuerySet[Wrap]:
    """The data keys, of tips and of replies, that are sealed to this program key."""
    return Wrap.objects.filter(key_id=key.pk)


def successor(key: ProgramKey) -> ProgramKey:
    """Return the current key of the same program and purpose."""
    return ProgramKey.objects.get(program=key.program_id, purpose=key.purpose, retired=False)


@transaction.atomic
def forget(key: ProgramKey, *, today: date) -> bool:
    """Drop a retired key's private half for good; False while something is, or may still come, under it.

    Keys retired before it are reached through it, so that their links must be gone first.
    """
    holders.hold_still(key.program_id)
    link = KeyLink.objects.filter(older=key).first()
    if link is None or today - link.since <= LATECOMERS:
        return False
    if wraps_under(key).exists() or KeyLink.objects.filter(newer=key).exists():
        return False
    link.delete()
    return True
