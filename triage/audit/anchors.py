"""Anchors: the head of every chain, kept away from the database, so that a chain cut off at its end is found.

One line a program: `tipline-audit-1 program count digest day`. They tell how many entries there were, and nothing else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from intake.models import Program
from triage.audit.chain import START, digest
from triage.models import AuditEntry

VERSION = "tipline-audit-1"
EVERY = 1000
"""Entries between two signs of life."""


class BadAnchor(Exception):
    """A line that is no anchor. Says which."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """That a program's chain had so many entries on that day, and the digest of the last."""

    program: UUID
    count: int
    digest: bytes
    day: date

    def line(self) -> str:
        return f"{VERSION} {self.program} {self.count} {self.digest.hex()} {self.day}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a chain does not fit. `number` is the entry, `why` a sentence."""

    number: int
    why: str


def take(today: date) -> list[Anchor]:
    """Return the heads of all chains as they are now; an empty chain has none."""
    found = []
    for program in Program.objects.order_by("slug"):
        last = AuditEntry.objects.filter(program=program).order_by("-number").first()
        if last is not None:
            found.append(Anchor(program.pk, last.number, bytes(last.digest), today))
    return found


def read(lines: Iterable[str]) -> list[Anchor]:
    """Return the anchors of a file; empty lines and # are left out. Raises BadAnchor."""
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            version, program, count, head, day = line.split()
            if version != VERSION:
                raise ValueError
            found.append(Anchor(UUID(program), int(count), bytes.fromhex(head), date.fromisoformat(day)))
        except ValueError:
            raise BadAnchor(f"Line {number} is no anchor.") from None
    return found


def verify(
    program: UUID, anchors: Iterable[Anchor] = (), *, say: Callable[[int], object] = lambda _: None
) -> Fault | None:
    """Walk a program's chain against itself and its anchors; returns the first fault. `say` is told how far it is."""
    wanted = {anchor.count: anchor for anchor in anchors if anchor.program == program}
    previous, number = START, 0
    for number, entry in enumerate(AuditEntry.objects.filter(program=program).order_by("number").iterator(), start=1):
        if entry.number != number:
            return Fault(number, f"entry {number} is missing; the next is {entry.number}")
        if bytes(entry.previous) != previous:
            return Fault(number, "it does not follow the entry before it")
        if bytes(entry.digest) != digest(entry):
            return Fault(number, "it was changed")
        previous = bytes(entry.digest)
        if number in wanted and wanted[number].digest != previous:
            return Fault(number, f"it is not the one of the anchor of {wanted[number].day}: the chain was made anew")
        if number % EVERY == 0:
            say(number)
    for count, anchor in sorted(wanted.items()):
        if count > number:
            why = f"the anchor of {anchor.day} has {count} entries and the chain {number}: its end was cut off"
            return Fault(number + 1, why)
    return None
