"""Train the model: logistic regression for all targets at once, and thresholds from unseen writers.

The fit is done in the space of the tips (a kernel made of words, letter groups and rules), which is
exact, needs no chance, and is turned into plain weights at the end. Needs SciPy, which running the
program does not, and for 30,000 tips about twelve gigabytes of memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from triage.classify.crossing import CROSSED, crossed
from triage.classify.decide import gather
from triage.classify.features import BUCKETS, RULE_BUCKETS, WORDS, Buckets, Features, features, rule_buckets
from triage.classify.folding import fold
from triage.classify.labelled import Labelled
from triage.classify.lexicon import TARGETS, lexicon
from triage.classify.model import WINDOW, starts
from triage.classify.tokens import tokenise

Matrix = NDArray[np.float32]
VECTORS = Path(__file__).parent / "data" / "vectors.npz"
VECTOR = 128
LARGEST = 16_384
"""Rows. On two threads OpenBLAS factors 29,577 of them beyond the end of its own buffers; 20,000 it does not."""
BLOCK = 2048
"""So many rows are worked on at once where a whole table in between would take as much memory again."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What was chosen by comparing unseen writers; see docs/triage-model.md."""

    strictness: float = 0.2
    rule_share: float = 0.05
    ballot_share: float = 0.02
    meaning_share: float = 0.3
    rounds: int = 12
    window_share: float = 0.5
    order_share: float = 0.6
    crossing_strictness: float = 100.0
    crossing_rounds: int = 80
    unlike: float = 0.02
    """How many of a language's own tips may look like none, of those in doubt; see likeness.py."""
    alike: float = 0.65
    """What looks so much like a language is no other one."""
    miss_costs: float = 6.0
    """How many needless pages one missed page is worth, when the threshold is chosen."""
    unnamed_costs: float = 4.0
    """How many wrongly named school threats, or self-harm, one that is not named is worth."""


@dataclass(slots=True)
class Tables:
    """The features of all tips, one row a tip."""

    words: sparse.csr_matrix
    letters: sparse.csr_matrix
    order: sparse.csr_matrix
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
    """Return how much the rare ones weigh more; what stands in one tip only teaches nothing about another."""
    count = tables[0].shape[0]
    seen = np.zeros(BUCKETS, np.int64)
    for table in tables:
        seen += np.bincount(table.indices, minlength=BUCKETS)
    rarity = np.log((count + 1) / (np.minimum(seen, count) + 1)) + 1
    rarity[WORDS:] *= seen[WORDS:] > 1  # a word nobody has used yet may still have a meaning
    found: NDArray[np.float16] = rarity.astype(np.float16)
    return found


def _scaled(table: sparse.csr_matrix, rarity: NDArray[np.float16]) -> sparse.csr_matrix:
    weighted = table.copy()
    weighted.data = table.data * rarity.astype(np.float32)[table.indices]
    squares = np.concatenate(([0], np.cumsum(weighted.data.astype(np.float64) ** 2)))
    length = np.sqrt(squares[table.indptr[1:]] - squares[table.indptr[:-1]])
    return sparse.diags(1 / np.maximum(length, 1e-9)).astype(np.float32) @ weighted


def vectors() -> Matrix:
    """Return a vector of meaning for every bucket of a word; nothing for words without one."""
    table = np.zeros((WORDS, VECTOR), np.float32)
    with np.load(VECTORS, allow_pickle=False) as stored:
        table[stored["buckets"]] = stored["vectors"].astype(np.float32) * stored["scale"]
    return table


