"""Weigh what was found in a text and decide on categories and level."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from triage.classify.assessment import Assessment, Reason
from triage.classify.features import Features, features
from triage.classify.folding import Folded
from triage.classify.language import languages_of
from triage.classify.lexicon import TARGETS, Language, Lexicon, Rule, Situation, rules_version
from triage.classify.matching import Hit
from triage.classify.model import PAGING, Model
from triage.classify.taxonomy import STAND_ALONE, Category, Urgency, worse
from triage.classify.tokens import Token

FIGURE = "figure"
ALARMING = frozenset({"threat", "suicide", "suicide-means", "attack"})
GRAVE = frozenset(
    {"threat", "threat-hint", "suicide", "suicide-hint", "suicide-means", "goodbye", "edge"}
    | {"attack", "attack-school", "weapon", "weapon-to-school"}
)
SOFT = frozenset({"game", "story", "joke", "over", "figure"})
NEGATION_REACH = 2
"""A negation this many words before a phrase, or nearer, takes it back."""
TELLING = 0.7
"""From this weight for paging a rule explains by itself why somebody was woken."""
MOST_REASONS = 24
LEARNED = "In labelled tips, words like these often came with danger"
CATEGORY_CODES = frozenset(str(category) for category in Category)


@dataclass(frozen=True, slots=True)
class Found:
    """A rule found in the text: token span, and how much of its weight remains."""

    rule: Rule
    first: int
    stop: int
    sentence: int
    factor: float


@dataclass(slots=True)
class Ballot:
    """The running sums for every target, and what was counted."""

    sums: dict[str, float]
    always: Urgency | None = None
    reasons: list[Reason] = field(default_factory=list)

    def add(self, weights: Iterable[tuple[str, float]], factor: float = 1.0) -> None:
        for target, weight in weights:
            self.sums[target] += weight * factor

    def insist(self, level: Urgency | None) -> None:
        if level is not None:
            self.always = level if self.always is None else worse(self.always, level)


def find_rules(tokens: Sequence[Token], language: Language, lexicon: Lexicon) -> list[Found]:
    """Return the rules found in a text, each softened by what stands around it."""
    raw = []
    for hit in language.phrases.find(tokens):
        rule = language.rules[hit.rule]
        if not (rule.negatable and _negated(tokens, hit.first, language.negations)):
            raw.append((rule, hit))
    raw = _without_figures(raw)
    tags = {tag for rule, _ in raw for tag in rule.tags}
    softeners = [softener for softener in lexicon.softeners if softener.tag in tags]
    found = []
    for rule, hit in raw:
        factor = 1.0
        for softener in softeners:
            if rule.tags & softener.tags and rule.always is None:
                factor = min(factor, softener.factor)
        found.append(Found(rule, hit.first, hit.stop, tokens[hit.first].sentence, factor))
    return found


def _without_figures(raw: list[tuple[Rule, Hit]]) -> list[tuple[Rule, Hit]]:
    """Drop alarming phrases that are part of a figure of speech: "killing me" in "this exam is killing me"."""
    covered = {place for rule, hit in raw if FIGURE in rule.tags for place in range(hit.first, hit.stop)}
    if not covered:
        return raw
    return [
        (rule, hit) for rule, hit in raw if not rule.tags & ALARMING or covered.isdisjoint(range(hit.first, hit.stop))
    ]


def _negated(tokens: Sequence[Token], first: int, negations: frozenset[str]) -> bool:
    sentence = tokens[first].sentence
    for place in range(max(0, first - NEGATION_REACH), first):
        if tokens[place].text in negations and tokens[place].sentence == sentence:
            return True
    return False


class Reader:
    """Turns token spans into spans of the original text."""

    def __init__(self, folded: Folded, tokens: Sequence[Token]) -> None:
        self._folded = folded
        self._tokens = tokens

    def span(self, first: int, stop: int) -> tuple[int, int]:
        """Return start and end in the original of tokens `first` up to `stop`."""
        origin = self._folded.origin
        return origin[self._tokens[first].start], origin[self._tokens[stop - 1].end - 1] + 1


def _first_category(weights: Iterable[str]) -> str | None:
    return next((target for target in weights if target in CATEGORY_CODES), None)


def _count_rules(ballot: Ballot, found: Sequence[Found], reader: Reader) -> None:
    counted: dict[str, float] = {}
    for item in found:
        rule = item.rule
        if not rule.weights and rule.always is None:
            continue
        more = item.factor - counted.get(rule.name, 0.0)
        if more > 0:  # a rule found twice counts once, at its strongest
            counted[rule.name] = item.factor
            ballot.add(rule.weights.items(), more)
            ballot.insist(rule.always)
        start, end = reader.span(item.first, item.stop)
        say = rule.say if item.factor == 1.0 else f"{rule.say} (weighs less here: a game, a story or the past)"
        ballot.reasons.append(Reason(start, end, rule.name, say, _first_category(rule.weights)))


def _place_of(situation: Situation, found: Sequence[Found]) -> tuple[int, int] | None:
    """Return the token span where all tags of a situation stand together, if they do."""
    # What is marked *always* is never softened, by a game no more than by any other word.
    heard = [item for item in found if item.factor == 1.0 or situation.always is not None]
    groups = [[item for item in heard if tag in item.rule.tags] for tag in situation.all]
    if not all(groups):
        return None
    for anchor in groups[0]:
        span = (anchor.first, anchor.stop)
        for group in groups[1:]:
            near = [item for item in group if not situation.near or abs(item.sentence - anchor.sentence) <= 1]
            if not near:
                break
            item = min(near, key=lambda other: abs(other.first - anchor.first))
            span = (min(span[0], item.first), max(span[1], item.stop))
        else:
            return span
    return None


def _count_situations(ballot: Ballot, found: Sequence[Found], lexicon: Lexicon, reader: Reader) -> None:
    tags = {tag for item in found for tag in item.rule.tags}
    for situation in lexicon.situations:
        place = _place_of(situation, found) if tags.issuperset(situation.all) else None
        if place is not None:
            ballot.add(situation.weights.items())
            if situation.unless.isdisjoint(tags):
                ballot.insist(situation.always)
            start, end = reader.span(*place)
            category = _first_category(situation.weights)
            ballot.reasons.append(Reason(start, end, situation.name, situation.say, category))


def categories_of(sums: Mapping[str, float], *, pages: bool) -> tuple[str, ...]:
    """Choose the categories: all above zero, the strongest if none, stand-alone ones alone.

    What wakes somebody is never called "not a tip".
    """
    ranked = sorted(Category, key=lambda category: -sums[category])
    chosen = [category for category in ranked if sums[category] > 0 and category not in STAND_ALONE]
    alone = Category.OTHER if pages else max(STAND_ALONE, key=lambda category: sums[category])
    if sums[alone] > 0 and (not chosen or sums[alone] > sums[chosen[0]]):
        return (str(alone),)
    if not chosen:
        return (str(next(one for one in ranked if not pages or one is not Category.NOT_A_TIP)),)
    return tuple(str(category) for category in chosen)


def level_of(sums: Mapping[str, float], always: Urgency | None) -> Urgency:
    """Return the level: what is above zero counts, and `always` is the least."""
    level = Urgency.ROUTINE
    if sums["paging"] > 0:
        level = Urgency.IMMINENT if sums[Urgency.IMMINENT] > 0 else Urgency.URGENT
    elif sums[Urgency.PRIORITY] > 0:
        level = Urgency.PRIORITY
    return level if always is None else worse(level, always)


def names_of(
    found: Iterable[Found], ballot: Ballot, languages: Sequence[Language], tokens: Sequence[Token]
) -> list[str]:
    """Return what the model is told beside the words: rules, tags and situations, the same in every language."""
    names = [
        f"language {languages[0].code}" if languages else "language unknown",
        f"length {len(tokens).bit_length()}",
    ]
    for item in found:
        softened = "" if item.factor == 1.0 else "softened "
        names.append(f"{softened}rule {item.rule.name.partition('.')[2]}")
        names += [f"{softened}tag {tag}" for tag in sorted(item.rule.tags)]
    names += [reason.rule for reason in ballot.reasons if reason.rule.startswith("together.")]
    return names + standing(found, tokens[-1].sentence)


def standing(found: Iterable[Found], last: int) -> list[str]:
    """Return how what was found stands in the text: together in a sentence, in the first or the last one, or alone.

    A story that ends in "it was the drama club" is told by its end, and a threat beside a game by both.
    """
    sentences: dict[int, set[str]] = {}
    for item in found:
        tags = item.rule.tags or ({f"rule {item.rule.name.partition('.')[2]}"} if item.rule.weights else set())
        sentences.setdefault(item.sentence, set()).update(tags)
    every = set().union(*sentences.values())
    grave, soft = every & GRAVE, every & SOFT
    names = [f"grave {min(len(grave), 3)}", *(f"grave {tag} alone" for tag in grave if len(grave) == 1)]
    names += [f"whole {mild} {tag}" for mild in soft for tag in grave]
    for sentence, tags in sentences.items():
        names += [f"pair {one} {other}" for one, other in combinations(sorted(tags), 2)]
        names += [f"first {tag}" for tag in tags if sentence == 0]
        names += [f"last {tag}" for tag in tags if sentence == last]
    return names


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the rules found in a text."""

    ballot: Ballot
    names: list[str]
    found: list[Found]
    languages: list[Language]
    """The languages it was read in, the likeliest first."""


