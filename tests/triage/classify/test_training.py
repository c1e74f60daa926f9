"""What training rests on."""

import numpy as np
import pytest

from triage.classify import training


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
