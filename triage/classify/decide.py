"""Weigh what was found in a text and decide on categories and level."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from triage.classify.assessment import Assessment, Reason
from triage.classify.folding import Folded
from triage.classify.language import languages_of
from triage.classify.lexicon import TARGETS, Language, Lexicon, Rule, Situation
from triage.classify.matching import Hit
from triage.classify.taxonomy import STAND_ALONE, Category, Urgency, worse
from triage.classify.tokens import Token

FIGURE = "figure"
ALARMING = frozenset({"threat", "suicide", "suicide-means", "attack"})
NEGATION_REACH = 2
"""A negation this many words before a phrase, or nearer, takes it back."""
WORD_REASON = 0.3
"""A single word explains itself to the reader only from this weight."""
WORD_SCALE = 4.0
"""Word weights count in full in a text with 16 known words; more known words weigh less each."""
STEM = 4
"""Beginnings of words in the word files have this many letters."""
MOST_REASONS = 24
FAINT_SIGNS = "Many faint signs together; no single phrase stands out, so read the whole tip"
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
    groups = [[item for item in found if tag in item.rule.tags and item.factor == 1.0] for tag in situation.all]
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
    for situation in lexicon.situations:
        place = _place_of(situation, found)
        if place is not None:
            ballot.add(situation.weights.items())
            ballot.insist(situation.always)
            start, end = reader.span(*place)
            category = _first_category(situation.weights)
            ballot.reasons.append(Reason(start, end, situation.name, situation.say, category))


def word_keys(tokens: Sequence[Token], language: Language) -> dict[str, int]:
    """Return the known words of a text, and beginnings of words, with the place they first stand."""
    words = language.words
    keys: dict[str, int] = {}
    for place, token in enumerate(tokens):
        if token.text in words:
            keys.setdefault(token.text, place)
        if len(token.text) > STEM:
            stem = f"{token.text[:STEM]}*"
            if stem in words:
                keys.setdefault(stem, place)
        if "\u3400" <= token.text <= "\u9fff" and place + 1 < len(tokens):
            pair = f"{token.text} {tokens[place + 1].text}"
            if pair in words:
                keys.setdefault(pair, place)
    return keys


def _count_words(ballot: Ballot, tokens: Sequence[Token], languages: Sequence[Language], reader: Reader) -> None:
    known = [(language, word_keys(tokens, language)) for language in languages]
    count = sum(len(keys) for _, keys in known)
    if not count:
        return
    factor = min(1.0, WORD_SCALE / math.sqrt(count))  # a long text must not win by its length
    for language, keys in known:
        for key, place in keys.items():
            ballot.add(language.words[key], factor)
            _explain_word(ballot, language, key, factor, reader.span(place, place + 1 + key.count(" ")))


def _explain_word(ballot: Ballot, language: Language, key: str, factor: float, span: tuple[int, int]) -> None:
    """Name a word that weighs much by itself; little words like "he" explain nothing to a reader."""
    if key in language.common:
        return
    target, weight = max(language.words[key], key=lambda pair: pair[1])
    if weight * factor < WORD_REASON:
        return
    if target in CATEGORY_CODES:
        say = f"A word that tips about {target.replace('_', ' ')} often have"
        ballot.reasons.append(Reason(*span, f"{language.code}.word", say, target))
    else:
        say = "A word that pressing tips often have"
        ballot.reasons.append(Reason(*span, f"{language.code}.word", say, None))


def _categories(sums: dict[str, float], *, pages: bool) -> tuple[str, ...]:
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


def _level(ballot: Ballot) -> Urgency:
    sums = ballot.sums
    level = Urgency.ROUTINE
    if sums["paging"] > 0:
        level = Urgency.IMMINENT if sums[Urgency.IMMINENT] > 0 else Urgency.URGENT
    elif sums[Urgency.PRIORITY] > 0:
        level = Urgency.PRIORITY
    return level if ballot.always is None else worse(level, ballot.always)


def weigh(
    folded: Folded, tokens: Sequence[Token], lexicon: Lexicon, hint: str | None, version: str
) -> Assessment | None:
    """Return the judgement of the rules, or None if they cannot read the text."""
    languages = languages_of(tokens, lexicon, hint)
    if not languages:
        return None
    reader = Reader(folded, tokens)
    ballot = Ballot({target: lexicon.bias.get(target, lexicon.bias["other"]) for target in TARGETS})
    found = [item for language in languages for item in find_rules(tokens, language, lexicon)]
    _count_rules(ballot, found, reader)
    _count_situations(ballot, found, lexicon, reader)
    _count_words(ballot, tokens, languages, reader)
    level = _level(ballot)
    categories = _categories(ballot.sums, pages=level.pages)
    if level.pages and not ballot.reasons:
        ballot.reasons.append(Reason(0, 0, "words.together", FAINT_SIGNS, None))
    return Assessment(
        urgency=level,
        categories=categories,
        scores={target: _probability(value) for target, value in ballot.sums.items()},
        language=languages[0].code,
        reasons=_best_reasons(ballot.reasons, categories),
        version=version,
        judged=True,
    )


def _probability(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, value))))


def _best_reasons(reasons: Sequence[Reason], categories: Sequence[str]) -> tuple[Reason, ...]:
    """Rules and situations first; single words only where they say more than those, and not too many."""
    unique = list(dict.fromkeys(reasons))
    rules = [reason for reason in unique if not reason.rule.endswith(".word")]
    words = [
        reason
        for reason in unique
        if reason.rule.endswith(".word")
        and (reason.category is None or reason.category in categories)
        and not any(rule.start <= reason.start and reason.end <= rule.end for rule in rules)
    ]
    kept = sorted(rules, key=_start) + sorted(words, key=_start)
    return tuple((kept or unique)[:MOST_REASONS])


def _start(reason: Reason) -> int:
    return reason.start
