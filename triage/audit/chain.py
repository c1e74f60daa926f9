"""The append-only record of what people did, each entry's hash covering the one before it.

An entry keeps the hour, never the minute. Its free text is sealed under the tip's data key, and the
hash covers the ciphertext: when a tip is erased its words are gone and the chain still holds.
"""

import hashlib
from datetime import datetime
from uuid import UUID, uuid4

from django.db import connection, models, transaction
from django.utils.translation import gettext_lazy as _

from intake import sealed
from intake.models import Program, Tip
from tipline.kernel import sealing, times
from triage.models import AuditEntry, User

START = b"\x00" * 32
LOCK_SPACE = 0x7469706C  # "tipl": apart from whatever else takes advisory locks


class Event(models.TextChoices):
    """What can happen, as it is stored."""

    TIP_OPENED = "tip_opened", _("opened the tip")
    TAKEN = "taken", _("took the tip")
    PASSED_ON = "passed_on", _("passed the tip on")
    REPLIED = "replied", _("sent an answer")
    CORRECTED = "corrected", _("corrected category or level")
    CLOSED = "closed", _("closed the tip")
    REOPENED = "reopened", _("reopened the tip")
    STEPPED_ASIDE = "stepped_aside", _("stepped aside: knows these people")
    LET_BACK = "let_back", _("let a colleague see it again who had stepped aside")
    OPENED_MANY = "opened_many", _("opened many tips within an hour")
    OPENED_ANOTHERS = "opened_anothers", _("opened a tip that a colleague has in hand")
    NOTED = "noted", _("wrote a note")
    HANDED_OVER = "handed_over", _("handed the tip over")
    RISK_READ = "risk_read", _("read what endangers the sender")
    TOLD = "told", _("told somebody")
    DUTY_RECORDED = "duty_recorded", _("recorded the duty to report")
    UNDONE = "undone", _("took the closing back")
    CHECKED = "checked", _("checked what a colleague did alone")
    MERGED = "merged", _("said that it tells of the same event")
    SPLIT = "split", _("took it out of its event again")
    SAID_APART = "said_apart", _("said that it tells of another event")
    IDENTITY_OPENED = "identity_opened", _("opened the submitter details")
    IDENTITY_ASKED = "identity_asked", _("asked a colleague to agree to opening the submitter details")
    IDENTITY_AGREED = "identity_agreed", _("agreed to opening the submitter details")
    REASSESSED = "reassessed", _("sorted it anew")
    SORTING_ASKED = "sorting_asked", _("asked that the open tips be sorted anew")
    REVIEWED = "reviewed", _("looked at it again, as part of the sample")
    MEASURED = "measured", _("let the program read all corrected tips again, to measure it")
    ADMINISTERED = "administered", _("changed something in the administration")
    TOKEN_MADE = "token_made", _("made a token for a program")
    TOKEN_REVOKED = "token_revoked", _("revoked the token of a program")
    TOKEN_TOOK = "token_took", _("did this by a program, with a token")
    TOKEN_READ = "token_read", _("let a program read the tip, with a token")
    SIGNED_IN = "signed_in", _("signed in")
    SIGN_IN_REFUSED = "sign_in_refused", _("was refused at sign-in")
    FIRST_SIGN_IN = "first_sign_in", _("signed in for the first time")
    RECOVERY_CODE_USED = "recovery_code_used", _("signed in with a recovery code")
    PASSKEY_ALONE = "passkey_alone", _("signed in with a passkey alone, to take pages")
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere", _("signed out everywhere")
    DIGITS_RENEWED = "digits_renewed", _("took other digits for calls")
    CONTACTS_CHANGED = "contacts_changed", _("changed how they are called")
    FACTORS_CHANGED = "factors_changed", _("changed how they sign in")
    INVITED = "invited", _("was invited")
    LET_IN = "let_in", _("let somebody in")
    CODE_GIVEN = "code_given", _("gave somebody a new one-time code")
    INVITATION_WITHDRAWN = "invitation_withdrawn", _("withdrew a one-time code")
    ROLE_CHANGED = "role_changed", _("changed somebody's role")
    TAKEN_OFF = "taken_off", _("took somebody off")
    KEY_ROTATED = "key_rotated", _("changed a key of the program")
    PHRASE_CHANGED = "phrase_changed", _("changed their pass phrase")
    KIT_PRINTED = "kit_printed", _("printed the recovery kit")
    KIT_JOINED = "kit_joined", _("added their keys to the recovery kit")
    KIT_DRILLED = "kit_drilled", _("tried the recovery kit")
    MADE_GOOD = "made_good", _("found something missing and made it good")
    CALL_CONTACTS_CHANGED = "call_contacts_changed", _("changed whom the call card says to call")
    ROTA_CHANGED = "rota_changed", _("changed who is on call")
    TRIES_KEPT = "tries_kept", _("put on record which tries to reach people an hour had")
    HELD = "held", _("put a legal hold on it")
    HOLD_LIFTED = "hold_lifted", _("lifted the legal hold")
    ERASING_ASKED = "erasing_asked", _("asked a colleague to agree to erasing it")
    ERASING_AGREED = "erasing_agreed", _("agreed to erasing it")
    ERASING_WITHDRAWN = "erasing_withdrawn", _("took back that it be erased")
    ERASED = "erased", _("erased the tip")
    SCHEDULE_CHANGED = "schedule_changed", _("changed how long tips are kept")
    RESTORED = "restored", _("brought the database back from a copy")
    RECOVERED = "recovered", _("let somebody in with the recovery kit")


