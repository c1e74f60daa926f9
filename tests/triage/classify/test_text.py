"""Folding, cutting into words and hostile text: offsets stay true, nothing raises, work is bounded."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.classify import classify
from triage.classify.folding import fold
from triage.classify.lexicon import lexicon
from triage.classify.matching import REPEATS_PER_RULE, STEPS_PER_START, Phrasebook
from triage.classify.tokens import tokenise

WORDS = ["gun", "school", "tomorrow", "I want to die", "k\u200bill", "ﬁre", "l'école", "枪", "مدرسة", "ਸਕੂਲ", "🔫",
          "\ud83d", "\x00", "<b>", "don’t", "𝒈𝒖𝒏"]  # fmt: skip
ANY_TEXT = st.lists(st.one_of(st.text(st.characters(), max_size=12), st.sampled_from(WORDS)), max_size=30).map(" ".join)


@given(ANY_TEXT)
@settings(max_examples=150, deadline=None)
def test_no_text_raises_and_every_span_lies_in_the_original(text):
    answer = classify(text)

    for reason in answer.reasons:
        assert 0 <= reason.start <= reason.end <= len(text)
        assert reason.start < reason.end or reason.start == reason.end == 0


@given(ANY_TEXT)
@settings(max_examples=150, deadline=None)
def test_folding_keeps_one_origin_for_each_character_in_order(text):
    folded = fold(text)

    assert len(folded.text) == len(folded.origin)
    assert list(folded.origin) == sorted(folded.origin)
    assert all(0 <= place < len(text) for place in folded.origin)


@given(ANY_TEXT)
@settings(max_examples=150, deadline=None)
def test_tokens_stand_in_order_and_do_not_overlap(text):
    tokens = tokenise(fold(text))

    for left, right in pairwise(tokens):
        assert left.start < left.end <= right.start
        assert left.sentence <= right.sentence


@given(st.text(st.characters(), max_size=20), st.text(st.characters(categories=["Cf", "Zs"]), max_size=20))
@settings(max_examples=60, deadline=None)
def test_what_stands_before_a_threat_does_not_move_its_span(before, invisible):
    text = f"{before}\n{invisible}\nHe will bring a gun to school tomorrow"

    answer = classify(text)

    # What stands before may say something itself ("RN" is right now), and the time is then pointed at there.
    spans = {text[reason.start : reason.end] for reason in answer.reasons}
    assert any(span.startswith("bring a gun to school") for span in spans)


def test_a_span_covers_the_invisible_characters_inside_a_word():
    text = "he has a g\u200bu\u200bn at school"

    answer = classify(text)

    assert any(text[reason.start : reason.end] == "g\u200bu\u200bn" for reason in answer.reasons)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don’t", ["dont"]),
        ("uncle's gun", ["uncle", "gun"]),
        ("l'école", ["l", "ecole"]),
        ("ＧＵＮ", ["gun"]),
        ("k i l l him", ["kill", "him"]),
        ("不想活", ["不", "想", "活"]),
        ("ਸਕੂਲ ਵਿੱਚ", ["ਸਕੂਲ", "ਵਿੱਚ"]),
        ("مُدَرِّس", ["مدرس"]),
        ("so\u00adft", ["soft"]),
    ],
)
def test_words_are_cut_as_a_reader_would(text, words):
    assert [token.text for token in tokenise(fold(text))] == words


@pytest.mark.parametrize(
    "pattern",
    ["gun ", "i want to ", "he will kill ", "🔫", "school gun ", "bring gun knife bomb gun ", "想死", "a "],
)
def test_the_work_of_the_search_grows_only_with_the_text(pattern, monkeypatch):
    walk = Phrasebook._walk
    steps = []
    monkeypatch.setattr(Phrasebook, "_walk", lambda *where: steps.append(walk(*where)) or steps[-1])

    def steps_for(length: int) -> int:
        tokens = tokenise(fold(pattern * length))
        steps.clear()
        for language in lexicon().languages.values():
            language.phrases.find(tokens)
        return sum(steps)

    small, large = steps_for(200), steps_for(1600)

    assert large <= small * 9 + 1000
    assert all(count <= STEPS_PER_START for count in steps)


def test_a_phrase_repeated_without_end_counts_a_few_times():
    phrases = Phrasebook({})
    phrases.add("buy gun", 0)

    assert len(phrases.find(tokenise(fold("buy gun " * 5000)))) == REPEATS_PER_RULE


@pytest.mark.parametrize(
    "text",
    [
        " " * 1_000_000,
        "🙂" * 100_000,
        "\u200b" * 200_000,
        "a" * 300_000,
        "a'" * 50_000,
        "a@" * 50_000,
        "l l " * 20_000,
        "((((" * 50_000,
        "<div>" * 20_000,
        "\u202e" * 1000 + "gun",
        "\u0301" * 100_000,
        "ﷺ" * 20_000,
        "\ud800" * 50_000,
        "\x00" * 100_000,
        '"' * 100_000,
        "." * 100_000,
    ],
    ids=lambda text: repr(text[:3]),
)
def test_a_flood_is_answered_and_never_silently_routine(text):
    answer = classify(text)

    assert answer.judged or answer.urgency in ("urgent", "priority")


def test_a_flood_does_not_blind_to_the_threat_behind_it():
    flood = "he will gun gun gun school the i want to " * 2000

    assert classify(flood + ". He will bring a gun to school tomorrow").urgency == "imminent"
