"""The board sheet: what the board shows of all open cases in one sealed blob.

Opening 2,000 tips one by one takes a third of a second, the sheet milliseconds. A case whose
version the sheet does not have is opened by itself, and the sheet is written again. Of two
sessions that write it together one wins; what the other had is opened again the next time.
"""

import json
import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db.models import Q

from intake import sealed
from intake.message import Content
from intake.models import Purpose, Tip
from tipline.kernel import sealing
from tipline.kernel.sealing import SealBroken
from triage.console import labels, opening
from triage.console.brief import Brief
from triage.models import Assessment, BoardSheet, Case, Correction
from triage.vault.keys import Unlocked

# Cases opened one by one in one request; the next request, five seconds later, goes on.
AT_ONCE = 500


class Facets(NamedTuple):
    """What the board shows of a case that stands nowhere in clear, as of one version of it."""

    version: int
    categories: tuple[str, ...]
    language: str | None
    quarter: datetime | None
    like: UUID | None = None

    def to_list(self) -> list[Any]:
        quarter = int(self.quarter.timestamp()) // 900 if self.quarter else None
        return [self.version, list(self.categories), self.language, quarter, self.like.hex if self.like else None]

    @classmethod
    def from_list(cls, found: list[Any]) -> "Facets":
        version, categories, language, quarter, like = found
        moment = datetime.fromtimestamp(quarter * 900, UTC) if quarter is not None else None
        return cls(version, tuple(categories), language, moment, UUID(hex=like) if like else None)


Sheet = dict[UUID, Facets]
OneCase = Case | Brief


def facets_of(cases: Iterable[OneCase], unlocked: Unlocked, *, keep: bool = True) -> Sheet:
    """Return what is known of these cases, one by one where the sheets do not know it yet.

    `keep` writes the sheets again, with exactly these cases: pass all open ones, or False.
    """
    groups: dict[tuple[UUID, bool], list[OneCase]] = {}
    for case in cases:
        groups.setdefault((case.program_id, case.oversight), []).append(case)
    rows = {
        (row.program_id, row.oversight): row
        for row in BoardSheet.objects.filter(program__in={program for program, _ in groups})
    }
    found: Sheet = {}
    for (program, oversight), group in groups.items():
        seed = unlocked.program_seed(program, Purpose.OVERSIGHT if oversight else Purpose.CONTENT)
        if seed is None:
            continue
        row = rows.get((program, oversight))
        key = _key(seed, program)
        listed = _read(row, key) if row else {}
        current = _fresh(group, listed)
        stale = [case for case in group if case.pk not in current] if len(current) < len(group) else []
        gone = len(current) < len(listed)
        current |= open_singly(stale[:AT_ONCE], unlocked)
        if keep and (stale or gone):
            _write(row, program, oversight, current, key)
        found |= current
    return found


def open_singly(cases: Sequence[OneCase], unlocked: Unlocked) -> Sheet:
    """Open the facets of these cases through their own wraps: three queries, whatever their number."""
    if not cases:
        return {}
    roots = [case.tip_id for case in cases]
    light = Tip.objects.filter(Q(pk__in=roots) | Q(follows__in=roots))
    tips = {tip.pk: tip for tip in light.only("program_id", "follows_id", "number")}
    keys = opening.data_keys(tips.values(), unlocked)
    thoughts: dict[UUID, list[tuple[int, opening.Thought]]] = {}
    for assessment in Assessment.objects.filter(tip__in=tips):
        tip = tips[assessment.tip_id]
        opened = opening.thought(tip, assessment, keys.get(tip.pk))
        thoughts.setdefault(tip.follows_id or tip.pk, []).append((tip.number, opened))
    corrections = _corrections(cases, tips, keys)
    undated = [root for root in roots if not _first(thoughts.get(root)) and root in keys]
    quarters = _quarters(undated, keys)
    return {
        case.pk: _facets(case, thoughts.get(case.tip_id, []), corrections.get(case.pk), quarters)
        for case in cases
        if case.tip_id in keys
    }


