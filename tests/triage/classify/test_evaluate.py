"""The evaluation command prints figures and no tip."""

import json

import pytest

from triage.classify.evaluate import main, precision_recall


def test_figures_are_printed_and_no_tip_is(tmp_path, capsys):
    path = tmp_path / "tips.jsonl"
    tips = [
        {"id": "t1", "lang": "en", "text": "I want to die", "categories": ["self_harm"], "urgency": "urgent"},
        {
            "id": "t2",
            "lang": "en",
            "text": "this exam is killing me",
            "categories": ["not_a_tip"],
            "urgency": "routine",
        },
    ]
    path.write_text("\n".join(json.dumps(tip) for tip in tips), encoding="utf-8")

    main([str(path), "--ids"])

    printed = capsys.readouterr().out
    assert "paging recall 1.000, precision 1.000" in printed
    assert "near misses paged 0 of 1" in printed
    assert "want to die" not in printed
    assert "exam" not in printed


def test_precision_recall_and_f1_are_right_and_never_divide_by_zero():
    assert precision_recall(right=3, said=4, true=6) == pytest.approx((0.75, 0.5, 0.6))
    assert precision_recall(right=0, said=0, true=0) == (0.0, 0.0, 0.0)
