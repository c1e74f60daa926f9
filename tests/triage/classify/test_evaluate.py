"""The evaluation: its figures are right, and it prints no tip."""

import json

import pytest
from django.core.management import CommandError, call_command

from triage.classify.evaluate import Share, average_precision, figures
from triage.classify.labelled import LabelError, read

TIPS = [
    {"id": "t1", "lang": "en", "text": "I want to die", "categories": ["self_harm"], "urgency": "urgent"},
    {"id": "t2", "lang": "en", "text": "this exam is killing me", "categories": ["not_a_tip"], "urgency": "routine"},
]


@pytest.fixture
def tips(tmp_path):
    path = tmp_path / "tips.jsonl"
    path.write_text("\n".join(json.dumps(tip) for tip in TIPS), encoding="utf-8")
    return path


def test_figures_are_printed_and_no_tip_is(tips, capsys):
    call_command("evaluate_triage", str(tips))

    printed = capsys.readouterr().out
    assert "paging recall 1.000" in printed
    assert "near misses paged 0.000" in printed
    assert "want to die" not in printed
    assert "exam" not in printed


def test_two_models_are_shown_side_by_side_and_the_same_one_differs_in_nothing(tips, capsys):
    from triage.classify.model import WEIGHTS

    call_command("evaluate_triage", str(tips), compare=WEIGHTS)

    printed = capsys.readouterr().out
    assert "same level from both 1.000" in printed
    assert "+0.000" in printed


def test_the_html_report_draws_a_curve_and_escapes_what_it_quotes(tips, tmp_path, capsys):
    report = tmp_path / "report.html"
    bad = {**TIPS[0], "id": "t3", "text": "<script>alert(1)</script> the lamp in our street is broken"}
    tips.write_text(tips.read_text() + "\n" + json.dumps(bad), encoding="utf-8")

    call_command("evaluate_triage", str(tips), html=report)

    page = report.read_text()
    assert "<polyline" in page
    assert "<script" not in page
    assert "lamp" not in capsys.readouterr().out


def test_a_line_that_is_no_labelled_tip_is_named_by_file_and_number_only(tips):
    tips.write_text(tips.read_text() + '\n{"text": "secret words", "categories": ["nonsense"], "urgency": "urgent"}')

    with pytest.raises(LabelError, match=r"tips\.jsonl, line 3") as caught:
        read([tips])
    with pytest.raises(CommandError):
        call_command("evaluate_triage", str(tips))

    assert "secret" not in str(caught.value)


def test_precision_recall_and_f1_are_right():
    found = figures([True, True, True, False], [True, False, False, True], [0.9, 0.2, 0.1, 0.8])

    assert (found.precision.value, found.recall.value) == (0.5, pytest.approx(1 / 3))
    assert found.f1 == pytest.approx(0.4)


def test_nothing_is_divided_by_zero():
    found = figures([], [], [])

    assert (found.precision.value, found.recall.value, found.f1, found.average_precision) == (0, 0, 0, 0)


def test_average_precision_is_the_mean_of_precision_at_each_find():
    assert average_precision([True, False, True], [0.9, 0.8, 0.7]) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([True, False], [0.5, 0.5]) == pytest.approx(0.5)


def test_the_interval_of_a_share_is_wilsons():
    low, high = Share(9, 10).interval

    assert (low, high) == (pytest.approx(0.596, abs=0.001), pytest.approx(0.982, abs=0.001))
