"""The rule files: every one can be read, every name in them exists, and mistakes are refused."""

import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from triage.classify.folding import fold, fold_plain
from triage.classify.lexicon import RULES, TARGETS, RuleError, lexicon, read_language
from triage.classify.matching import Phrasebook, PhraseError
from triage.classify.tokens import tokenise

FILES = sorted(RULES.glob("*.toml"))
LANGUAGES = [path for path in FILES if path.stem != "together"]


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_every_language_file_can_be_read_and_says_something(path):
    language = read_language(path)

    assert language.rules
    assert language.common


def test_every_target_of_a_situation_exists():
    raw = tomllib.loads((RULES / "together.toml").read_text(encoding="utf-8"))
    targets = {target for entry in raw["situation"] for target in entry.get("weights", {})}

    assert targets
    assert targets <= set(TARGETS)


def test_every_tag_of_a_situation_is_given_by_some_rule():
    given = {tag for language in lexicon().languages.values() for rule in language.rules for tag in rule.tags}
    asked = {tag for situation in lexicon().situations for tag in situation.all}

    assert asked <= given


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_the_rules_of_one_language_have_different_names_and_readable_reasons(path):
    rules = read_language(path).rules
    names = [rule.name for rule in rules]

    assert len(names) == len(set(names))
    assert all(len(rule.say) >= 4 and rule.say[0].isupper() for rule in rules)


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_every_language_knows_suicide_weapons_and_threats(path):
    tags = {tag for rule in read_language(path).rules for tag in rule.tags}

    assert {"suicide", "suicide-means", "weapon", "weapon-to-school", "threat", "soon", "now", "over"} <= tags


def test_the_rules_of_a_language_are_read_when_it_is_first_spoken(monkeypatch):
    read: list[str] = []
    monkeypatch.setattr(
        import_module("triage.classify.lexicon"),
        "_rules_of",
        lambda text, lists, code: (read.append(code) or [], Phrasebook({})),
    )
    fresh = lexicon.__wrapped__()

    assert not read
    assert fresh.languages["fr"].common
    assert fresh.languages["fr"].rules == []
    assert read == ["fr"]


def test_phrases_are_parted_by_semicolons_and_may_run_over_lines(tmp_path: Path):
    path = tmp_path / "xx.toml"
    path.write_text(HEAD + "[[rule]]\nid = 'a'\nsay = 'A thing'\nmatch = '''\nred\nboat; blue\n'''", encoding="utf-8")

    phrases = read_language(path).phrases

    assert len(phrases.find(tokenise(fold("a red boat")))) == 1
    assert len(phrases.find(tokenise(fold("a blue boat")))) == 1
    assert phrases.find(tokenise(fold("boat; red"))) == []


HEAD = 'language = "xx"\nscript = "latin"\n'
RULE = '[[rule]]\nid = "a"\nsay = "A thing"\nmatch = "word"\n'


@pytest.mark.parametrize(
    "text",
    [
        HEAD + RULE + "weights = {no_such_category = 1.0}",
        HEAD + RULE + 'always = "at once"',
        HEAD + RULE + 'colour = "red"',
        HEAD + '[[rule]]\nid = "a"\nsay = "A thing"\nmatch = ""',
        HEAD + '[[rule]]\nid = "a"\nsay = "A thing"\nmatch = ["word"]',
        HEAD + '[[rule]]\nid = "a"\nsay = "A thing"\nmatch = "word;"',
        HEAD + '[[rule]]\nid = "a"\nsay = "A thing"\nmatch = "... word"',
        HEAD + '[[rule]]\nid = "a"\nsay = "A thing"\nmatch = "<nothing>"',
        HEAD + '[[rule]]\nid = "a"\nsay = "A thing"\nmatch = "word?"',
        'language = "yy"\nscript = "latin"',
    ],
)
def test_a_file_that_says_something_impossible_is_refused_by_name(tmp_path: Path, text):
    path = tmp_path / "xx.toml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(RuleError, match="xx"):
        read_language(path)


def found(phrase: str, text: str) -> bool:
    phrases = Phrasebook({"animal": "dog cat*"})
    phrases.add(fold_plain(phrase), 0)
    return bool(phrases.find(tokenise(fold(text))))


@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        ("kill* him", "killing him", True),
        ("kill* him", "skill him", False),
        ("gun|knife", "a knife", True),
        ("feed <animal>", "feed cats", True),
        ("feed <animal>", "feed birds", False),
        ("take the? pills", "take pills", True),
        ("take the? pills", "take the pills", True),
        ("take .. pills", "take all of those pills", True),
        ("take .. pills", "take one two three four pills", False),
        ("take ... pills", "take one two three four pills", True),
        ("take ... pills", "take it. The pills are blue", False),
        ("想死", "我想死", True),
    ],
)
def test_the_phrase_language_means_what_its_page_says(phrase, text, expected):
    assert found(phrase, text) is expected


def test_an_empty_choice_is_refused():
    with pytest.raises(PhraseError):
        Phrasebook({}).add("one *", 0)
