"""What the public room can do: take a tip in, hand back a receipt, carry the conversation."""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Max, Model, Q

from intake import keys, sealed, together
from intake.message import Content, Identity, Message, dump
from intake.models import (
    Due,
    Program,
    Purpose,
    Receipt,
    Reply,
    SubmissionKey,
    Tip,
    TipStatus,
    Wrap,
    WrapPurpose,
)
from tipline import prepared
from tipline.kernel import failpoints, rotating, sealing, times
from tipline.kernel.receipts import Phrase

# What this door may read of a tip: never what was sent.
_OWN = ("lookup", "public_key", "program", "tip__program_id", "tip__follows_id", "tip__number", "tip__status")

# A sending is recognised again for at least this long.
REMEMBERED = timedelta(minutes=10)
# A page's form can be sent for a day (intake/channels/nonce.py); what leaving it ended stays ended.
SPENT = timedelta(days=1)


class KeyReused(Exception):
    """The same idempotency key came with another text; nothing was stored."""


class NoSuchReceipt(Exception):
    """These words lead to nothing: wrong, locked and erased are alike."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """What the sender gets: the phrase, or None when it is stored but its words cannot be shown again."""

    phrase: Phrase | None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the words open: the answers and how far the tip has got; never what was sent."""

    status: TipStatus
    # Something was added that no person has opened yet.
    waiting: bool
    replies: list[str]


def submit(
    program: Program, message: Message, identity: Identity, *, channel: str, key: str, now: datetime
) -> Submitted:
    """Seal and store a tip; the same key and body give the same receipt for some minutes.

    Raises KeyReused for the same key with another body, KeyNotTrusted if the program's keys are not pinned.
    """
    if not program.identity_allowed:
        identity = Identity()
    body = _digest(program, asdict(message), asdict(identity))
    current, previous = rotating.current_and_previous(settings.RUN_DIR / "receipts", now)
    phrase = _phrase(current, key, body)
    tip = Tip(program=program, week=times.week(now))
    pepper = settings.RECEIPT_PEPPER.encode()
    receipt = Receipt(program=program, tip=tip, lookup=phrase.lookup(pepper=pepper))
    receipt.public_key = sealed.public_key(phrase.seed(pepper=pepper))
    rows = [_remembered(program, key, body, now), receipt, *_sealed_rows(tip, message, identity, channel, now)]
    failpoints.reach("intake.before_commit")
    try:
        with _whole():
            together.insert(rows)
    except IntegrityError:
        return _already(program, key, body, [secret for secret in (current, previous) if secret])
    failpoints.reach("intake.after_commit")
    _nudge()
    return Submitted(phrase)


def follow_up(program: Program, phrase: Phrase, message: Message, *, channel: str, key: str, now: datetime) -> bool:
    """Store a follow-up exactly like a tip of its own. Returns False if this very one was stored before.

    Raises NoSuchReceipt, KeyReused, KeyNotTrusted.
    """
    body = _digest(program, asdict(message), list(phrase.places))
    try:
        with transaction.atomic(), _receipt(program, phrase) as receipt:
            first = receipt.tip
            if Wrap.objects.filter(tip=first, purpose=WrapPurpose.OVERSIGHT).exists():
                # What began among other people stays with them.
                message = _as_insider(message)
            last = Tip.objects.filter(follows=first).aggregate(last=Max("number"))["last"] or 0
            tip = Tip(program=receipt.program, follows=first, number=last + 1, week=times.week(now))
            rows = _sealed_rows(tip, message, Identity(), channel, now)
            together.insert([_remembered(receipt.program, key, body, now), *rows])
            failpoints.reach("intake.before_commit")
    except IntegrityError:
        _already(program, key, body, [])
        return False
    failpoints.reach("intake.after_commit")
    _nudge()
    return True


def spend(program: Program, key: str, now: datetime) -> None:
    """Show what this page's form showed no more, words or answers: whoever sent it has left.

    A page that stored nothing gets a row for that alone. It lasts as long as such a page can be sent
    again, and says on which day to forget it, not when somebody left.
    """
    spent = SubmissionKey(
        program=program, mac=_key_mac(key), body_tag=b"", spent=True, drop_after=times.midnight_after(now + SPENT)
    )
    SubmissionKey.objects.bulk_create([spent], update_conflicts=True, unique_fields=["mac"], update_fields=["spent"])


