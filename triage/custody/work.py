"""What a custodian does with a key: one small batch at a time, each a transaction that may be the last.

What is left to do is always read from the rows themselves. A batch that was killed was rolled back;
one that was done is not found again; two custodians at once do each row once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db import models, transaction

from intake import keys, sealed
from intake.models import Program, ProgramKey, Purpose, Reply, Tip, Wrap, WrapPurpose
from tipline.kernel import failpoints, sealing
from tipline.kernel.clock import database_now
from tipline.kernel.sealing import SealBroken
from triage import rows
from triage.learning.reassess import Outcome, reassess
from triage.models import Assessment, Case, CaseStatus, Correction, Job, JobKind, Note

BATCH = 50
"""Rows in one transaction: some milliseconds of locks, so that no door waits for this work."""
START = UUID(int=0)
_WRAP = ("purpose", "key_id", "sealed", "program")
_TIP = ("program", "follows", "number", "sealed")


class NewKeyNotTrusted(Exception):
    """The program's new key is not pinned: nothing is sealed to it."""


@dataclass(slots=True)
class Work:
    """One job in this process's hands, with the private key it needs."""

    job: Job
    seed: bytes = field(repr=False)
    suite: int = field(default_factory=lambda: sealing.CURRENT)
    _after: UUID = START
    _broken: int = 0
    _raised: int = 0

    def batch(self) -> bool:
        """Do one batch and write down how far it is. Returns False when there is nothing left."""
        found = list(
            wanted(self.job.kind, self.job.program_key)
            .filter(pk__gt=self._after)
            .select_related("tip", "reply")
            .only(
                "program", "tip__program", "tip__follows", "reply__program", "reply__tip", "purpose", "key_id", "sealed"
            )
            .order_by("pk")[:BATCH]
        )
        opened = [(wrapped, key) for wrapped in found if (key := self._open(wrapped)) is not None]
        self._broken += len(found) - len(opened)
        if self.job.kind == JobKind.REASSESS:
            self._reassess(opened)
            self._note(len(found))
            self._after = found[-1].pk if found else self._after
            return bool(found)
        do: Callable[[list[tuple[Wrap, bytes]]], None] = (
            self._rewrap if self.job.kind == JobKind.REWRAP else self._reseal
        )
        with transaction.atomic():
            do(opened)
            self._note(len(found))
            failpoints.reach("custodian.before_commit")
        if found:
            self._after = found[-1].pk
        return bool(found)

    def _open(self, wrapped: Wrap) -> bytes | None:
        record = wrapped.tip or wrapped.reply
        try:
            return sealed.data_key(record, [wrapped], key_id=wrapped.key_id, seed=self.seed) if record else None
        except SealBroken:
            return None

    def _rewrap(self, opened: list[tuple[Wrap, bytes]]) -> None:
        new = _current(self.job)
        # Only what this transaction deletes is made anew: a tip erased meanwhile does not come back.
        ours = {wrapped.pk: (wrapped, key) for wrapped, key in opened}
        held = Wrap.objects.filter(pk__in=ours).values_list("pk", flat=True)
        made = []
        for pk in _deleted(held):
            wrapped, key = ours[pk]
            record = wrapped.tip or wrapped.reply
            if record is not None:
                made.append(sealed.wrap_for(record, wrapped.purpose, new, key))
        Wrap.objects.bulk_create(made)

    def _reseal(self, opened: list[tuple[Wrap, bytes]]) -> None:
        for wrapped, key in opened:
            for model, pk, column, place in _blobs(wrapped):
                self._seal_again(model, pk, column, place, key)

    def _reassess(self, opened: list[tuple[Wrap, bytes]]) -> None:
        """Sort tips anew, each in a transaction of its own: a person who works on one waits for no other."""
        now = database_now()
        roots = {wrapped.tip.follows_id or wrapped.tip.pk for wrapped, _ in opened if wrapped.tip}
        known = Wrap.objects.filter(key_id=self.job.program_key_id, tip__in=roots).select_related("tip")
        root_keys = {wrapped.tip_id: self._open(wrapped) for wrapped in known.only("tip__program", *_WRAP)}
        sealed_tips = {tip.pk: tip for tip in Tip.objects.filter(pk__in=[w.tip_id for w, _ in opened]).only(*_TIP)}

        def one(each: tuple[Wrap, bytes]) -> None:
            tip = sealed_tips.get(each[0].tip_id) if each[0].tip_id else None
            if tip is None:
                return
            found = reassess(tip, each[1], root_key=root_keys.get(tip.follows_id or tip.pk), now=now)
            self._broken += found is Outcome.BROKEN
            self._raised += found is Outcome.RAISED

        done = rows.one_by_one(one, opened)
        self._broken += len(opened) - done

    def _seal_again(self, model: type[models.Model], pk: UUID, column: str, place: sealing.Place, key: bytes) -> None:
        rows = model._default_manager.filter(pk=pk)
        blob = bytes(rows.values_list(column, flat=True).first() or b"")
        if not blob or sealing.suite_of(blob) == self.suite:
            return
        try:
            plain = sealing.unseal(blob, key=key, place=place)
        except SealBroken:
            self._broken += 1
            return
        again = sealing.seal(plain, key=key, place=place, suite=self.suite)
        # Erased or changed meanwhile: then that counts, not this.
        rows.filter(**{column: blob}).update(**{column: again})

    def _note(self, count: int) -> None:
        job = Job.objects.get(pk=self.job.pk)
        job.done = min(job.total, job.done + count) if count else job.total
        job.broken, job.raised, job.finished = self._broken, self._raised, not count
        job.save(update_fields=["done", "broken", "raised", "finished"])


