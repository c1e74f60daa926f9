"""Train the model: logistic regression for all targets at once, and thresholds from unseen writers.

The fit is done in the space of the tips (a kernel made of words, letter groups and rules), which is
exact, needs no chance, and is turned into plain weights at the end. Needs SciPy, which running the
program does not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy import sparse

from triage.classify.decide import gather
from triage.classify.features import BUCKETS, RULE_BUCKETS, Buckets, Features, features, rule_buckets
from triage.classify.folding import fold
from triage.classify.labelled import Labelled
from triage.classify.lexicon import TARGETS, lexicon
from triage.classify.model import WINDOW, starts
from triage.classify.tokens import tokenise

Matrix = NDArray[np.float32]
VECTORS = Path(__file__).parent / "data" / "vectors.npz"
VECTOR = 128
LEVELS = np.array([target in ("paging", "imminent", "priority") for target in TARGETS])


@dataclass(frozen=True, slots=True)
class Settings:
    """What was chosen by comparing unseen writers; see docs/triage-model.md."""

    strictness: float = 0.1
    rule_share: float = 0.05
    ballot_share: float = 0.05
    ballot_share_levels: float = 0.005
    meaning_share: float = 0.3
    rounds: int = 25
    window_share: float = 0.5
    miss_costs: float = 5.0
    """How many needless pages one missed page is worth, when the threshold is chosen."""


@dataclass(slots=True)
class Tables:
    """The features of all tips, one row a tip."""

    words: sparse.csr_matrix
    letters: sparse.csr_matrix
    rules: sparse.csr_matrix
    ballot: Matrix
    meaning: Matrix
    rarity: NDArray[np.float16]
    owner: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """For rows that are windows: the tip they belong to."""


def _row_matrix(rows: Sequence[Buckets], width: int, *, repeats: bool = False) -> sparse.csr_matrix:
    kept = rows if repeats else [np.unique(row) for row in rows]
    pointers = np.concatenate(([0], np.cumsum([len(row) for row in kept])))
    columns = np.concatenate(kept) if kept else np.empty(0, np.int64)
    return sparse.csr_matrix((np.ones(len(columns), np.float32), columns, pointers), shape=(len(rows), width))


def _rarity(*tables: sparse.csr_matrix) -> NDArray[np.float16]:
    count = tables[0].shape[0]
    seen = np.zeros(BUCKETS, np.int64)
    for table in tables:
        seen += np.bincount(table.indices, minlength=BUCKETS)
    rarity: NDArray[np.float16] = (np.log((count + 1) / (np.minimum(seen, count) + 1)) + 1).astype(np.float16)
    return rarity


def _scaled(table: sparse.csr_matrix, rarity: NDArray[np.float16]) -> sparse.csr_matrix:
    weighted = table.copy()
    weighted.data = table.data * rarity.astype(np.float32)[table.indices]
    squares = np.concatenate(([0], np.cumsum(weighted.data.astype(np.float64) ** 2)))
    length = np.sqrt(squares[table.indptr[1:]] - squares[table.indptr[:-1]])
    return sparse.diags(1 / np.maximum(length, 1e-9)).astype(np.float32) @ weighted


def vectors() -> Matrix:
    """Return a vector of meaning for every bucket of words; nothing for words without one."""
    table = np.zeros((BUCKETS, VECTOR), np.float32)
    with np.load(VECTORS, allow_pickle=False) as stored:
        table[stored["buckets"]] = stored["vectors"].astype(np.float32) * stored["scale"]
    return table


def tables(tips: Sequence[Labelled]) -> tuple[Tables, Tables]:
    """Return the tables of the whole tips and of the windows of the long ones."""
    words: list[Buckets] = []
    letters: list[Buckets] = []
    rules, ballots = [], []
    parts: list[tuple[int, Features]] = []
    for number, tip in enumerate(tips):
        folded = fold(tip.text)
        tokens = tokenise(folded)
        evidence = gather(folded, tokens, lexicon(), None)
        rules.append(rule_buckets(evidence.names if evidence else ()))
        ballots.append([evidence.ballot.sums[target] if evidence else 0.0 for target in TARGETS])
        found = features(tokens)
        words.append(found.words)
        letters.append(found.letters)
        if len(tokens) > WINDOW:
            parts += [(number, found.between(start, start + WINDOW)) for start in starts(len(tokens))]
    word_table, letter_table = _row_matrix(words, BUCKETS), _row_matrix(letters, BUCKETS)
    rarity = _rarity(word_table, letter_table)
    window = [features_of for _, features_of in parts]
    words_whole = _scaled(word_table, rarity)
    words_parts = _scaled(_row_matrix([one.words for one in window], BUCKETS, repeats=True), rarity)
    meaning = vectors()
    empty = np.zeros((len(parts), len(TARGETS)), np.float32)
    return (
        Tables(
            words_whole,
            _scaled(letter_table, rarity),
            _row_matrix(rules, RULE_BUCKETS),
            np.array(ballots, np.float32).reshape(len(tips), len(TARGETS)),
            words_whole @ meaning,
            rarity,
        ),
        Tables(
            words_parts,
            _scaled(_row_matrix([one.letters for one in window], BUCKETS, repeats=True), rarity),
            sparse.csr_matrix((len(parts), RULE_BUCKETS), dtype=np.float32),
            empty,
            words_parts @ meaning,
            rarity,
            np.array([number for number, _ in parts], np.int64),
        ),
    )


def _product(left: sparse.csr_matrix, right: sparse.csr_matrix) -> Matrix:
    return np.asarray((left @ right.T).todense(), np.float32)


def text_kernel(left: Tables, right: Tables, settings: Settings) -> Matrix:
    """How alike the words of two sets of texts are, in spelling and in meaning."""
    alike = np.float32(settings.meaning_share) * (left.meaning @ right.meaning.T)
    return _product(left.words, right.words) + _product(left.letters, right.letters) + alike


def rule_kernel(left: Tables, right: Tables, settings: Settings, *, levels: bool) -> Matrix:
    """How alike what the rules found is, with one more for the constant term."""
    share = settings.ballot_share_levels if levels else settings.ballot_share
    return (
        settings.rule_share * _product(left.rules, right.rules)
        + share * (left.ballot @ right.ballot.T)
        + np.float32(1.0)
    )


def fit(kernel: Matrix, answers: Matrix, settings: Settings) -> Matrix:
    """Return the dual weights of a logistic regression for every column of answers.

    Newton's steps with the curvature's upper bound of 1/4: one factoring serves all targets.
    """
    size = len(kernel)
    factor = scipy.linalg.cho_factor(
        kernel / 4 + np.float32(settings.strictness) * np.eye(size, dtype=np.float32), lower=True, check_finite=False
    )
    dual = np.zeros_like(answers)
    for _ in range(settings.rounds):
        chance = 1 / (1 + np.exp(-(kernel @ dual)))
        dual = dual + scipy.linalg.cho_solve(
            factor, answers - chance - np.float32(settings.strictness) * dual, check_finite=False
        )
    return dual


@dataclass(slots=True)
class Kernels:
    """Everything needed to fit and to predict any part of the tips."""

    text: Matrix
    rules: Matrix
    rules_levels: Matrix
    windows: Matrix
    owner: NDArray[np.int64]

    def whole(self, *, levels: bool) -> Matrix:
        """Return the kernel a target is fitted with."""
        return self.text + (self.rules_levels if levels else self.rules)


def kernels(whole: Tables, parts: Tables, settings: Settings) -> Kernels:
    """Compare every tip with every tip, and every window with every tip."""
    return Kernels(
        text=text_kernel(whole, whole, settings),
        rules=rule_kernel(whole, whole, settings, levels=False),
        rules_levels=rule_kernel(whole, whole, settings, levels=True),
        windows=text_kernel(parts, whole, settings),
        owner=parts.owner,
    )


def duals(found: Kernels, answers: Matrix, train: NDArray[np.int64], settings: Settings) -> Matrix:
    """Fit all targets on the rows of `train`."""
    square = np.ix_(train, train)
    dual = np.empty((len(train), len(TARGETS)), np.float32)
    for levels in (False, True):
        columns = levels == LEVELS
        dual[:, columns] = fit(found.whole(levels=levels)[square], answers[train][:, columns], settings)
    return dual


def predict(
    found: Kernels, dual: Matrix, train: NDArray[np.int64], test: NDArray[np.int64], settings: Settings
) -> Matrix:
    """Return the raw sums for the rows of `test`, windows counted as the model counts them."""
    text = found.text[np.ix_(test, train)] @ dual
    beside = np.empty_like(text)
    for levels, kernel in ((False, found.rules), (True, found.rules_levels)):
        columns = levels == LEVELS
        beside[:, columns] = kernel[np.ix_(test, train)] @ dual[:, columns]
    best = text.copy()
    place = {int(row): number for number, row in enumerate(test)}
    for row, owner in enumerate(found.owner):
        if int(owner) in place:
            number = place[int(owner)]
            best[number] = np.maximum(best[number], found.windows[row, train] @ dual)
    sums: Matrix = beside + text + np.float32(settings.window_share) * (best - text)
    return sums


def unseen(
    found: Kernels,
    answers: Matrix,
    groups: Sequence[str],
    settings: Settings,
    say: Callable[[str], object] = lambda _: None,
    every: int = 1,
) -> Matrix:
    """Predict every tip with a model that has seen nothing of its writer, and only each n-th tip of the others."""
    sums = np.zeros_like(answers)
    names = np.array(groups)
    for group in sorted(set(groups)):
        train, test = np.flatnonzero(names != group)[::every], np.flatnonzero(names == group)
        sums[test] = predict(found, duals(found, answers, train, settings), train, test, settings)
        say(f"left out {group}: {len(test)} tips")
    return sums
