"""The trained model: a table of weights that scores the features of a text for every target.

The file is a plain archive of arrays, read without pickle and checked before use: a damaged or
foreign file stops the program at its first use, and the tip then goes to people as urgent.
"""

import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.classify.crossing import CROSSED, crossed
from triage.classify.features import BUCKETS, RULE_BUCKETS, WORDS, Buckets, Features, rule_buckets
from triage.classify.lexicon import TARGETS
from triage.classify.likeness import BITS, Likeness
from triage.classify.tokens import Token, sentence_ends

WEIGHTS = Path(__file__).parent / "weights" / "model.npz"
LARGEST_FILE = 16_000_000
LARGEST_ARRAY = 64_000_000
WINDOW = 64
STRIDE = 32
"""A text longer than a window is read whole and in overlapping windows, so that one sentence counts."""
MOST_WINDOWS = 64
"""Beyond this many, windows are spread over the text evenly, and always the first and the last are read."""
PHRASE = 7
"""So many words are weighed together to find where a text speaks for waking somebody."""
AROUND = 4
"""So many words of the same sentence are shown on either side, for what was weighed is seldom a whole phrase."""
FAINT = 0.02
ALL = len(TARGETS)
PAGING = TARGETS.index("paging")

Vector = NDArray[np.float32]
_SHAPES: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "scale": ("float32", (ALL,)),
    "meaning_scale": ("float32", (ALL,)),
    "rarity": ("float16", (BUCKETS,)),
    "ballot": ("float32", (ALL, ALL)),
    "bias": ("float32", (ALL,)),
    "middle": ("float32", (ALL,)),
    "spread": ("float32", (ALL,)),
    "crossing": ("float32", (CROSSED, ALL)),
    "slope": ("float32", (ALL,)),
    "offset": ("float32", (ALL,)),
    "threshold": ("float32", (ALL,)),
}
_TABLES: Mapping[str, tuple[str, int]] = {
    "weights": ("int8", BUCKETS),
    "meaning": ("int8", WORDS),
    "rules": ("float16", RULE_BUCKETS),
}
"""Tables of which only the rows that are not empty are stored, after an empty one, and beside them a bit for each."""


class ModelError(ValueError):
    """The weights file cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table most of whose rows are empty: those that are not, after an empty one, and where each stands."""

    rows: NDArray[Any]
    places: NDArray[np.int32]

    def __getitem__(self, wanted: Buckets) -> Vector:
        """Return these rows."""
        # take() asks for many rows at once and waits once; an index in brackets waits for each.
        return self.rows.take(self.places.take(wanted), axis=0).astype(np.float32)

    def column(self, wanted: Buckets, target: int) -> NDArray[Any]:
        """Return one column of these rows."""
        return self.rows.reshape(-1).take(self.places.take(wanted) * np.int32(ALL) + np.int32(target))


