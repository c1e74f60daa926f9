"""Reading a tip for the first time: open it with the key of the hour, classify, seal what was found.

Nothing here knows the database beyond the rows it is handed; triage.actions decides what they mean.
"""

import gc
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from intake import sealed
from intake.message import Content, Message
from intake.models import Tip, Wrap
from tipline import tidying
from tipline.kernel import sealing
from tipline.kernel.sealing import SealBroken
from triage import epochs
from triage.classify import Assessment, Urgency, classify, forget, worse
from triage.classify import warm_up as classifier_warm_up
from triage.classify.taxonomy import of_self_harm
from triage.incidents import kin, telling
from triage.incidents.kin import Asked, Found

log = logging.getLogger("tipline.triage")

NOT_ASSESSED = "none"
"""The version of an assessment that no classifier made."""

MOST_DIFFERING = 50
COMPARED = ("people", "vehicle", "place", "time", "school")
OTHER_ANSWERS = ("people", "vehicle", "place", "time", "school", "who_knows", "guessable")


class CannotOpen(Exception):
    """No key this host has opens the tip."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is stored of one tip's assessment."""

    urgency: Urgency
    judged: bool
    version: str
    sealed: bytes = b""
    event: Found | None = None
    self_harm: bool = False

    @property
    def pages(self) -> bool:
        """Whether somebody is woken."""
        return self.urgency.pages


tidying.also(forget)


def warm_up() -> None:
    """Load weights and rules before the first tip waits for them, and set aside what is never garbage.

    Without them the process goes on: each tip then goes to people as urgent, which needs somebody to carry it there.
    """
    try:
        classifier_warm_up()
    except Exception as fault:
        log.error("assess.no_classifier %s", type(fault).__name__)
    gc.collect()
    gc.freeze()


def unassessed() -> Finding:
    """Return what is stored when nothing could read the tip: a person must, at once."""
    return Finding(Urgency.URGENT, judged=False, version=NOT_ASSESSED)


@dataclass(frozen=True, slots=True)
class Read:
    """A tip that was opened and judged: what is stored of it is sealed when it was compared with others."""

    tip: Tip
    key: bytes = field(repr=False)
    content: Content = field(repr=False)
    assessment: Assessment = field(repr=False)

    @property
    def asked(self) -> Asked:
        """What is compared with other tips; no text makes this raise."""
        message = self.content.message
        answers = {"text": message.text, **{name: getattr(message, name) for name in COMPARED}}
        return Asked(
            self.tip.program_id,
            self.tip.pk,
            message.insider,
            telling.read(answers),
            self.assessment.urgency,
            alone=kin.alone(self.assessment, about_me=message.about_me),
        )


def open_and_judge(tip: Tip, wraps: Iterable[Wrap]) -> Read:
    """Open a tip with this host's key and classify it. Raises CannotOpen, and whatever a classifier raises."""
    key = data_key(tip, wraps)
    try:
        content = Content.from_bytes(
            sealing.unseal(bytes(tip.sealed), key=key, place=sealed.place(tip, sealed.CONTENT))
        )
    except SealBroken:
        raise CannotOpen from None
    return Read(tip, key, content, judge(content.message))


def finding(read: Read, event: Found | None = None) -> Finding:
    """Seal what was found of a tip, and of its like if it was compared."""
    assessment = read.assessment
    plain = as_json(assessment, read.content, event)
    blob = sealing.seal(plain, key=read.key, place=sealed.place(read.tip, sealed.ASSESSMENT))
    self_harm = of_self_harm(assessment.categories)
    return Finding(assessment.urgency, assessment.judged, assessment.version, blob, event, self_harm)


def data_key(tip: Tip, wraps: Iterable[Wrap]) -> bytes:
    """Return the tip's content key from a wrap this host holds the key of. Raises CannotOpen."""
    for wrap in wraps:
        seed = epochs.seed_of(wrap.key_id)
        if seed is None:
            continue
        try:
            found = sealed.data_key(tip, [wrap], key_id=wrap.key_id, seed=seed)
        except SealBroken:
            continue
        if found is not None:
            return found
    raise CannotOpen


def judge(message: Message) -> Assessment:
    """Classify the text, and the other answers beside it; the worse level counts.

    Reasons keep their places in the text; those from other answers stand for the whole tip.
    """
    first = classify(message.text, danger_ticked=message.danger == "yes")
    others = "\n".join(filter(None, (getattr(message, name) for name in OTHER_ANSWERS)))
    if not others:
        return first
    second = classify(others)
    # A name or a number plate is no language: what cannot be judged beside a text says nothing.
    return merged(first, second) if second.judged else first


def merged(first: Assessment, second: Assessment) -> Assessment:
    """Return the worse of both, with the categories and reasons of both."""
    alone = {"other", "not_a_tip"}
    both = dict.fromkeys((*first.categories, *second.categories))
    categories = tuple(name for name in both if name not in alone) or first.categories
    scores = {
        name: max(first.scores.get(name, 0.0), second.scores.get(name, 0.0))
        for name in {**first.scores, **second.scores}
    }
    whole = tuple(type(reason)(0, 0, reason.rule, reason.explanation, reason.category) for reason in second.reasons)
    return Assessment(
        urgency=worse(first.urgency, second.urgency),
        categories=categories,
        scores=scores,
        language=first.language or second.language,
        reasons=(*first.reasons, *whole),
        version=first.version,
        judged=first.judged,
    )


def as_json(assessment: Assessment, content: Content, event: Found | None = None) -> bytes:
    """Return what is sealed of an assessment, with the facets that would point to the sender."""
    return json.dumps(
        {
            "categories": list(assessment.categories),
            "scores": dict(assessment.scores),
            "reasons": [
                [reason.start, reason.end, reason.rule, reason.explanation, reason.category]
                for reason in assessment.reasons
            ],
            "language": assessment.language,
            "channel": content.channel,
            "quarter": content.quarter.isoformat(),
            "urgency": str(assessment.urgency),
            "judged": assessment.judged,
            **(_like(event) if event and event.like else {}),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def _like(event: Found) -> dict[str, object]:
    """Say which tip this one is like and, by answer and place, what it says that no tip of that event said."""
    differs = event.likeness.differs if event.likeness else ()
    return {
        "like": str(event.like),
        "differs": [[word.answer, word.start, word.end, str(word.kind)] for word in differs[:MOST_DIFFERING]],
    }
