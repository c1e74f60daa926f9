"""New weights are refused when they miss danger that the shipped ones find; the held tips are learned by nobody."""

import dataclasses

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from triage.classify import fitting, guard
from triage.classify.labelled import held_tips, own_tips
from triage.classify.model import PAGING, WEIGHTS, model


def deaf():
    """Weights that wake nobody unless a rule marked always does."""
    limits = model().threshold.copy()
    limits[PAGING] = 99
    return dataclasses.replace(model(), threshold=limits)


def test_no_held_tip_is_learned_from():
    learned = {tip.text for tip in own_tips()}

    assert held_tips()
    assert not [tip.name for tip in held_tips() if tip.text in learned]


def test_the_same_weights_lose_nothing_and_deaf_ones_lose_recall_where_it_matters():
    assert guard.losses(held_tips(), model(), model()) == []

    lost = {loss.category for loss in guard.losses(held_tips(), model(), deaf())}

    assert {"self_harm", "school_threat", "threat_of_violence"} <= lost


@pytest.mark.parametrize("anyway", [False, True])
def test_training_writes_weights_that_lose_recall_only_when_told_to(tmp_path, monkeypatch, capsys, anyway):
    out = tmp_path / "weights" / "model.npz"
    out.parent.mkdir()

    def train(path, **_):
        with np.load(WEIGHTS, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        arrays["threshold"] = deaf().threshold
        np.savez(path, **arrays)
        return "model-deaf"

    monkeypatch.setattr(fitting, "train", train)

    if anyway:
        call_command("train_triage", out=out, anyway=True)
    else:
        with pytest.raises(CommandError, match="nothing was written"):
            call_command("train_triage", out=out)

    assert out.exists() is anyway
    assert "Loses recall on self_harm" in capsys.readouterr().out
    assert list(out.parent.iterdir()) == ([out] if anyway else [])