def gather(folded: Folded, tokens: Sequence[Token], lexicon: Lexicon, hint: str | None) -> Evidence | None:
    """Return what the rules find in a text, or None if no rule can read it."""
    languages = languages_of(tokens, lexicon, hint)
    if not languages:
        return None
    reader = Reader(folded, tokens)
    ballot = Ballot(dict.fromkeys(TARGETS, 0.0))
    found = [item for language in languages for item in find_rules(tokens, language, lexicon)]
    _count_rules(ballot, found, reader)
    _count_situations(ballot, found, lexicon, reader)
    return Evidence(ballot, names_of(found, ballot, languages, tokens), found, languages)


def version_of(model: Model) -> str:
    """Return what an assessment says of who made it: these weights with these rules."""
    return f"{model.version}/{rules_version()}"


def weigh(
    folded: Folded, tokens: Sequence[Token], lexicon: Lexicon, hint: str | None, model: Model
) -> Assessment | None:
    """Return the judgement of rules and model together, or None if they cannot read the text."""
    evidence = gather(folded, tokens, lexicon, hint)
    if evidence is None:
        return None
    ballot = evidence.ballot
    parts = features(tokens)
    chances = model.score(parts, len(tokens), evidence.names, [ballot.sums[target] for target in TARGETS])
    calibrated = dict(zip(TARGETS, chances.tolist(), strict=True))
    for rule in {item.rule.name: item.rule for item in evidence.found if item.rule.name not in model.known}.values():
        # Written after the last training: it counts with its own weights until the model has learned it.
        for target, weight in rule.weights.items():
            calibrated[target] += weight
    sums = {target: value - limit for (target, value), limit in zip(calibrated.items(), model.limits, strict=True)}
    level = level_of(sums, ballot.always)
    if not level.pages and model.likeness.is_foreign(tokens, evidence.languages):
        return None  # a person must look; what wakes somebody anyway may have been read wrong, and is seen at once
    categories = categories_of(sums, pages=level.pages)
    reasons = _without_repeats(ballot.reasons)
    if level.pages:
        told = any(_tells(item.rule.weights) for item in evidence.found)
        about = [TARGETS.index(category) for category in categories[:1] if category not in STAND_ALONE]
        asked = [PAGING, *about] if told else [PAGING, *about, PAGING]
        reasons = (*learned_reasons(parts, tokens, Reader(folded, tokens), model, asked), *reasons)
        reasons = reasons[:MOST_REASONS]
    return Assessment(
        urgency=level,
        categories=categories,
        scores={target: probability(value) for target, value in calibrated.items()},
        language=evidence.languages[0].code,
        reasons=reasons,
        version=version_of(model),
        judged=True,
    )


def _tells(weights: Mapping[str, float]) -> bool:
    """Whether a rule by itself tells a reader why somebody was woken; "a school" does not."""
    return weights.get("paging", 0.0) >= TELLING


def learned_reasons(
    found: Features, tokens: Sequence[Token], reader: Reader, model: Model, asked: Sequence[int]
) -> list[Reason]:
    """Point at the words that weighed most for waking somebody; a rule that fired may have said little of it."""
    spans = sorted(model.strongest(found, tokens, asked))
    return [Reason(*reader.span(first, stop), "model.words", LEARNED, None) for first, stop in spans]


def probability(value: float) -> float:
    """Return the chance that log odds stand for."""
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, value))))


def _without_repeats(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    return tuple(sorted(dict.fromkeys(reasons), key=lambda reason: reason.start)[:MOST_REASONS])
