"""Public texts measure the classifier; what is not known of them is not counted."""

import json

import pytest
from django.core.management import CommandError, call_command

RECORDS = [
    {"text": "I want to kill myself tonight", "labels": {"self_harm": 1}},
    {"text": "how do I report a scam call?", "labels": {"self_harm": 0, "drugs": 0, "background": 1}},
    {"text": "he sells heroin and cocaine on our street", "labels": {"drugs": 1}},
]


@pytest.fixture
def public(tmp_path):
    path = tmp_path / "forum.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in RECORDS), encoding="utf-8")
    return path


def test_each_question_counts_only_the_texts_whose_answer_is_known(public, capsys):
    call_command("evaluate_triage", public=[public])

    printed = capsys.readouterr().out
    assert "forum: 3 texts" in printed
    assert "self_harm            1 true" in printed
    assert "harmless ones that would: 0.000" in printed
    assert "heroin" not in printed


def test_only_so_many_texts_are_read_and_from_all_parts_of_the_file(public, capsys):
    call_command("evaluate_triage", public=[public], most=2)

    assert "forum: 2 texts" in capsys.readouterr().out


def test_a_line_that_is_no_text_is_named_by_its_number_only(public):
    public.write_text(public.read_text() + '\n{"text": "secret"}', encoding="utf-8")

    with pytest.raises(CommandError, match=r"forum\.jsonl, line 4") as caught:
        call_command("evaluate_triage", public=[public])

    assert "secret" not in str(caught.value)


def test_the_held_tips_are_measured_by_name(capsys):
    call_command("evaluate_triage", held=True)

    printed = capsys.readouterr().out
    assert "paging recall" in printed
    assert "/rules-" in printed
