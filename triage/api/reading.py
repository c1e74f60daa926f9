"""Opening what a tip says for a program whose token holds the key: the content, never who the sender is."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from intake import sealed
from intake.message import Content
from intake.models import Tip
from tipline.kernel import sealing
from triage.audit.chain import Event
from triage.console import opening
from triage.console.cases import put_on_record as record_of
from triage.models import Assessment, Case
from triage.vault.keys import Unlocked
from triage.vault.tokens import Bearer


@dataclass(frozen=True, slots=True)
class Opened:
    """The messages of a case, oldest first, and the data key of the first."""

    messages: list[dict[str, Any]]
    root_key: bytes = field(repr=False)


def opened(case: Case, unlocked: Unlocked) -> Opened | None:
    """Return what was written, as far as these keys open it; None where they do not open the tip itself."""
    tips = list(Tip.objects.filter(Q(pk=case.tip_id) | Q(follows=case.tip_id)).order_by("number"))
    keys = opening.data_keys(tips, unlocked)
    if case.tip_id not in keys:
        return None
    judged = {each.tip_id: each for each in Assessment.objects.filter(tip__in=tips)}
    messages = [_message(tip, keys[tip.pk], judged.get(tip.pk)) for tip in tips if tip.pk in keys and tip.sealed]
    return Opened(messages, keys[case.tip_id])


def put_on_record(case: Case, found: Opened, bearer: Bearer, *, now: datetime) -> None:
    """Record that a program read it, with the token's name sealed under the tip's key."""
    record_of(case, Event.TOKEN_READ, bearer.user, now, found.root_key, note=bearer.token.name)


def _message(tip: Tip, key: bytes, judged: Assessment | None) -> dict[str, Any]:
    content = Content.from_bytes(sealing.unseal(bytes(tip.sealed), key=key, place=sealed.place(tip, sealed.CONTENT)))
    thought = opening.thought(tip, judged, key) if judged else None
    return {
        "number": tip.number,
        "status": tip.status,
        "level": thought.urgency if thought else None,
        "categories": list(thought.categories) if thought else [],
        "language": thought.language if thought else None,
        "quarter": content.quarter.isoformat(),
        "said": asdict(content.message),
    }