def _facets(
    case: OneCase,
    thoughts: list[tuple[int, opening.Thought]],
    correction: opening.Corrected | None,
    quarters: dict[UUID, datetime],
) -> Facets:
    in_order = [each for _, each in sorted(thoughts, key=lambda pair: pair[0])]
    said = correction.categories if correction else (code for each in in_order for code in each.categories)
    language = next((each.language for each in in_order if each.language), None)
    quarter = _first(thoughts) or quarters.get(case.tip_id)
    like = next((each.like for number, each in thoughts if number == 0), None)
    return Facets(case.version, labels.categories(said), language, quarter, like)


def _first(thoughts: list[tuple[int, opening.Thought]] | None) -> datetime | None:
    return next((each.quarter for number, each in thoughts or [] if number == 0), None)


def _quarters(roots: list[UUID], keys: dict[UUID, bytes]) -> dict[UUID, datetime]:
    """When tips came that no worker read: it stands in the tip itself."""
    found = {}
    for tip in Tip.objects.filter(pk__in=roots) if roots else ():
        try:
            plain = sealing.unseal(bytes(tip.sealed), key=keys[tip.pk], place=sealed.place(tip, sealed.CONTENT))
        except SealBroken:
            continue
        found[tip.pk] = Content.from_bytes(plain).quarter
    return found


def _corrections(
    cases: Sequence[OneCase], tips: dict[UUID, Tip], keys: dict[UUID, bytes]
) -> dict[UUID, opening.Corrected]:
    root_of = {case.pk: case.tip_id for case in cases}
    newest = {each.case_id: each for each in Correction.objects.filter(case__in=root_of).order_by("number")}
    opened = {}
    for case_id, correction in newest.items():
        root = root_of[case_id]
        if root in keys and (found := opening.corrected(tips[root], correction, keys[root])):
            opened[case_id] = found
    return opened


def _fresh(cases: Iterable[OneCase], listed: dict[str, list[Any]]) -> Sheet:
    """What the sheet knows of these cases as they are now; nothing if it is of another day's format."""
    try:
        return {
            case.pk: Facets.from_list(found)
            for case in cases
            if (found := listed.get(case.pk.hex)) and found[0] == case.version
        }
    except (ValueError, TypeError):
        return {}


def _key(seed: bytes, program: UUID) -> bytes:
    return HKDF(hashes.SHA256(), 32, program.bytes, b"tipline-board-sheet").derive(seed)


def _place(program: UUID, oversight: bool) -> sealing.Place:
    return sealing.Place(program, program, "board-sheet-oversight" if oversight else "board-sheet")


def _read(row: BoardSheet, key: bytes) -> dict[str, list[Any]]:
    """Open a sheet: each case's facets as a list, by its id in hex; they are made into more when asked for."""
    try:
        plain = sealing.unseal(bytes(row.sealed), key=key, place=_place(row.program_id, row.oversight))
        found: dict[str, list[Any]] = json.loads(zlib.decompress(plain))
        return found
    except (SealBroken, ValueError, zlib.error):
        # A sheet is a copy: one that does not open is made again.
        return {}


def _write(row: BoardSheet | None, program: UUID, oversight: bool, current: Sheet, key: bytes) -> None:
    listed = {case_id.hex: each.to_list() for case_id, each in current.items()}
    packed = zlib.compress(json.dumps(listed, separators=(",", ":")).encode(), 1)
    if len(packed) > sealing.LARGEST:
        return  # some 15,000 open cases: the board still works, only slower
    blob = sealing.seal(packed, key=key, place=_place(program, oversight))
    if row is None:
        made = BoardSheet(program_id=program, oversight=oversight, sealed=blob)
        BoardSheet.objects.bulk_create([made], ignore_conflicts=True)
        return
    # Whoever wrote meanwhile wins: their sheet is as good, and the version keeps the two apart.
    BoardSheet.objects.filter(pk=row.pk, version=row.version).update(version=row.version + 1, sealed=blob)
