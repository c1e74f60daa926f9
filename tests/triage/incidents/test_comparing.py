"""Tips side by side: what only one of them says is marked, and nothing else."""

import pytest

from triage.incidents.comparing import compare
from triage.incidents.telling import Kind

from .test_same_event import THREAT


def only(*tips: str) -> list[list[str]]:
    return [[each.text for each in one.only] for one in compare([[text] for text in tips])]


def test_another_hallway_and_a_time_are_marked():
    other = THREAT.replace("science hallway", "music hallway") + " At 9:40."

    first, second = compare([[THREAT], [other]])

    assert [each.text for each in first.only] == ["science"]
    assert [(each.text, each.kind) for each in second.only] == [
        ("music", Kind.WORD),
        ("9:40", Kind.NUMBER),
    ]


@pytest.mark.parametrize(
    "text",
    [THREAT.upper(), "Please, " + THREAT + "!!!", THREAT.replace("everybody", "evrybody"), THREAT],
)
def test_the_same_in_another_guise_is_not_marked(text):
    marked = only(THREAT, text)

    assert marked[0] == []
    assert [word for word in marked[1] if word != "Please"] == []


def test_what_a_third_tip_says_as_well_is_not_marked():
    north = THREAT.replace("science", "north")

    assert only(THREAT, north, north + " He has an axe.") == [["science"], [], ["axe"]]


def test_the_same_place_word_beside_another_word_is_another_place():
    marked = only(
        "Marcus waits at the north entrance, his brother at the south gate with the car",
        "Marcus waits at the south entrance, his brother at the north gate with the car",
    )

    assert all(marked)


def test_the_pieces_are_the_text_as_it_was_typed():
    texts = [THREAT, "  MARCUS\n\nhas  a 🔫 — «ready»\t", ""]

    for text, one in zip(texts, compare([[text] for text in texts]), strict=True):
        assert "".join(each.text for each in one.answers[0]) == text


def test_one_tip_alone_has_nothing_marked():
    assert only(THREAT) == [[]]


def test_a_very_long_tip_is_compared_by_its_beginning_and_says_so():
    (long, short) = compare([["gun knife locker rooftop " * 2000], [THREAT]])

    assert not long.whole
    assert short.whole
