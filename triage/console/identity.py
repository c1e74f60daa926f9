"""Opening who a sender says they are: a grant, a written reason, a record, and where a program wants it two people."""

import json
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from intake import sealed
from intake.message import Identity
from intake.models import Purpose, Wrap, WrapPurpose
from tipline.kernel import sealing
from tipline.kernel.sealing import SealBroken
from triage.audit.chain import Event
from triage.console.cases import put_on_record
from triage.models import Case, IdentityRequest, User
from triage.vault.keys import Unlocked

GOOD_FOR = timedelta(minutes=30)


class NothingThere(Exception):
    """The sender left no details or took them back, or this person's keys do not open them."""


class NotAgreed(Exception):
    """The program wants a second person, and none has agreed to this person's asking in time."""


class NobodyAsked(Exception):
    """Nobody else asks, or not any more: there is nothing to agree to."""


def asked(case: Case, *, now: datetime) -> IdentityRequest | None:
    """Return the asking that is still good, if there is one."""
    waiting = IdentityRequest.objects.filter(case=case, until__gt=now)
    return waiting.select_related("asked_by", "agreed_by").first()


def reason_of(request: IdentityRequest, root_key: bytes) -> str:
    """Open the reason; empty if it was changed."""
    try:
        return sealing.unseal(bytes(request.sealed), key=root_key, place=_place(request)).decode()
    except SealBroken:
        return ""


@transaction.atomic
def ask(case: Case, *, why: str, by: User, root_key: bytes, now: datetime) -> IdentityRequest:
    """Ask a colleague to agree; an older asking is replaced."""
    held = Case.objects.select_for_update(no_key=True, of=("self",)).select_related("tip").get(pk=case.pk)
    IdentityRequest.objects.filter(Q(case=held) | Q(until__lte=now)).delete()
    made = IdentityRequest(program_id=held.program_id, case=held, asked_by=by, until=now + GOOD_FOR)
    made.sealed = sealing.seal(why.encode(), key=root_key, place=_place(made))
    made.save(force_insert=True)
    put_on_record(held, Event.IDENTITY_ASKED, by, now, root_key, why=why)
    return made


@transaction.atomic
def agree(case: Case, *, by: User, unlocked: Unlocked, root_key: bytes, now: datetime) -> None:
    """Agree to a colleague's asking, as somebody who could open the details too.

    Raises NobodyAsked, NothingThere without a grant of the program's identity key.
    """
    if unlocked.program_seed(case.program_id, Purpose.IDENTITY) is None:
        raise NothingThere
    held = _waiting(case, now).exclude(asked_by=by).filter(agreed_by=None).first()
    if held is None:
        raise NobodyAsked
    held.agreed_by = by
    held.save(update_fields=["agreed_by"])
    put_on_record(case, Event.IDENTITY_AGREED, by, now, root_key, **{"with": held.asked_by.name})


@transaction.atomic
def open_it(case: Case, *, why: str, by: User, unlocked: Unlocked, root_key: bytes, now: datetime) -> Identity:
    """Open who the sender says they are. The reason stands in the record before anything is shown.

    Where two are needed the reason is the one the colleague agreed to, and the asking is used up.
    Raises NotAgreed, NothingThere without a grant of the program's identity key.
    """
    noted = {"why": why}
    if case.program.identity_needs_two:
        held = _waiting(case, now).filter(asked_by=by, agreed_by__isnull=False).first()
        if held is None or held.agreed_by is None:
            raise NotAgreed
        noted = {"why": reason_of(held, root_key), "with": held.agreed_by.name}
        held.delete()
    tip = case.tip
    for wrap in Wrap.objects.filter(tip=tip, purpose=WrapPurpose.IDENTITY):
        seed = unlocked.seed_of(wrap.key_id)
        if seed is None:
            continue
        try:
            key = sealed.data_key(tip, [wrap], key_id=wrap.key_id, seed=seed)
            blob = sealing.unseal(bytes(tip.sealed_identity), key=key or b"", place=sealed.place(tip, sealed.IDENTITY))
        except (SealBroken, ValueError):
            continue
        put_on_record(case, Event.IDENTITY_OPENED, by, now, root_key, **noted)
        return Identity(**json.loads(blob))
    raise NothingThere


def _waiting(case: Case, now: datetime) -> QuerySet[IdentityRequest]:
    found = IdentityRequest.objects.select_for_update(of=("self",)).filter(case=case, until__gt=now)
    return found.select_related("asked_by", "agreed_by")


def _place(request: IdentityRequest) -> sealing.Place:
    return sealing.Place(request.program_id, request.pk, sealed.IDENTITY_REQUEST)
