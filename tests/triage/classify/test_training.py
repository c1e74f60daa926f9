"""What training rests on."""

import numpy as np
import pytest

from triage.classify import training
from triage.classify.lexicon import TARGETS
from triage.classify.publish import thresholds


def test_a_large_matrix_is_inverted_by_halves_as_well_as_whole(monkeypatch):
    monkeypatch.setattr(training, "LARGEST", 60)
    seen = np.random.default_rng(5).normal(size=(201, 20)).astype(np.float32)
    matrix = seen @ seen.T + np.eye(201, dtype=np.float32)
    inverse = matrix.copy()

    training._invert(inverse)

    assert np.abs(inverse @ matrix - np.eye(201)).max() < 1e-3


def test_what_is_twice_in_the_tips_is_said():
    with pytest.raises(ValueError, match="twice"):
        training._invert(np.ones((3, 3), np.float32))


def test_what_is_gravest_counts_by_the_cost_of_overlooking_it_and_the_rest_by_f1():
    settings = training.Settings(miss_costs=3.0, unnamed_costs=9.0)
    # The best F1 takes the two likeliest and leaves the last true one: four false ones stand before it.
    odds = np.repeat(np.array([[3.0], [2.0], [0.0], [-0.5], [-1.0], [-1.5], [-2.0]], np.float32), len(TARGETS), axis=1)
    answers = np.repeat(np.array([[1.0], [1.0], [0.0], [0.0], [0.0], [0.0], [1.0]], np.float32), len(TARGETS), axis=1)

    limits = dict(zip(TARGETS, thresholds(odds, answers, settings), strict=True))

    assert np.isclose(1 / (1 + np.exp(-limits["school_threat"])), 1 / (1 + 9))
    assert np.isclose(1 / (1 + np.exp(-limits["self_harm"])), 1 / (1 + 9))
    assert np.isclose(1 / (1 + np.exp(-limits["paging"])), 1 / (1 + 3))
    assert limits["drugs"] == limits["imminent"] == 1.0
