"""The second step of the model: what all targets say of each other.

A tip that might be a threat and might be a school matter is graver than either; what is likely "not a tip" and
nothing else wakes nobody. Each target's sum is corrected by all sums and by all pairs of them.
"""

import numpy as np
from numpy.typing import NDArray

from triage.classify.lexicon import TARGETS

Matrix = NDArray[np.float32]
FARTHEST = 3.0
"""A sum further than this many deviations from the middle counts as that far: no single one decides by its square."""
_ONE, _OTHER = np.triu_indices(len(TARGETS))
CROSSED = 1 + len(TARGETS) + len(_ONE)


def crossed(sums: Matrix, middle: Matrix, spread: Matrix) -> Matrix:
    """Return one, every sum, and the product of every two, for rows of sums."""
    level = np.clip((sums - middle) / spread, -FARTHEST, FARTHEST)
    pairs = level[:, _ONE] * level[:, _OTHER]
    found: Matrix = np.concatenate([np.ones((len(level), 1), np.float32), level, pairs], axis=1, dtype=np.float32)
    return found
