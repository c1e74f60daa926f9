"""Turn a fit into the weights file that is shipped: calibrate, choose thresholds, round to bytes."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from triage.classify.labelled import Labelled
from triage.classify.lexicon import TARGETS, lexicon, rules_version
from triage.classify.model import PAGING
from triage.classify.training import LEVELS, VECTORS, Kernels, Matrix, Settings, Tables, vectors

Column = NDArray[np.float32]
CLIP = 99.995
"""Weights beyond this percentile are cut, so that one byte is fine enough for the others."""


def calibrate(sums: Column, truth: Column) -> tuple[float, float]:
    """Return slope and offset that make the sums honest log odds (Platt 1999, his softened targets)."""
    yes = truth.sum()
    target = np.where(truth > 0, (yes + 1) / (yes + 2), 1 / (len(truth) - yes + 2))
    columns = np.stack([sums, np.ones_like(sums)], axis=1).astype(np.float64)
    found = np.array([1.0, 0.0])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-(columns @ found)))
        pull = columns.T @ (target - chance) - 1e-3 * (found - [1.0, 0.0])
        bend = (columns * (chance * (1 - chance))[:, None]).T @ columns + 1e-3 * np.eye(2)
        found = found + np.linalg.solve(bend, pull)
    return float(max(found[0], 0.05)), float(found[1])


def best_f1(odds: Column, truth: Column) -> float:
    """Return the threshold with the best F1, in the middle of the gap it lies in."""
    order = np.argsort(-odds, kind="stable")
    right = np.cumsum(truth[order])
    score = 2 * right / (np.arange(1, len(odds) + 1) + max(truth.sum(), 1))
    best = int(np.argmax(score))
    following = odds[order[best + 1]] if best + 1 < len(odds) else odds[order[best]] - 1
    return float((odds[order[best]] + following) / 2)


def thresholds(odds: Matrix, answers: Matrix, settings: Settings) -> list[float]:
    """Return the log odds from which each target counts: by cost for paging, else by F1.

    A missed page costs as much as `miss_costs` needless ones, so somebody is woken from the chance
    1 in 1 + `miss_costs`. The lower levels are decided among the tips that reach them.
    """
    found = [best_f1(odds[:, place], answers[:, place]) for place in range(len(TARGETS))]
    found[PAGING] = float(-np.log(settings.miss_costs))
    return found


def digest(tips: Sequence[Labelled], settings: Settings) -> str:
    """Return a hash of the tips, the vectors and the settings; rules have a version of their own (lexicon.py)."""
    total = hashlib.sha256(json.dumps(asdict(settings), sort_keys=True).encode())
    for tip in tips:
        total.update(json.dumps([tip.text, sorted(tip.categories), tip.urgency, tip.file]).encode())
    total.update(VECTORS.read_bytes())
    return total.hexdigest()


def write(
    path: Path,
    tips: Sequence[Labelled],
    whole: Tables,
    found: Kernels,
    answers: Matrix,
    unseen_sums: Matrix,
    dual: Matrix,
    settings: Settings,
) -> str:
    """Write the weights file and return its version."""
    text = np.asarray(whole.words.T @ dual) + np.asarray(whole.letters.T @ dual)
    known = vectors()
    meant = np.flatnonzero(known.any(axis=1))
    meaning = settings.meaning_share * (known[meant] @ (whole.meaning.T @ dual))
    rules = settings.rule_share * np.asarray(whole.rules.T @ dual)
    shares = np.where(LEVELS, settings.ballot_share_levels, settings.ballot_share).astype(np.float32)
    scale, meaning_scale = (
        np.maximum(np.percentile(np.abs(table), CLIP, axis=0), 1e-6) / 127 for table in (text, meaning)
    )
    lines = [calibrate(unseen_sums[:, place], answers[:, place]) for place in range(len(TARGETS))]
    slope, offset = (np.array(column, np.float32) for column in zip(*lines, strict=True))
    odds = slope * unseen_sums + offset
    version = f"model-{digest(tips, settings)[:12]}"
    facts = {
        "version": version,
        "digest": digest(tips, settings),
        "learned_with": rules_version(),
        "targets": TARGETS,
        "tips": len(tips),
        "files": sorted({tip.file for tip in tips}),
        "settings": asdict(settings),
        "window_share": settings.window_share,
        "rules": sorted(rule.name for language in lexicon().languages.values() for rule in language.rules),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not compressed: unpacking would be half of the time a process needs to read its weights.
    np.savez(
        path,
        weights=np.clip(np.round(text / scale), -127, 127).astype(np.int8),
        scale=scale.astype(np.float32),
        meant=meant.astype(np.int32),
        meaning=np.clip(np.round(meaning / meaning_scale), -127, 127).astype(np.int8),
        meaning_scale=meaning_scale.astype(np.float32),
        rarity=whole.rarity,
        rules=rules.astype(np.float16),
        ballot=(whole.ballot.T @ dual * shares).astype(np.float32),
        bias=dual.sum(axis=0).astype(np.float32),
        slope=slope,
        offset=offset,
        threshold=np.array(thresholds(odds, answers, settings), np.float32),
        facts=np.frombuffer(json.dumps(facts).encode(), np.uint8),
    )
    return version
