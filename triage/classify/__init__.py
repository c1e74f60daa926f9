"""Read a tip and say how soon it matters, what it is about, and why. Pure: no database, no Django.

The classifier orders work and wakes people. It never hides, closes or delays a tip, and a person
can overrule every answer.
"""

from dataclasses import replace

from triage.classify import features, folding, matching
from triage.classify.assessment import Assessment, Reason
from triage.classify.decide import version_of, weigh
from triage.classify.folding import fold
from triage.classify.lexicon import lexicon
from triage.classify.model import Model, model
from triage.classify.taxonomy import Category, Urgency, worse
from triage.classify.tokens import tokenise

__all__ = [
    "Assessment",
    "Category",
    "Reason",
    "Urgency",
    "classify",
    "classify_with",
    "forget",
    "shipped_version",
    "warm_up",
    "worse",
]


MESSAGE_LETTERS = 12
"""A text with this many letters is a message, even if nobody here can read it."""


def classify(
    text: str,
    lang: str | None = None,
    *,
    danger_ticked: bool = False,
    short_unjudged: Urgency = Urgency.PRIORITY,
) -> Assessment:
    """Assess a text of any length and content; no text makes this raise, missing weights do.

    `lang` is a hint (the language of the page), not a claim. `danger_ticked` says that the tipster
    ticked "somebody is in danger right now": at least urgent. What cannot be judged comes back with
    `judged` False, as urgent if it is long enough to be a message, else as `short_unjudged` (the
    program's policy; routine is refused).
    """
    judgement = classify_with(model(), text, lang, short_unjudged)
    if danger_ticked:
        ticked = Reason(0, 0, "form.danger", "The tipster ticked that somebody is in danger right now", None)
        judgement = replace(
            judgement,
            urgency=worse(judgement.urgency, Urgency.URGENT),
            reasons=(*judgement.reasons, ticked),
        )
    return judgement


def classify_with(
    chosen: Model, text: str, lang: str | None = None, short_unjudged: Urgency = Urgency.PRIORITY
) -> Assessment:
    """Assess a text with a certain model, as `classify` does with the shipped one."""
    folded = fold(text)
    tokens = tokenise(folded)
    return weigh(folded, tokens, lexicon(), lang, chosen) or _unjudged(text, short_unjudged, version_of(chosen))


def shipped_version() -> str:
    """Return the version an assessment of today would carry: weights and rules."""
    return version_of(model())


def warm_up() -> None:
    """Read the weights and the rules of every language before the first tip waits for them."""
    for language in lexicon().languages.values():
        _ = language.rules
    classify("warm up")


def forget() -> None:
    """Forget the words of the texts read so far, which are kept to read the next one faster."""
    features.forget()
    folding.fold_char.cache_clear()
    matching.forget()


def _unjudged(text: str, short: Urgency, version: str) -> Assessment:
    """Put before people what no rule can read."""
    letters = sum(char.isalpha() for char in text)
    level = Urgency.URGENT if letters >= MESSAGE_LETTERS else worse(short, Urgency.PRIORITY)
    why = "No rule can read this language" if letters else "There are no words to read"
    return Assessment(
        urgency=level,
        categories=(str(Category.OTHER),),
        scores={},
        language=None,
        reasons=(Reason(0, 0, "policy.unjudged", f"{why}: a person must look", None),),
        version=version,
        judged=False,
    )
