"""The trained model: a table of weights that scores the features of a text for every target.

The file is a plain archive of arrays, read without pickle and checked before use: a damaged or
foreign file stops the program at its first use, and the tip then goes to people as urgent.
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from triage.classify.features import BUCKETS, RULE_BUCKETS, Buckets, Features, rule_buckets
from triage.classify.lexicon import TARGETS
from triage.classify.tokens import Token, sentence_ends

WEIGHTS = Path(__file__).parent / "weights" / "model.npz"
LARGEST_FILE = 16_000_000
LARGEST_ARRAY = 64_000_000
WINDOW = 64
STRIDE = 32
"""A text longer than a window is read whole and in overlapping windows, so that one sentence counts."""
MOST_WINDOWS = 64
"""Beyond this many, windows are spread over the text evenly, and always the first and the last are read."""
MOST_RUNS = 2
PHRASE = 7
"""So many words are shown of a run that speaks for waking somebody."""
FAINT = 0.02
ALL = len(TARGETS)
PAGING = TARGETS.index("paging")

Vector = NDArray[np.float32]
_SHAPES: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "weights": ("int8", (BUCKETS, ALL)),
    "scale": ("float32", (ALL,)),
    "meaning_scale": ("float32", (ALL,)),
    "rarity": ("float16", (BUCKETS,)),
    "rules": ("float16", (RULE_BUCKETS, ALL)),
    "ballot": ("float32", (ALL, ALL)),
    "bias": ("float32", (ALL,)),
    "slope": ("float32", (ALL,)),
    "offset": ("float32", (ALL,)),
    "threshold": ("float32", (ALL,)),
}
_MEANT: Mapping[str, tuple[str, tuple[int, ...]]] = {"meant": ("int32", ()), "meaning": ("int8", (ALL,))}
"""Only words with a vector have a meaning: the buckets they fall into, and a row for each of these."""


class ModelError(ValueError):
    """The weights file cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Model:
    """Weights and what turns their sums into calibrated chances. `threshold` is a calibrated logit."""

    weights: NDArray[np.int8]
    scale: Vector
    meaning: NDArray[np.int8]
    meaning_scale: Vector
    rarity: NDArray[np.float16]
    rules: NDArray[np.float16]
    ballot: Vector
    bias: Vector
    slope: Vector
    offset: Vector
    threshold: Vector
    version: str
    files: frozenset[str]
    known: frozenset[str]
    window_share: float

    def score(self, found: Features, count: int, rule_names: Sequence[str], ballot: Sequence[float]) -> Vector:
        """Return the calibrated logit of every target, from the features of a text of `count` tokens."""
        beside = self.bias + np.asarray(ballot, np.float32) @ self.ballot
        buckets = rule_buckets(rule_names)
        if buckets.size:
            beside = beside + self.rules[buckets].astype(np.float32).sum(axis=0)
        first = np.array(starts(count), np.int64) if count > WINDOW else np.empty(0, np.int64)
        parts = self._group(found.words, found.word_places, first, meaning=True)
        parts += self._group(found.letters, found.letter_places, first)
        whole = parts[0]
        whole = whole + np.float32(self.window_share) * (parts.max(axis=0) - whole)
        calibrated: Vector = (self.slope * (beside + whole) + self.offset).astype(np.float32)
        return calibrated

    def _group(self, found: Buckets, places: Buckets, first: Buckets, *, meaning: bool = False) -> Vector:
        """Sum the weights of a group of features as if all texts had the same length.

        The first row is the whole text, each feature once; then come the windows that begin at `first`,
        where what repeats counts again. One product of matrices serves them all.
        """
        if not found.size:
            return np.zeros((1 + len(first), ALL), np.float32)
        buckets, column = once(found)
        rarity = self.rarity[buckets].astype(np.float32)
        counts = np.ones((1 + len(first), len(buckets)), np.float32)
        if len(first):
            order = np.argsort(places, kind="stable")
            ordered, column = places[order], column[order]
            low, high = np.searchsorted(ordered, first), np.searchsorted(ordered, first + WINDOW)
            for row, (a, b) in enumerate(zip(low, high, strict=True), start=1):
                counts[row] = np.bincount(column[a:b], minlength=len(buckets))
        lengths = np.sqrt(np.maximum(counts @ (rarity * rarity), np.float32(1e-6)))
        counts *= rarity
        sums = (counts @ self.weights[buckets].astype(np.float32)) * self.scale
        if meaning:
            sums += (counts @ self.meaning[buckets].astype(np.float32)) * self.meaning_scale
        total: Vector = (sums / lengths[:, None]).astype(np.float32)
        return total

    @property
    def limits(self) -> list[float]:
        """The calibrated logit from which each target counts as a yes."""
        return [float(limit) for limit in self.threshold]

    def strongest(self, found: Features, tokens: Sequence[Token]) -> list[tuple[int, int]]:
        """Return up to two runs of tokens that speak most for waking somebody: phrases that a reader can judge."""
        shares = self.shares(found, len(tokens), PAGING)
        before = np.concatenate(([0.0], np.cumsum(shares)))
        last = sentence_ends(tokens)
        runs = [(first, min(first + PHRASE, last[first])) for first in range(len(tokens))]
        worth = np.array([before[stop] - before[first] for first, stop in runs])
        chosen: list[tuple[int, int]] = []
        for place in np.argsort(-worth, kind="stable").tolist():
            first, stop = runs[place]
            if worth[place] <= FAINT or len(chosen) == MOST_RUNS:
                break
            if all(stop <= other[0] or first >= other[1] for other in chosen):
                chosen.append((first, stop))
        return sorted(chosen)

    def shares(self, found: Features, count: int, target: int) -> Vector:
        """Return how much each of `count` tokens speaks for a target, as if it stood in a window like its own text."""
        shares = np.zeros(count, np.float64)
        for group, places in ((found.words, found.word_places), (found.letters, found.letter_places)):
            if group.size:
                rarity = self.rarity[group].astype(np.float32)
                pull = self.weights[group, target] * self.scale[target]
                if group is found.words:
                    pull += self.meaning[group, target] * self.meaning_scale[target]
                length = np.sqrt(rarity @ rarity * min(1.0, WINDOW / max(1, count)) + 1e-9)
                shares += np.bincount(places, rarity * pull / length, minlength=count)
        return shares.astype(np.float32)


