"""Program keys sealed to those who hold them: a person's key, an invitation, a token, a recovery kit."""

import hmac
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import connection

from intake.models import ProgramKey
from tipline.kernel import wraps
from triage.models import ApiToken, Grant, Invitation, KeyLink, PersonKey, RecoveryKey

LOCK_SPACE = 0x7661756C  # "vaul": apart from the audit chain's lock, which is always taken after this one

Holder = PersonKey | Invitation | RecoveryKey | ApiToken


def hold_still(program_id: UUID) -> None:
    """Let one transaction at a time change who holds a program's keys: no grant slips past a rotation."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, %s)",
            [LOCK_SPACE, int.from_bytes(program_id.bytes[:4], "big", signed=True)],
        )


def give(program_key: ProgramKey, seed: bytes, *, to: Holder) -> Grant:
    """Seal a program's private key to a holder's public key, and vouch for that public key."""
    grant = Grant(program_id=program_key.program_id, program_key=program_key)
    if isinstance(to, PersonKey):
        grant.user_id = to.user_id
    elif isinstance(to, Invitation):
        grant.invitation = to
    elif isinstance(to, ApiToken):
        grant.token = to
    else:
        grant.recovery = to
    public = bytes(to.public_key)
    grant.sealed = wraps.wrap(seed, public=public, holder=_place(grant))
    grant.tag = _tag(grant, seed, public)
    grant.save(force_insert=True)
    return grant


def open_grant(grant: Grant, *, seed: bytes) -> bytes:
    """Return the program's private key, given the holder's. Raises SealBroken."""
    return wraps.unwrap(bytes(grant.sealed), seed=seed, holder=_place(grant))


def holder_of(grant: Grant) -> Holder | None:
    """Return whose key a grant is sealed to; None for a person who has no key any more."""
    if grant.invitation is not None:
        return grant.invitation
    if grant.recovery is not None:
        return grant.recovery
    if grant.token is not None:
        return grant.token
    return PersonKey.objects.filter(user=grant.user_id).first()


def vouched(grant: Grant, holder: Holder, *, seed: bytes) -> bool:
    """Whether somebody who holds this program key gave it to this very public key."""
    return hmac.compare_digest(bytes(grant.tag), _tag(grant, seed, bytes(holder.public_key)))


def link(older: ProgramKey, older_seed: bytes, *, newer: ProgramKey) -> KeyLink:
    """Return the unsaved link by which who holds the newer key reads what is sealed to the older one."""
    sealed = wraps.wrap(older_seed, public=bytes(newer.public_key), holder=_link_place(older.program_id, newer, older))
    return KeyLink(program_id=older.program_id, older=older, newer=newer, sealed=sealed)


def open_link(found: KeyLink, *, seed: bytes) -> bytes:
    """Return the older private key, given the newer. Raises SealBroken."""
    place = wraps.Holder(found.program_id, found.newer_id, "older-key", found.older_id)
    return wraps.unwrap(bytes(found.sealed), seed=seed, holder=place)


def _link_place(program_id: UUID, newer: ProgramKey, older: ProgramKey) -> wraps.Holder:
    return wraps.Holder(program_id, newer.pk, "older-key", older.pk)


def _place(grant: Grant) -> wraps.Holder:
    kind, holder_id = _whom(grant)
    return wraps.Holder(grant.program_id, holder_id, kind, grant.program_key_id)


def _whom(grant: Grant) -> tuple[str, UUID]:
    for kind, found in (
        ("grant", grant.user_id),
        ("invitation", grant.invitation_id),
        ("recovery", grant.recovery_id),
        ("token", grant.token_id),
    ):
        if found is not None:
            return kind, found
    raise ValueError("A grant is to somebody.")


def _tag(grant: Grant, seed: bytes, public: bytes) -> bytes:
    kind, holder_id = _whom(grant)
    key = HKDF(hashes.SHA256(), 32, grant.program_key_id.bytes, b"tipline-holder").derive(seed)
    return hmac.digest(key, f"{kind}|{holder_id}|".encode() + public, "sha256")
