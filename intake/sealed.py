"""How a tip's parts are sealed: which field, under which key, for whom.

Both rooms use these, so that there is one home for what a seal is bound to.
"""

from collections.abc import Iterable
from uuid import UUID

from intake.models import EpochKey, ProgramKey, Receipt, Reply, Tip, Wrap, WrapPurpose
from tipline.kernel import sealing, wraps

CONTENT = "content"
IDENTITY = "identity"
ASSESSMENT = "assessment"
CORRECTION = "correction"
NOTE = "note"
AUDIT = "audit"
IDENTITY_REQUEST = "identity-request"
REPLY = "reply"


def place(tip: Tip, field: str, record: UUID | None = None) -> sealing.Place:
    """Where a field of a tip belongs; `record` where the field stands in a row of its own."""
    return sealing.Place(tip.program_id, record or tip.pk, field)


def holder(record: Tip | Reply, purpose: str, key_id: UUID) -> wraps.Holder:
    """For what and whom a data key of a tip or reply is wrapped."""
    return wraps.Holder(record.program_id, record.pk, purpose, key_id)


def wrap_for(record: Tip | Reply, purpose: str, key: ProgramKey | EpochKey | Receipt, data_key: bytes) -> Wrap:
    """Return the unsaved wrap of a data key to one holder."""
    sealed = wraps.wrap(
        data_key,
        public=bytes(key.public_key),
        holder=holder(record, purpose, key.pk),
        keep_key=not isinstance(key, Receipt),
    )
    owner = {"tip": record} if isinstance(record, Tip) else {"reply": record}
    return Wrap(program_id=record.program_id, purpose=purpose, key_id=key.pk, sealed=sealed, **owner)


def data_key(record: Tip | Reply, found: Iterable[Wrap], *, key_id: UUID, seed: bytes) -> bytes | None:
    """Open the wrap that `key_id` holds, if there is one among those found. Raises SealBroken if it was changed."""
    for wrapped in found:
        if wrapped.key_id == key_id:
            return wraps.unwrap(bytes(wrapped.sealed), seed=seed, holder=holder(record, wrapped.purpose, key_id))
    return None


CONTENT_PURPOSES = (WrapPurpose.CONTENT, WrapPurpose.OVERSIGHT)


def reply_place(reply: Reply) -> sealing.Place:
    """Where an answer's text belongs."""
    return sealing.Place(reply.program_id, reply.pk, REPLY)


def public_key(seed: bytes) -> bytes:
    """Return the public half of a receipt's key."""
    return wraps.public_key(seed)