def wanted(kind: str, key: ProgramKey) -> models.QuerySet[Wrap]:
    """Return the wraps a job is about: all that are sealed to its key, or those of open tips."""
    found = Wrap.objects.filter(key_id=key.pk)
    if kind != JobKind.REASSESS:
        return found
    in_hand = Case.objects.exclude(status=CaseStatus.CLOSED)
    open_tips = models.Q(tip__in=in_hand.values("tip")) | models.Q(tip__follows__in=in_hand.values("tip"))
    return found.filter(open_tips, purpose__in=sealed.CONTENT_PURPOSES, tip__assessment__isnull=False)


def _current(job: Job) -> ProgramKey:
    """Return the key to seal to. Raises NewKeyNotTrusted unless it is pinned, as the public door would."""
    old = job.program_key
    new = ProgramKey.objects.get(program=old.program_id, purpose=old.purpose, retired=False)
    if not keys.pinned(Program(pk=job.program_id), new.purpose, bytes(new.public_key)):
        raise NewKeyNotTrusted
    return new


def _deleted(wanted: Iterable[UUID]) -> list[UUID]:
    """Delete these wraps and return those that were still there."""
    gone = []
    for pk in sorted(wanted):
        count, _ = Wrap.objects.filter(pk=pk).delete()
        if count:
            gone.append(pk)
    return gone


def _blobs(wrapped: Wrap) -> list[tuple[type[models.Model], UUID, str, sealing.Place]]:
    """Return what is sealed under the data key of this wrap, and where it belongs.

    Not the record of what people did: nobody may change it, and its chain covers the ciphertext.
    """
    if wrapped.reply is not None:
        return [(Reply, wrapped.reply.pk, "sealed", sealed.reply_place(wrapped.reply))]
    tip = wrapped.tip
    if tip is None:
        return []
    if wrapped.purpose == WrapPurpose.IDENTITY:
        return [(Tip, tip.pk, "sealed_identity", sealed.place(tip, sealed.IDENTITY))]
    found: list[tuple[type[models.Model], UUID, str, sealing.Place]] = [
        (Tip, tip.pk, "sealed", sealed.place(tip, sealed.CONTENT))
    ]
    for pk in Assessment.objects.filter(tip=tip).values_list("pk", flat=True):
        found.append((Assessment, pk, "sealed", sealed.place(tip, sealed.ASSESSMENT)))
    for pk in Correction.objects.filter(case__in=Case.objects.filter(tip=tip)).values_list("pk", flat=True):
        found.append((Correction, pk, "sealed", sealed.place(tip, sealed.CORRECTION, pk)))
    for pk in Note.objects.filter(case__in=Case.objects.filter(tip=tip)).values_list("pk", flat=True):
        found.append((Note, pk, "sealed", sealed.place(tip, sealed.NOTE, pk)))
    return found


def outdated(key: ProgramKey) -> bool:
    """Whether tips of this key are sealed in a way that is no longer ours."""
    column = "sealed_identity" if key.purpose == Purpose.IDENTITY else "sealed"
    now = bytes([sealing.VERSION, sealing.CURRENT])
    tips = Tip.objects.filter(wraps__key_id=key.pk).exclude(**{column: b""})
    head = models.Func(models.F(column), 1, 2, function="substring", output_field=models.BinaryField())
    return tips.annotate(head=head).exclude(head=now).exists()
