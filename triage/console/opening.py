"""Opening what is sealed of a case, with the keys of this request."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from intake import sealed
from intake.models import Tip, Wrap
from tipline.kernel import sealing
from tipline.kernel.sealing import SealBroken
from triage.models import Assessment, Correction
from triage.vault.keys import Unlocked


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the classifier thinks so: a span of the text in code points, and one sentence."""

    start: int
    end: int
    rule: str
    explanation: str
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Thought:
    """What the classifier thought of one tip or follow-up, opened."""

    urgency: str
    judged: bool
    version: str
    categories: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    language: str | None = None
    channel: str = ""
    quarter: datetime | None = None
    like: UUID | None = None


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a coordinator answered instead."""

    urgency: str
    categories: tuple[str, ...] = field(default_factory=tuple)

    def to_bytes(self) -> bytes:
        return json.dumps({"v": 1, "urgency": self.urgency, "categories": list(self.categories)}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Corrected":
        found: dict[str, Any] = json.loads(data)
        return cls(found["urgency"], tuple(found["categories"]))


def data_keys(tips: Iterable[Tip], unlocked: Unlocked) -> dict[UUID, bytes]:
    """Open the content keys of these tips; one whose wrap is not ours, or was changed, is left out."""
    by_tip = {tip.pk: tip for tip in tips}
    held = unlocked.key_ids()
    found: dict[UUID, bytes] = {}
    wraps = Wrap.objects.filter(tip__in=by_tip, purpose__in=sealed.CONTENT_PURPOSES)
    for wrapped in wraps.only("tip_id", "purpose", "key_id", "sealed"):
        if wrapped.tip_id is None or wrapped.key_id not in held:
            continue
        seed = unlocked.seed_of(wrapped.key_id)
        try:
            key = sealed.data_key(by_tip[wrapped.tip_id], [wrapped], key_id=wrapped.key_id, seed=seed or b"")
        except (SealBroken, ValueError):
            continue
        if key is not None:
            found[wrapped.tip_id] = key
    return found


def thought(tip: Tip, assessment: Assessment, key: bytes | None) -> Thought:
    """Open what the classifier thought; only its level where nothing is sealed or the key is missing."""
    level = str(assessment.urgency)
    plain = Thought(level, assessment.judged, assessment.version)
    if key is None or not assessment.sealed:
        return plain
    place = sealed.place(tip, sealed.ASSESSMENT)
    try:
        found: dict[str, Any] = json.loads(sealing.unseal(bytes(assessment.sealed), key=key, place=place))
    except (SealBroken, ValueError):
        return plain
    quarter = found.get("quarter")
    return Thought(
        level,
        assessment.judged,
        assessment.version,
        categories=tuple(found.get("categories", ())),
        reasons=tuple(Reason(*each) for each in found.get("reasons", ())),
        language=found.get("language"),
        channel=found.get("channel", ""),
        quarter=datetime.fromisoformat(quarter) if quarter else None,
        like=UUID(found["like"]) if "like" in found else None,
    )


def corrected(tip: Tip, correction: Correction, key: bytes) -> Corrected | None:
    """Open a coordinator's correction; None if it was changed."""
    place = sealed.place(tip, sealed.CORRECTION, correction.pk)
    try:
        return Corrected.from_bytes(sealing.unseal(bytes(correction.sealed), key=key, place=place))
    except (SealBroken, ValueError, KeyError):
        return None
