"""Reasons marked in the words, however they overlap."""

from triage.console.highlighting import marked
from triage.console.opening import Reason


def _reason(start, end, why):
    return Reason(start, end, "rule", why)


def test_pieces_always_make_up_the_text():
    text = "a gun to school tomorrow"
    reasons = [_reason(0, 5, "x"), _reason(2, 10, "y"), _reason(2, 5, "z"), _reason(20, 99, "w"), _reason(9, 3, "v")]

    pieces, _ = marked(text, reasons)

    assert "".join(piece.text for piece in pieces) == text


def test_overlapping_reasons_each_end_where_they_end():
    pieces, notes = marked("abcdef", [_reason(0, 4, "first"), _reason(2, 6, "second")])

    assert [(piece.text, piece.marked, piece.ends) for piece in pieces] == [
        ("ab", True, ()),
        ("cd", True, (1,)),
        ("ef", True, (2,)),
    ]
    assert [note.number for note in notes] == [1, 2]


def test_a_reason_about_the_whole_tip_has_a_note_and_no_mark():
    pieces, notes = marked("abc", [_reason(0, 0, "danger was ticked")])

    assert [piece.marked for piece in pieces] == [False]
    assert not notes[0].in_text


def test_the_same_reason_twice_is_noted_once():
    _, notes = marked("abc", [_reason(0, 1, "same"), _reason(0, 1, "same")])

    assert len(notes) == 1


def test_one_sentence_about_two_places_has_one_number():
    pieces, notes = marked("gun and gun", [_reason(0, 3, "A weapon"), _reason(8, 11, "A weapon")])

    assert [(piece.starts, piece.ends) for piece in pieces if piece.marked] == [((1,), (1,)), ((), (1,))]
    assert len(notes) == 1


def test_offsets_count_code_points():
    pieces, _ = marked("🔫🔫 gun", [_reason(3, 6, "weapon")])

    assert [piece.text for piece in pieces if piece.marked] == ["gun"]


def test_an_empty_text_has_no_pieces():
    assert marked("", [_reason(0, 3, "x")])[0] == []


def test_what_a_situation_put_together_is_not_said_again_piece_by_piece():
    text = "bring a gun to school tomorrow"
    reasons = [
        Reason(0, 30, "together.weapon-to-school-soon", "A weapon is to come to a school at a known time"),
        Reason(8, 11, "en.weapon", "A weapon"),
        Reason(8, 21, "together.weapon-and-school", "A weapon together with a school"),
        Reason(0, 30, "en.same-place", "Said of the same place"),
        Reason(15, 30, "model.words", "In labelled tips"),
    ]

    _, notes = marked(text, reasons)

    assert sorted(note.explanation for note in notes) == [
        "A weapon is to come to a school at a known time",
        "In labelled tips",
        "Said of the same place",
    ]