def is_spent(key: str) -> bool:
    """Whether whoever sent this page's form has left since."""
    return SubmissionKey.objects.filter(mac=_key_mac(key), spent=True).exists()


def conversation(program: Program, phrase: Phrase) -> Conversation:
    """Open the answers that these words lead to at this program. Raises NoSuchReceipt."""
    with transaction.atomic(), _receipt(program, phrase) as receipt:
        tip = receipt.tip
        waiting = Tip.objects.filter(follows=tip, status=TipStatus.RECEIVED).exists()
        replies = list(Reply.objects.filter(tip=tip).order_by("number").prefetch_related("wraps"))
    seed = phrase.seed(pepper=settings.RECEIPT_PEPPER.encode())
    opened = []
    for reply in replies:
        key = sealed.data_key(reply, reply.wraps.all(), key_id=receipt.pk, seed=seed)
        if key is not None:
            opened.append(sealing.unseal(bytes(reply.sealed), key=key, place=sealed.reply_place(reply)).decode())
    return Conversation(TipStatus(tip.status), waiting, opened)


def lock(program: Program, phrase: Phrase) -> None:
    """Make the words lead nowhere, for ever. Raises NoSuchReceipt."""
    with transaction.atomic(), _receipt(program, phrase) as receipt:
        Receipt.objects.filter(pk=receipt.pk).delete()


def withdraw_identity(program: Program, phrase: Phrase, *, now: datetime) -> None:
    """Remove who the sender said they are, and how to reach them; the same where nothing was said, or twice.

    Raises NoSuchReceipt.
    """
    with transaction.atomic(), _receipt(program, phrase) as receipt:
        # Row-level security shows this door, and lets it change, the tips of this receipt alone.
        mine = list(Tip.objects.filter(Q(pk=receipt.tip_id) | Q(follows=receipt.tip_id)).values_list("pk", flat=True))
        Wrap.objects.filter(tip__in=mine, purpose=WrapPurpose.IDENTITY).delete()
        still_there = Tip.objects.filter(pk__in=mine, identity_removed_on=None)
        still_there.update(sealed_identity=b"", identity_removed_on=now.date())


def tell(tip: Tip, status: TipStatus) -> None:
    """Let the sender see how far the tip has got; triage pushes it, intake never asks."""
    Tip.objects.filter(pk=tip.pk).exclude(status=TipStatus.ERASED).update(status=status)


def set_duty(program: Program, text: str) -> None:
    """Say on the form whether somebody is on duty."""
    Program.objects.filter(pk=program.pk).update(duty_text=text)


@transaction.atomic
def reply(tip: Tip, text: str) -> Reply:
    """Seal an answer to the program's key and, while the code is not locked, to the receipt's."""
    Tip.objects.select_for_update().get(pk=tip.pk)
    last = Reply.objects.filter(tip=tip).aggregate(last=Max("number"))["last"] or 0
    answer = Reply(program=tip.program, tip=tip, number=last + 1)
    key = sealing.new_data_key()
    answer.sealed = sealing.seal(text.encode(), key=key, place=sealed.reply_place(answer))
    purpose = Wrap.objects.filter(tip=tip, purpose__in=sealed.CONTENT_PURPOSES).values_list("purpose", flat=True)[0]
    found = [sealed.wrap_for(answer, purpose, keys.program_key(tip.program, Purpose(purpose)), key)]
    if receipt := Receipt.objects.filter(tip=tip).only("program", "tip", "public_key").first():
        found.append(sealed.wrap_for(answer, WrapPurpose.RECEIPT, receipt, key))
    answer.save(force_insert=True)
    Wrap.objects.bulk_create(found)
    return answer


