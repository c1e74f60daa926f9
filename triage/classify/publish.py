"""Turn a fit into the weights file that is shipped: calibrate, choose thresholds, round to bytes."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.classify.labelled import Labelled
from triage.classify.lexicon import TARGETS, lexicon, rules_version
from triage.classify.likeness import learn
from triage.classify.taxonomy import Category
from triage.classify.training import VECTORS, Crossing, Matrix, Settings, Tables, plain, vectors

Column = NDArray[np.float32]
CLIP = 99.995
"""Weights beyond this percentile are cut, so that one byte is fine enough for the others."""
GRAVEST = {str(Category.SCHOOL_THREAT), str(Category.SELF_HARM)}
"""Categories that are overlooked at the price of a life."""


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
    """Return the log odds from which each target counts: by cost for paging and the gravest categories, else by F1.

    A missed page costs as much as `miss_costs` needless ones, so somebody is woken from the chance
    1 in 1 + `miss_costs`; what is gravest is named from 1 in 1 + `unnamed_costs`. The lower levels are decided
    among the tips that reach them.
    """
    costs = {"paging": settings.miss_costs} | dict.fromkeys(GRAVEST, settings.unnamed_costs)
    return [
        float(-np.log(costs[target])) if target in costs else best_f1(odds[:, place], answers[:, place])
        for place, target in enumerate(TARGETS)
    ]


def digest(tips: Sequence[Labelled], settings: Settings) -> str:
    """Return a hash of the tips, the vectors and the settings; rules have a version of their own (lexicon.py)."""
    total = hashlib.sha256(json.dumps(asdict(settings), sort_keys=True).encode())
    for tip in tips:
        total.update(json.dumps([tip.text, sorted(tip.categories), tip.urgency, tip.file]).encode())
    total.update(VECTORS.read_bytes())
    return total.hexdigest()


def packed(name: str, table: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return the rows of a table that are not empty, after an empty one, and a bit for every row."""
    used = table.any(axis=1)
    return {name: np.concatenate([np.zeros_like(table[:1]), table[used]]), f"{name}_used": np.packbits(used)}


def write(
    path: Path,
    tips: Sequence[Labelled],
    whole: Tables,
    answers: Matrix,
    crossing: Crossing,
    dual: Matrix,
    settings: Settings,
) -> str:
    """Write the weights file and return its version."""
    weights = plain(whole, dual, settings)
    weights.text[whole.rarity == 0] = 0
    text, meaning = weights.text, vectors() @ weights.meaning
    scale, meaning_scale = (
        np.maximum(np.percentile(np.abs(table[table.any(axis=1)]), CLIP, axis=0), 1e-6) / 127
        for table in (text, meaning)
    )
    lines = [calibrate(crossing.sums[:, place], answers[:, place]) for place in range(len(TARGETS))]
    slope, offset = (np.array(column, np.float32) for column in zip(*lines, strict=True))
    odds = slope * crossing.sums + offset
    likeness = learn(tips, lexicon(), settings.unlike, settings.alike)
    version = f"model-{digest(tips, settings)[:12]}"
    facts = {
        "version": version,
        "digest": digest(tips, settings),
        "learned_with": rules_version(),
        "targets": TARGETS,
        "languages": likeness.languages,
        "tips": len(tips),
        "files": sorted({tip.file for tip in tips}),
        "settings": asdict(settings),
        "window_share": settings.window_share,
        "order_share": settings.order_share,
        "rules": sorted(rule.name for language in lexicon().languages.values() for rule in language.rules),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not compressed: unpacking would be half of the time a process needs to read its weights.
    np.savez(
        path,
        allow_pickle=False,
        **packed("weights", np.clip(np.round(text / scale), -127, 127).astype(np.int8)),
        **packed("meaning", np.clip(np.round(meaning / meaning_scale), -127, 127).astype(np.int8)),
        **packed("rules", weights.rules.astype(np.float16)),
        scale=scale.astype(np.float32),
        meaning_scale=meaning_scale.astype(np.float32),
        rarity=whole.rarity,
        ballot=weights.ballot.astype(np.float32),
        bias=weights.bias.astype(np.float32),
        middle=crossing.middle.astype(np.float32),
        spread=crossing.spread.astype(np.float32),
        crossing=crossing.weights.astype(np.float32),
        slope=slope,
        offset=offset,
        threshold=np.array(thresholds(odds, answers, settings), np.float32),
        likeness=likeness.seen,
        likeness_limits=likeness.limits,
        facts=np.frombuffer(json.dumps(facts).encode(), np.uint8),
    )
    return version