def once(found: Buckets) -> tuple[Buckets, Buckets]:
    """Return the buckets in order, each once, and which of them every feature is."""
    order = np.argsort(found, kind="stable")
    ordered = found[order]
    new = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    column = np.empty(len(found), np.int64)
    column[order] = np.cumsum(new) - 1
    return ordered[new], column


def starts(count: int) -> list[int]:
    """Return where the windows of a text of `count` tokens begin; the last one ends with the text."""
    last = count - WINDOW
    every = [*range(0, last, STRIDE), last]
    if len(every) <= MOST_WINDOWS:
        return every
    return sorted({every[round(step * (len(every) - 1) / (MOST_WINDOWS - 1))] for step in range(MOST_WINDOWS)})


def read_model(path: Path) -> Model:
    """Read and check a weights file. Raises ModelError, OSError if there is none."""
    raw = path.read_bytes()
    if len(raw) > LARGEST_FILE:
        raise ModelError("the weights file is too large")
    try:
        with zipfile.ZipFile(BytesIO(raw)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST_ARRAY:
                raise ModelError("the weights file unpacks to too much")
        with np.load(BytesIO(raw), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in (*_SHAPES, *_MEANT)}
            facts = json.loads(bytes(stored["facts"]))
        rows = arrays["meant"].shape[:1]
        meant = {name: (kind, rows + shape) for name, (kind, shape) in _MEANT.items()}
        for name, (kind, shape) in (*_SHAPES.items(), *meant.items()):
            if arrays[name].dtype != kind or arrays[name].shape != shape:
                raise ModelError(f"{name} has the wrong form")
            if kind.startswith("float") and not np.isfinite(arrays[name]).all():
                raise ModelError(f"{name} holds what is no number")
        if tuple(facts["targets"]) != TARGETS:
            raise ModelError("the weights are for other categories")
        meaning = np.zeros((BUCKETS, ALL), np.int8)
        meaning[arrays.pop("meant")] = arrays["meaning"]
        return Model(
            **(arrays | {"meaning": meaning}),
            version=str(facts["version"]),
            files=frozenset(map(str, facts["files"])),
            known=frozenset(map(str, facts["rules"])),
            window_share=float(facts["window_share"]),
        )
    except (zipfile.BadZipFile, KeyError, IndexError, TypeError, UnicodeDecodeError, EOFError) as error:
        raise ModelError(f"the weights file cannot be read: {type(error).__name__}") from None
    except ValueError as error:
        raise error if isinstance(error, ModelError) else ModelError("the weights file cannot be read") from None


@cache
def model() -> Model:
    """Return the shipped model, read once."""
    return read_model(WEIGHTS)