@transaction.atomic
def record(
    program: Program | UUID,
    event: Event,
    *,
    now: datetime,
    actor: User | None = None,
    tip: Tip | None = None,
    text: str = "",
    data_key: bytes | None = None,
    proof: bytes = b"",
) -> AuditEntry:
    """Append one entry to the program's chain; in the same transaction as the act it tells of.

    `text` is sealed under the tip's data key: ValueError if one comes without the other. `proof` is for
    entries about no tip: hashes of what stands elsewhere, in clear.
    """
    if text and (data_key is None or tip is None):
        raise ValueError("The text of an entry is sealed under its tip's data key.")
    program_id = program if isinstance(program, UUID) else program.pk
    _wait_for_turn(program_id)
    last = AuditEntry.objects.filter(program_id=program_id).order_by("-number").only("number", "digest").first()
    entry = AuditEntry(
        pk=uuid4(),
        program_id=program_id,
        number=last.number + 1 if last else 1,
        hour=times.hour(now),
        actor=actor,
        event=event,
        tip=tip,
        previous=bytes(last.digest) if last else START,
    )
    if text and tip is not None and data_key is not None:
        entry.sealed = sealing.seal(text.encode(), key=data_key, place=sealed.place(tip, sealed.AUDIT, entry.pk))
    elif tip is None:
        entry.sealed = proof
    entry.digest = digest(entry)
    entry.save(force_insert=True)
    return entry


def text_of(entry: AuditEntry, *, tip: Tip, data_key: bytes) -> str:
    """Open an entry's text; empty if it has none. Raises SealBroken."""
    if not entry.sealed:
        return ""
    place = sealed.place(tip, sealed.AUDIT, entry.pk)
    return sealing.unseal(bytes(entry.sealed), key=data_key, place=place).decode()


def verify(program: Program | UUID) -> int | None:
    """Walk the chain and return the number of the first entry that does not fit, or None.

    A chain cut off at its end still fits: the newest digest must also be kept somewhere else.
    """
    program_id = program if isinstance(program, UUID) else program.pk
    previous = START
    entries = AuditEntry.objects.filter(program_id=program_id).order_by("number").iterator()
    for number, entry in enumerate(entries, start=1):
        fits = entry.number == number and bytes(entry.previous) == previous
        if not fits or bytes(entry.digest) != digest(entry):
            return number
        previous = bytes(entry.digest)
    return None


def digest(entry: AuditEntry) -> bytes:
    """Return SHA-256 over the digest before and every field, each with its length in front."""
    parts = (
        bytes(entry.previous),
        entry.pk.bytes,
        entry.program_id.bytes,
        str(entry.number).encode(),
        entry.hour.strftime("%Y-%m-%dT%HZ").encode(),
        entry.actor_id.bytes if entry.actor_id else b"",
        str(entry.event).encode(),
        entry.tip_id.bytes if entry.tip_id else b"",
        bytes(entry.sealed),
    )
    covered = hashlib.sha256(b"tipline-audit-1")
    for part in parts:
        covered.update(len(part).to_bytes(4, "big") + part)
    return covered.digest()


def _wait_for_turn(program_id: UUID) -> None:
    """Let one transaction at a time append to a program's chain; the lock ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, %s)",
            [LOCK_SPACE, int.from_bytes(program_id.bytes[:4], "big", signed=True)],
        )
