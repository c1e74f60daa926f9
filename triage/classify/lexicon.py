"""Read the rule files into one lexicon: phrases, tags, situations.

The files under `rules/` are the knowledge; `rules/README.md` tells a coordinator how to add to it.
A file that says something impossible stops the program at its first use, never quietly.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from triage.classify.folding import fold_plain
from triage.classify.matching import Phrasebook, PhraseError
from triage.classify.taxonomy import Category, Urgency

RULES = Path(__file__).parent / "rules"
STRANGERS = Path(__file__).parent / "strangers.toml"
TARGETS: tuple[str, ...] = (*(str(category) for category in Category), "paging", "imminent", "priority")
"""What weights may add to: every category, and the levels. "paging" is urgent or worse."""
SHARE = 0.12
"""The least share of a text's words that must be common words of a language for it to be that language."""
_RULE_KEYS = frozenset({"id", "say", "match", "tags", "weights", "always", "negatable"})


class RuleError(ValueError):
    """A rule file says something impossible; the message names the file and the rule."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One curated rule: phrases, what they mean, and what they add to."""

    name: str
    say: str
    weights: Mapping[str, float]
    tags: frozenset[str]
    always: Urgency | None
    negatable: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """Tags that mean more together than apart, in any language."""

    name: str
    say: str
    all: tuple[str, ...]
    near: bool
    weights: Mapping[str, float]
    always: Urgency | None
    unless: frozenset[str]
    """Tags anywhere in the text that leave the decision to the model: what is told of a game may be one."""


@dataclass(frozen=True, slots=True)
class Softener:
    """A tag that takes weight from others: a game, a film, a memory."""

    tag: str
    factor: float
    tags: frozenset[str]


class Language:
    """Everything known about one language. Its rules are read when the first text in it comes."""

    def __init__(self, path: Path) -> None:
        # What stands before the first rule is read at once; a file of rules is long, and most texts need one or two.
        head, mark, rules = path.read_text(encoding="utf-8").partition("\n[[rule]]")
        raw = tomllib.loads(head)
        self._rules = mark + rules
        self._lists: Mapping[str, str] = raw.get("lists", {})
        self.code = path.stem
        if raw.get("language") != self.code or "script" not in raw:
            raise RuleError(f"{path.name}: must name its language {self.code!r} and its script")
        self.script: str = raw["script"]
        self.common = frozenset(fold_plain(raw.get("common", "")).split())
        self.telling = self.common | frozenset(fold_plain(raw.get("telling", "")).split())
        """Words that tell the language; those beyond the common ones say too much to be passed over elsewhere."""
        self.negations = frozenset(fold_plain(raw.get("negations", "")).split())
        self.share: float = raw.get("share", SHARE)

    @cached_property
    def _read(self) -> tuple[list[Rule], Phrasebook]:
        return _rules_of(self._rules, self._lists, self.code)

    @property
    def rules(self) -> list[Rule]:
        """The rules, in the order of the file. Raises RuleError if one says something impossible."""
        return self._read[0]

    @property
    def phrases(self) -> Phrasebook:
        """The phrases of all rules, by the number of their rule."""
        return self._read[1]


@dataclass(slots=True)
class Lexicon:
    """All languages, and what holds in every language."""

    languages: dict[str, Language]
    situations: list[Situation]
    softeners: list[Softener]
    speakers: dict[str, tuple[str, ...]]
    """For every word that tells a language, the languages it tells."""
    strangers: dict[str, tuple[str, ...]]
    """The same for languages that cannot be read."""
    strange_letters: frozenset[str]
    """Letters that no language has which can be read."""


def _weights(raw: Mapping[str, Any], where: str) -> dict[str, float]:
    for target in raw:
        if target not in TARGETS:
            raise RuleError(f"{where}: no such category or level: {target}")
    return {target: float(weight) for target, weight in raw.items()}


def _urgency(raw: str | None, where: str) -> Urgency | None:
    if raw is None:
        return None
    try:
        return Urgency(raw)
    except ValueError:
        raise RuleError(f"{where}: no such level: {raw}") from None


def _rule(raw: Mapping[str, Any], code: str) -> Rule:
    name = f"{code}.{raw.get('id', '?')}"
    unknown = set(raw) - _RULE_KEYS
    if unknown or not raw.get("id") or not raw.get("say") or not raw.get("match"):
        raise RuleError(f"{name}: needs id, say and match; does not know {sorted(unknown)}")
    if not isinstance(raw["match"], str):
        raise RuleError(f"{name}: match is one text, its phrases parted by semicolons")
    return Rule(
        name=name,
        say=raw["say"],
        weights=_weights(raw.get("weights", {}), name),
        tags=frozenset(raw.get("tags", ())),
        always=_urgency(raw.get("always"), name),
        negatable=raw.get("negatable", True),
    )


def _rules_of(text: str, lists: Mapping[str, str], code: str) -> tuple[list[Rule], Phrasebook]:
    rules: list[Rule] = []
    phrases = Phrasebook(lists)
    for entry in tomllib.loads(text).get("rule", ()):
        rule = _rule(entry, code)
        try:
            for phrase in fold_plain(entry["match"]).replace("\n", " ").split(";"):
                phrases.add(phrase, len(rules))
        except PhraseError as error:
            raise RuleError(f"{rule.name}: {error}") from None
        rules.append(rule)
    return rules, phrases


def read_language(path: Path) -> Language:
    """Read one language file whole. Raises RuleError if it says something impossible."""
    language = Language(path)
    _ = language.rules
    return language


def _situation(raw: Mapping[str, Any]) -> Situation:
    name = f"together.{raw['id']}"
    return Situation(
        name=name,
        say=raw["say"],
        all=tuple(raw["all"]),
        near=raw.get("near", True),
        weights=_weights(raw.get("weights", {}), name),
        always=_urgency(raw.get("always"), name),
        unless=frozenset(raw.get("unless", ())),
    )


@cache
def rules_version() -> str:
    """Return what tells this state of the rule files from any other."""
    total = hashlib.sha256()
    for path in [*sorted(RULES.glob("*.toml")), STRANGERS]:
        total.update(path.read_bytes())
    return f"rules-{total.hexdigest()[:8]}"


@cache
def lexicon() -> Lexicon:
    """Return the lexicon, read once; the rules of a language when it is first spoken."""
    languages = {}
    for path in sorted(RULES.glob("*.toml")):
        if path.stem == "together":
            continue
        languages[path.stem] = Language(path)
    speakers: dict[str, tuple[str, ...]] = {}
    for code, language in languages.items():
        for word in language.telling:
            speakers[word] = (*speakers.get(word, ()), code)
    strangers: dict[str, tuple[str, ...]] = {}
    foreign = tomllib.loads(STRANGERS.read_text(encoding="utf-8"))
    letters = frozenset(foreign.pop("letters"))
    for code, words in foreign.items():
        for word in set(fold_plain(words).split()):
            strangers[word] = (*strangers.get(word, ()), code)
    together = tomllib.loads((RULES / "together.toml").read_text(encoding="utf-8"))
    return Lexicon(
        languages=languages,
        situations=[_situation(raw) for raw in together.get("situation", ())],
        softeners=[
            Softener(raw["tag"], float(raw["factor"]), frozenset(raw["softens"])) for raw in together.get("soften", ())
        ],
        speakers=speakers,
        strangers=strangers,
        strange_letters=letters,
    )