@dataclass(frozen=True, slots=True)
class Model:
    """Weights and what turns their sums into calibrated chances. `threshold` is a calibrated logit."""

    weights: Table
    scale: Vector
    meaning: Table
    meaning_scale: Vector
    rarity: NDArray[np.float16]
    rules: Table
    ballot: Vector
    bias: Vector
    middle: Vector
    spread: Vector
    crossing: Vector
    slope: Vector
    offset: Vector
    threshold: Vector
    likeness: Likeness
    version: str
    files: frozenset[str]
    known: frozenset[str]
    window_share: float
    order_share: float

    def score(self, found: Features, count: int, rule_names: Sequence[str], ballot: Sequence[float]) -> Vector:
        """Return the calibrated logit of every target, from the features of a text of `count` tokens."""
        beside = self.bias + np.asarray(ballot, np.float32) @ self.ballot
        buckets = rule_buckets(rule_names)
        if buckets.size:
            beside = beside + self.rules[buckets].sum(axis=0)
        first = np.array(starts(count), np.int64) if count > WINDOW else np.empty(0, np.int64)
        parts = self._group(found.words, found.word_places, first, meaning=True)
        parts += self._group(found.letters, found.letter_places, first)
        whole = parts[0]
        whole = whole + np.float32(self.window_share) * (parts.max(axis=0) - whole)
        whole = whole + np.float32(self.order_share) * self._order(found.order)
        sums = (beside + whole).astype(np.float32)
        sums = sums + (crossed(sums[None], self.middle, self.spread) @ self.crossing)[0]
        calibrated: Vector = (self.slope * sums + self.offset).astype(np.float32)
        return calibrated

    def _order(self, found: Buckets) -> Vector:
        """Sum the weights of what tells the order of words, which windows do not read anew."""
        known, _ = once(found)
        rarity = self.rarity.take(known).astype(np.float32)
        known, rarity = known[rarity > 0], rarity[rarity > 0]
        sums: Vector = (rarity @ self.weights[known]) * self.scale
        return sums / np.float32(np.sqrt(max(float(rarity @ rarity), 1e-6)))

    def _group(self, found: Buckets, places: Buckets, first: Buckets, *, meaning: bool = False) -> Vector:
        """Sum the weights of a group of features as if all texts had the same length.

        The first row is the whole text, each feature once; then come the windows that begin at `first`,
        where what repeats counts again. One product of matrices serves them all.
        """
        if not found.size:
            return np.zeros((1 + len(first), ALL), np.float32)
        buckets, column = once(found)
        rarity = self.rarity.take(buckets).astype(np.float32)
        counts = np.ones((1 + len(first), len(buckets)), np.float32)
        if len(first):
            order = np.argsort(places, kind="stable")
            ordered, column = places[order], column[order]
            low, high = np.searchsorted(ordered, first), np.searchsorted(ordered, first + WINDOW)
            for row, (a, b) in enumerate(zip(low, high, strict=True), start=1):
                counts[row] = np.bincount(column[a:b], minlength=len(buckets))
        lengths = np.sqrt(np.maximum(counts @ (rarity * rarity), np.float32(1e-6)))
        counts *= rarity
        sums = (counts @ self.weights[buckets]) * self.scale
        if meaning:
            sums += (counts @ self.meaning[buckets]) * self.meaning_scale
        total: Vector = (sums / lengths[:, None]).astype(np.float32)
        return total

    @property
    def limits(self) -> list[float]:
        """The calibrated logit from which each target counts as a yes."""
        return [float(limit) for limit in self.threshold]

    def strongest(self, found: Features, tokens: Sequence[Token], targets: Sequence[int]) -> list[tuple[int, int]]:
        """Return runs of tokens that speak most for each of some targets, in their order, within a sentence.

        The first target always gets one, the others only where something speaks for them and is not shown yet.
        """
        last = np.array(sentence_ends(tokens))
        firsts = np.arange(len(tokens))
        stops = np.minimum(firsts + PHRASE, last)
        each = sorted(set(targets))
        before = np.concatenate((np.zeros((1, len(each))), np.cumsum(self.shares(found, len(tokens), each), axis=0)))
        worth = dict(zip(each, (before[stops] - before[firsts]).T, strict=True))
        chosen: list[tuple[int, int]] = []
        free = np.ones(len(tokens), bool)
        for target in targets:
            open_ = np.where(free, worth[target], -np.inf)
            first = int(np.argmax(open_))
            if open_[first] <= (FAINT if chosen else -np.inf):
                continue
            stop = int(stops[first])
            start = next(one for one in range(max(0, first - AROUND), first + 1) if last[one] == last[first])
            end = min(stop + AROUND, int(last[first]))
            # Where two would meet, the later one shows only what it was weighed for.
            apart = all(end <= other[0] or start >= other[1] for other in chosen)
            chosen.append((start, end) if apart else (first, stop))
            free &= (stops <= chosen[-1][0]) | (firsts >= chosen[-1][1])
        return chosen

    def shares(self, found: Features, count: int, targets: Sequence[int]) -> Vector:
        """Return how much each of `count` tokens speaks for some targets, as if in a window like its own text."""
        shares = np.zeros((count, len(targets)), np.float32)
        for group, places in ((found.words, found.word_places), (found.letters, found.letter_places)):
            if group.size:
                rarity = self.rarity.take(group).astype(np.float32)
                rarity /= np.sqrt(rarity @ rarity * min(1.0, WINDOW / max(1, count)) + 1e-9)
                for column, target in enumerate(targets):
                    pull = self.weights.column(group, target) * self.scale[target]
                    if group is found.words:
                        pull += self.meaning.column(group, target) * self.meaning_scale[target]
                    shares[:, column] += np.bincount(places, rarity * pull, minlength=count)
        return shares