def _whole() -> AbstractContextManager[object]:
    """One statement is whole by itself; inside somebody's transaction, a savepoint lets that go on after a repeat."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


def _digest(program: Program, *sent: object) -> bytes:
    """What makes two sendings the same one; the same words to another program are another."""
    return hashlib.sha256(dump([program.pk.hex, *sent])).digest()


def _phrase(secret: bytes, key: str, body: bytes) -> Phrase:
    return Phrase.from_bytes(hmac.digest(secret, b"receipt|" + key.encode() + b"|" + body, "sha256"))


def _key_mac(key: str) -> bytes:
    return hmac.digest(settings.IDEMPOTENCY_PEPPER.encode(), b"key|" + key.encode(), "sha256")


def _body_tag(key: str, body: bytes) -> bytes:
    return hmac.digest(key.encode(), b"body|" + body, "sha256")


def _remembered(program: Program, key: str, body: bytes, now: datetime) -> SubmissionKey:
    """The row that makes a second sending of the same key wait for the first, then fail."""
    return SubmissionKey(
        program=program,
        mac=_key_mac(key),
        body_tag=_body_tag(key, body),
        drop_after=times.quarter_hour_after(now + REMEMBERED),
    )


def _already(program: Program, key: str, body: bytes, secrets: list[bytes]) -> Submitted:
    known = SubmissionKey.objects.filter(mac=_key_mac(key)).only("mac", "body_tag", "spent").first()
    if known is None or not hmac.compare_digest(bytes(known.body_tag), _body_tag(key, body)):
        raise KeyReused
    for secret in [] if known.spent else secrets:
        phrase = _phrase(secret, key, body)
        try:
            with transaction.atomic(), _receipt(program, phrase):
                return Submitted(phrase, repeated=True)
        except NoSuchReceipt:
            continue
    return Submitted(None, repeated=True)


def _sealed_rows(tip: Tip, message: Message, identity: Identity, channel: str, now: datetime) -> list[Model]:
    """Seal a tip; returns it with its wraps and its due row, nothing stored yet."""
    content = Content.now(message, channel=channel, has_identity=bool(identity), now=now)
    content_key, identity_key = sealing.new_data_key(), sealing.new_data_key()
    tip.sealed = sealing.seal(content.to_bytes(), key=content_key, place=sealed.place(tip, sealed.CONTENT))
    # Sealed also when there is nothing in it: a stored row does not show who left their name.
    tip.sealed_identity = sealing.seal(
        dump(asdict(identity)), key=identity_key, place=sealed.place(tip, sealed.IDENTITY)
    )
    purpose = Purpose.OVERSIGHT if message.insider else Purpose.CONTENT
    return [
        tip,
        sealed.wrap_for(tip, WrapPurpose(purpose), keys.program_key(tip.program, purpose), content_key),
        sealed.wrap_for(tip, WrapPurpose.IDENTITY, keys.program_key(tip.program, Purpose.IDENTITY), identity_key),
        *(sealed.wrap_for(tip, WrapPurpose.EPOCH, key, content_key) for key in keys.epoch_keys(now)),
        Due(program=tip.program, tip=tip, danger=message.danger == "yes"),
    ]


def _as_insider(message: Message) -> Message:
    return Message(**{**asdict(message), "insider": True})


@contextmanager
def _receipt(program: Program, phrase: Phrase) -> Iterator[Receipt]:
    """Find the conversation of a phrase inside a transaction: row-level security shows this door no other.

    What was erased is not found, like what was locked and like what was sent to another program. One query, so that
    every refusal takes as long.
    """
    lookup = phrase.lookup(pepper=settings.RECEIPT_PEPPER.encode())
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tipline.lookup', %s, true)", [lookup.hex()])
    found = Receipt.objects.filter(lookup=lookup, program=program).exclude(tip__status=TipStatus.ERASED)
    receipt = found.select_related("tip", "program").only(*_OWN).first()
    if receipt is None:
        raise NoSuchReceipt
    yield receipt


def _nudge() -> None:
    """Wake the escalator. After the commit and on its own: in it, NOTIFY would put commits in one line.

    The tip is stored by now; a database that goes away here must not make its sender think otherwise.
    A notice may be lost, so nobody waits until the disk has it.
    """
    with suppress(DatabaseError):
        prepared.execute(b"SELECT set_config('synchronous_commit', 'off', true), pg_notify('tipline_due', '')", [])
