"""The whole training, from labelled tips to the weights file, in one function."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from triage.classify.labelled import own_tips
from triage.classify.model import PAGING
from triage.classify.publish import write
from triage.classify.training import Settings, duals, kernels, tables, unseen


def train(
    path: Path,
    *,
    skip: str = "",
    every: int = 1,
    settings: Settings | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> str:
    """Train on the tips in the repository, write the weights and return their version.

    `skip` leaves out files whose names begin so; `every` takes only each n-th tip.
    """
    settings = settings or Settings()
    tips = [tip for tip in own_tips() if not (skip and tip.file.startswith(skip))][::every]
    answers = np.array([tip.answers() for tip in tips], np.float32)
    whole, parts = tables(tips)
    found = kernels(whole, parts, settings)
    say(f"{len(tips)} tips by {len({tip.writer for tip in tips})} writers")
    sums = unseen(found, answers, [tip.writer for tip in tips], settings, say)
    everything = np.arange(len(tips))
    dual = duals(found, answers, everything, settings)
    version = write(path, tips, whole, found, answers, sums, dual, settings)
    woken = answers[:, PAGING] > 0
    say(f"tips that should wake somebody: {int(woken.sum())}")
    return version
