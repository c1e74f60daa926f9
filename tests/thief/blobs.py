"""All that lies sealed in a database, each with the place it is bound to, and what a thief tries on it."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db.models import BinaryField

from intake import sealed
from intake.models import Reply, Tip, Wrap
from tipline.kernel import sealing, wraps
from triage.console import saved
from triage.incidents import kin
from triage.models import (
    Assessment,
    AuditEntry,
    BoardSheet,
    Correction,
    Grant,
    HandOver,
    IdentityRequest,
    IncidentSignature,
    Invitation,
    KeptSecret,
    KeyLink,
    Note,
    PersonKey,
    SavedViews,
)
from triage.vault import holders, kept, keys, session

# Binary columns that are no secret: halves that may be known, hashes, MACs and salts, and a picture everybody sees.
IN_CLEAR = {
    "programkey.public_key", "epochkey.public_key", "epochkey.tag", "receipt.lookup", "receipt.public_key",
    "submissionkey.mac", "submissionkey.body_tag", "personkey.public_key", "personkey.salt",
    "invitation.public_key", "invitation.salt", "recoverykey.public_key", "grant.tag",
    "apitoken.lookup", "apitoken.public_key", "logo.png",
    "auditentry.previous", "auditentry.digest", "contact.address_mac", "custodian.public_key", "custodian.tag",
}  # fmt: skip
# Opened by the pagers' keys, and by design: no tip stands in them. docs/threat-model.md says who has them.
OF_THE_PAGERS = {"contact.sealed", "contact.sealed_digits", "pagerevent.sealed"}
# What our code derives keys with.
INFOS = (
    b"tipline-visit", b"tipline-board-sheet", b"tipline-saved-views", b"tipline-holder",
    b"tipline-seed|receipt", b"tipline-seed|pager-event", b"tipline-seed|api-token",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Blob:
    """One sealed thing."""

    column: str
    opens: Callable[[bytes], bytes]


def everything() -> list[Blob]:
    """Return every sealed blob of the database as it is now."""
    found = []
    for tip in Tip.objects.all():
        found.append(_field("tip.sealed", tip.sealed, sealed.place(tip, sealed.CONTENT)))
        found.append(_field("tip.sealed_identity", tip.sealed_identity, sealed.place(tip, sealed.IDENTITY)))
    for thought in Assessment.objects.select_related("tip"):
        found.append(_field("assessment.sealed", thought.sealed, sealed.place(thought.tip, sealed.ASSESSMENT)))
    for signed in IncidentSignature.objects.all():
        place = sealing.Place(signed.program_id, signed.pk, kin.FIELD)
        found.append(_field("incidentsignature.sealed", signed.sealed, place))
    for reply in Reply.objects.all():
        found.append(_field("reply.sealed", reply.sealed, sealed.reply_place(reply)))
    for each in Correction.objects.select_related("case__tip"):
        place = sealed.place(each.case.tip, sealed.CORRECTION, each.pk)
        found.append(_field("correction.sealed", each.sealed, place))
    for note in Note.objects.select_related("case__tip"):
        found.append(_field("note.sealed", note.sealed, sealed.place(note.case.tip, sealed.NOTE, note.pk)))
    for asked in IdentityRequest.objects.all():
        place = sealing.Place(asked.program_id, asked.pk, sealed.IDENTITY_REQUEST)
        found.append(_field("identityrequest.sealed", asked.sealed, place))
    for entry in AuditEntry.objects.exclude(sealed=b"").select_related("tip"):
        assert entry.tip is not None
        found.append(_field("auditentry.sealed", entry.sealed, sealed.place(entry.tip, sealed.AUDIT, entry.pk)))
    for sheet in BoardSheet.objects.all():
        name = "board-sheet-oversight" if sheet.oversight else "board-sheet"
        place = sealing.Place(sheet.program_id, sheet.program_id, name)
        found.append(_field("boardsheet.sealed", sheet.sealed, place))
    for views in SavedViews.objects.all():
        found.append(_field("savedviews.sealed", views.sealed, saved._place(views)))
    for key in PersonKey.objects.all():
        found.append(_field("personkey.sealed_private", key.sealed_private, keys._person_place(key)))
    for invitation in Invitation.objects.all():
        place = keys._invitation_place(invitation)
        found.append(_field("invitation.sealed_private", invitation.sealed_private, place))
    for stored in Session.objects.all():
        data = stored.get_decoded()
        if "unlocked" in data:
            owner = PersonKey.objects.get().user_id
            blob = base64.urlsafe_b64decode(data["unlocked"])
            found.append(_field("session.unlocked", blob, session._place(owner, "unlocked")))
    return [*found, *_wrapped()]


def _wrapped() -> Iterator[Blob]:
    for wrapped in Wrap.objects.select_related("tip", "reply"):
        record = wrapped.tip or wrapped.reply
        assert record is not None
        yield _wrap("wrap.sealed", wrapped.sealed, sealed.holder(record, wrapped.purpose, wrapped.key_id))
    for grant in Grant.objects.all():
        yield _wrap("grant.sealed", grant.sealed, holders._place(grant))
    for link in KeyLink.objects.select_related("newer", "older"):
        yield _wrap("keylink.sealed", link.sealed, holders._link_place(link.program_id, link.newer, link.older))
    for each in KeptSecret.objects.select_related("program_key"):
        yield _wrap("keptsecret.sealed", each.sealed, kept._place(each.program_key, each.name))
    for over in HandOver.objects.exclude(sealed=b"").select_related("program_key"):
        place = wraps.Holder(over.program_key.program_id, over.custodian_id, "hand-over", over.program_key_id)
        yield _wrap("handover.sealed", over.sealed, place)


def _field(column: str, blob: bytes, place: sealing.Place) -> Blob:
    return Blob(column, lambda key: sealing.unseal(bytes(blob), key=key[:32], place=place))


def _wrap(column: str, blob: bytes, holder: wraps.Holder) -> Blob:
    return Blob(column, lambda key: wraps.unwrap(bytes(blob), seed=key, holder=holder))


def binary_columns() -> set[str]:
    """Every binary column there is, so that a new one cannot be forgotten here."""
    return {
        f"{model._meta.model_name}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, BinaryField)
    }


def stored_bytes() -> set[bytes]:
    """What stands in the binary columns themselves: a thief tries that as a key, too."""
    return {
        bytes(value)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, BinaryField)
        for value in model._default_manager.values_list(field.name, flat=True)
        if value
    }


def candidates(loot: Iterable[bytes]) -> set[bytes]:
    """Return every key a thief can make of what was found: as it is, decoded, hashed, derived as we derive."""
    raw = {form for piece in loot for form in _forms(piece)}
    found = {piece for piece in raw if len(piece) >= 32}
    for piece in raw:
        found.add(hashlib.sha256(piece).digest())
        for info in INFOS:
            for salt in (None, b""):
                found |= {HKDF(hashes.SHA256(), size, salt, info).derive(piece) for size in (32, 96)}
    # A key of 32 bytes, and a private key of 96, at either end of what is longer.
    return {
        cut for piece in found for cut in (piece[:32], piece[-32:], piece[:96], piece[-96:]) if len(cut) in (32, 96)
    }


def _forms(piece: bytes) -> Iterator[bytes]:
    yield piece
    for token in re.findall(rb"[0-9A-Za-z+/_=-]{32,}", piece):
        yield token
        for decode in (bytes.fromhex, lambda text: base64.b64decode(text, altchars=b"-_", validate=True)):
            try:
                yield decode(token.decode())  # type: ignore[operator]
            except ValueError:
                continue


def opened(blobs: Iterable[Blob], keys_tried: Iterable[bytes]) -> list[str]:
    """Try every key on every blob; returns the columns of those that opened."""
    tried = list(keys_tried)
    return [blob.column for blob in blobs if any(_opens(blob, key) for key in tried)]


def _opens(blob: Blob, key: bytes) -> bool:
    try:
        blob.opens(key)
    except (sealing.SealBroken, ValueError):
        return False
    return True