def tables(tips: Sequence[Labelled]) -> tuple[Tables, Tables]:
    """Return the tables of the whole tips and of the windows of the long ones."""
    words: list[Buckets] = []
    letters: list[Buckets] = []
    order: list[Buckets] = []
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
        order.append(found.order)
        if len(tokens) > WINDOW:
            parts += [(number, found.between(start, start + WINDOW)) for start in starts(len(tokens))]
    word_table, letter_table, order_table = (_row_matrix(rows, BUCKETS) for rows in (words, letters, order))
    rarity = _rarity(word_table, letter_table, order_table)
    window = [features_of for _, features_of in parts]
    words_whole = _scaled(word_table, rarity)
    words_parts = _scaled(_row_matrix([one.words for one in window], BUCKETS, repeats=True), rarity)
    meaning = vectors()
    empty = np.zeros((len(parts), len(TARGETS)), np.float32)
    return (
        Tables(
            words_whole,
            _scaled(letter_table, rarity),
            _scaled(order_table, rarity),
            _row_matrix(rules, RULE_BUCKETS),
            np.array(ballots, np.float32).reshape(len(tips), len(TARGETS)),
            words_whole[:, :WORDS] @ meaning,
            rarity,
        ),
        Tables(
            words_parts,
            _scaled(_row_matrix([one.letters for one in window], BUCKETS, repeats=True), rarity),
            sparse.csr_matrix((len(parts), BUCKETS), dtype=np.float32),
            sparse.csr_matrix((len(parts), RULE_BUCKETS), dtype=np.float32),
            empty,
            words_parts[:, :WORDS] @ meaning,
            rarity,
            np.array([number for number, _ in parts], np.int64),
        ),
    )


@dataclass(slots=True)
class Kernel:
    """How alike all tips are, and what makes fitting any part of them quick."""

    alike: Matrix
    inverse: Matrix


def kernel_of(whole: Tables, settings: Settings) -> Kernel:
    """Compare every tip with every tip."""
    alike = np.zeros((len(whole.ballot), len(whole.ballot)), np.float32)
    _compare(alike, whole.words)
    _compare(alike, whole.letters)
    _compare(alike, whole.order, settings.order_share)
    _compare(alike, whole.meaning, settings.meaning_share)
    _compare(alike, whole.rules, settings.rule_share)
    _compare(alike, whole.ballot, settings.ballot_share)
    alike += np.float32(1.0)  # the constant term
    return Kernel(alike, _inverse(alike, settings))


def _compare(alike: Matrix, table: sparse.csr_matrix | Matrix, share: float = 1.0) -> None:
    across = table.T if isinstance(table, np.ndarray) else table.T.tocsr()
    for start in range(0, len(alike), BLOCK):
        found = table[start : start + BLOCK] @ across
        alike[start : start + BLOCK] += np.float32(share) * (
            found if isinstance(found, np.ndarray) else found.toarray()
        )


def _inverse(alike: Matrix, settings: Settings) -> Matrix:
    """Invert the upper bound of the curvature, 1/4 of the kernel and the penalty."""
    bound = alike / np.float32(4)
    bound[np.diag_indices_from(bound)] += np.float32(settings.strictness)
    _invert(bound)
    return bound


def _invert(matrix: Matrix) -> None:
    """Invert a symmetric positive definite matrix in its place, by halves where it is large (Schur's complement)."""
    half = len(matrix) // 2
    if len(matrix) > LARGEST:
        first, across, second = matrix[:half, :half], matrix[half:, :half], matrix[half:, half:]
        _invert(first)
        carried = across @ first
        second -= carried @ across.T
        _invert(second)
        across[:] = -(second @ carried)
        first -= carried.T @ across
        matrix[:half, half:] = across.T
        return
    factor, failed = lapack.spotrf(matrix, lower=1)
    if failed:
        raise ValueError("the kernel cannot be inverted: is a tip there twice?")
    lower = np.tril(lapack.spotri(factor, lower=1, overwrite_c=1)[0])
    matrix[:] = lower + np.tril(lower, -1).T


def fit(kernel: Kernel, answers: Matrix, left_out: NDArray[np.int64], settings: Settings) -> Matrix:
    """Return the dual weights of a logistic regression for every column of answers; those of `left_out` are zero.

    Newton's steps with the curvature's upper bound, hurried on as by Nesterov (1983). The inverse for a part of the
    tips follows from that for all, so that leaving out one writer after another needs no inverse of its own.
    """
    corner = scipy.linalg.cho_factor(kernel.inverse[np.ix_(left_out, left_out)]) if left_out.size else None
    beside = kernel.inverse[:, left_out]
    dual = np.zeros_like(answers)
    ahead = dual
    for round_ in range(settings.rounds):
        chance = 1 / (1 + np.exp(-(kernel.alike @ ahead)))
        pull = answers - chance - np.float32(settings.strictness) * ahead
        pull[left_out] = 0
        step = kernel.inverse @ pull
        if corner is not None:
            step -= beside @ scipy.linalg.cho_solve(corner, step[left_out])
            step[left_out] = 0
        before, dual = dual, ahead + step
        ahead = dual + np.float32(round_ / (round_ + 3)) * (dual - before)
    return dual