def once(found: Buckets) -> tuple[Buckets, Buckets]:
    """Return the buckets, each once, and which of them every feature is."""
    # The last feature of each bucket stands for all of them. Only places that were written are read.
    numbers = np.arange(len(found), dtype=np.int32)
    lasts = np.empty(BUCKETS, np.int32)
    lasts[found] = numbers
    standing = lasts.take(found)
    new = standing == numbers
    return found[new], (np.cumsum(new) - 1).take(standing)


def starts(count: int) -> list[int]:
    """Return where the windows of a text of `count` tokens begin; the last one ends with the text."""
    last = count - WINDOW
    every = [*range(0, last, STRIDE), last]
    if len(every) <= MOST_WINDOWS:
        return every
    return sorted({every[round(step * (len(every) - 1) / (MOST_WINDOWS - 1))] for step in range(MOST_WINDOWS)})


def read_model(path: Path) -> Model:
    """Read and check a weights file. Raises ModelError, OSError if there is none."""
    try:
        with path.open("rb") as file:
            if file.seek(0, os.SEEK_END) > LARGEST_FILE:
                raise ModelError("the weights file is too large")
            with zipfile.ZipFile(file) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > LARGEST_ARRAY:
                    raise ModelError("the weights file unpacks to too much")
            file.seek(0)
            with np.load(file, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in _SHAPES}
                tables = {name: _table(stored[name], stored[f"{name}_used"], name) for name in _TABLES}
                facts = json.loads(bytes(stored["facts"]))
                seen, limits = stored["likeness"], stored["likeness_limits"]
        for name, (kind, shape) in _SHAPES.items():
            if arrays[name].dtype != kind or arrays[name].shape != shape:
                raise ModelError(f"{name} has the wrong form")
            if not np.isfinite(arrays[name]).all():
                raise ModelError(f"{name} holds what is no number")
        if tuple(facts["targets"]) != TARGETS:
            raise ModelError("the weights are for other categories")
        languages = tuple(map(str, facts["languages"]))
        if seen.dtype != "uint8" or seen.shape != (len(languages), (1 << BITS) // 8):
            raise ModelError("likeness has the wrong form")
        if limits.dtype != "float32" or limits.shape != (len(languages),) or not np.isfinite(limits).all():
            raise ModelError("likeness_limits has the wrong form")
        return Model(
            **arrays,
            likeness=Likeness(languages, seen, limits),
            weights=tables["weights"],
            meaning=tables["meaning"],
            rules=tables["rules"],
            version=str(facts["version"]),
            files=frozenset(map(str, facts["files"])),
            known=frozenset(map(str, facts["rules"])),
            window_share=float(facts["window_share"]),
            order_share=float(facts["order_share"]),
        )
    except (zipfile.BadZipFile, KeyError, TypeError, UnicodeDecodeError, EOFError) as error:
        raise ModelError(f"the weights file cannot be read: {type(error).__name__}") from None
    except ValueError as error:
        raise error if isinstance(error, ModelError) else ModelError("the weights file cannot be read") from None


def _table(rows: NDArray[Any], used: NDArray[Any], name: str) -> Table:
    """Say where each row of a table stands. Raises ModelError."""
    kind, count = _TABLES[name]
    if used.dtype != "uint8" or used.shape != (-(-count // 8),):
        raise ModelError(f"{name} has the wrong form")
    there = np.unpackbits(used, count=count)
    places = np.cumsum(there, dtype=np.int32)
    if rows.dtype != kind or rows.shape != (1 + places[-1], ALL) or rows[0].any():
        raise ModelError(f"{name} has the wrong form")
    if kind.startswith("float") and not np.isfinite(rows).all():
        raise ModelError(f"{name} holds what is no number")
    return Table(rows, places * there)


@cache
def model() -> Model:
    """Return the shipped model, read once."""
    return read_model(WEIGHTS)