@dataclass(slots=True)
class Weights:
    """A fit as plain weights of features, one column a target."""

    text: Matrix
    meaning: Matrix
    """For the numbers of a word's vector."""
    rules: Matrix
    ballot: Matrix
    bias: Matrix


def plain(whole: Tables, dual: Matrix, settings: Settings) -> Weights:
    """Turn weights of tips into weights of what stands in the tips."""
    return Weights(
        text=np.asarray((whole.words + whole.letters + whole.order).T @ dual),
        meaning=settings.meaning_share * (whole.meaning.T @ dual),
        rules=np.asarray(settings.rule_share * (whole.rules.T @ dual), np.float32),
        ballot=settings.ballot_share * (whole.ballot.T @ dual),
        bias=dual.sum(axis=0),
    )


def predict(whole: Tables, parts: Tables, weights: Weights, rows: NDArray[np.int64], settings: Settings) -> Matrix:
    """Return the raw sums for some of the tips, windows counted as the model counts them."""

    def text(table: Tables, some: NDArray[np.int64]) -> Matrix:
        found: Matrix = table.words[some] @ weights.text + table.letters[some] @ weights.text
        return found + table.meaning[some] @ weights.meaning

    sums = text(whole, rows)
    best = sums.copy()
    place = np.full(len(whole.ballot), -1)
    place[rows] = np.arange(len(rows))
    windows = np.flatnonzero(place[parts.owner] >= 0)
    np.maximum.at(best, place[parts.owner[windows]], text(parts, windows))
    sums += np.float32(settings.window_share) * (best - sums)
    sums += np.float32(settings.order_share) * (whole.order[rows] @ weights.text)
    sums += whole.rules[rows] @ weights.rules + whole.ballot[rows] @ weights.ballot + weights.bias
    return sums


def unseen(
    whole: Tables,
    parts: Tables,
    kernel: Kernel,
    answers: Matrix,
    groups: Sequence[str],
    settings: Settings,
    say: Callable[[str], object] = lambda _: None,
) -> Matrix:
    """Predict every tip with a model that has seen nothing of its writer."""
    sums = np.zeros_like(answers)
    names = np.array(groups)
    for group in sorted(set(groups)):
        rows = np.flatnonzero(names == group)
        dual = fit(kernel, answers, rows, settings)
        sums[rows] = predict(whole, parts, plain(whole, dual, settings), rows, settings)
        say(f"left out {group}: {len(rows)} tips")
    return sums


@dataclass(slots=True)
class Crossing:
    """The second step: its weights, and what it makes of every tip when it has seen nothing of the tip's writer."""

    middle: Matrix
    spread: Matrix
    weights: Matrix
    sums: Matrix


def cross(sums: Matrix, answers: Matrix, groups: Sequence[str], settings: Settings) -> Crossing:
    """Learn what the sums of unseen tips say of each other, on top of what each says itself."""
    middle, spread = sums.mean(axis=0), sums.std(axis=0)
    found = crossed(sums, middle, spread)
    names = np.array(groups)
    corrected = np.empty_like(sums)
    for group in sorted(set(groups)):
        rows = names == group
        weights = _fit_crossing(found[~rows], sums[~rows], answers[~rows], settings)
        corrected[rows] = sums[rows] + found[rows] @ weights
    return Crossing(middle, spread, _fit_crossing(found, sums, answers, settings), corrected)


def _fit_crossing(found: Matrix, sums: Matrix, answers: Matrix, settings: Settings) -> Matrix:
    """Newton's steps with the curvature's upper bound, as in `fit`, beside the sums as they are."""
    strictness = np.full(CROSSED, settings.crossing_strictness, np.float32)
    strictness[0] = 1.0
    factor = scipy.linalg.cho_factor(found.T @ found / np.float32(4) + np.diag(strictness))
    weights = np.zeros((CROSSED, answers.shape[1]), np.float32)
    ahead = weights
    for round_ in range(settings.crossing_rounds):
        chance = 1 / (1 + np.exp(-(sums + found @ ahead)))
        pull = found.T @ (answers - chance) - strictness[:, None] * ahead
        before, weights = weights, ahead + scipy.linalg.cho_solve(factor, pull)
        ahead = weights + np.float32(round_ / (round_ + 3)) * (weights - before)
    return weights
