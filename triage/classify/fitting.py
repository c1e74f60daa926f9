"""The whole training, from labelled tips to the weights file, in one function."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from triage.classify.assessment import Assessment
from triage.classify.decide import categories_of, level_of, probability
from triage.classify.evaluate import Pair, average_precision
from triage.classify.labelled import Labelled, own_tips
from triage.classify.lexicon import TARGETS
from triage.classify.model import PAGING, Model, read_model
from triage.classify.publish import write
from triage.classify.reporting import text_report
from triage.classify.taxonomy import Category
from triage.classify.training import Matrix, Settings, cross, fit, kernel_of, tables, unseen


def train(
    path: Path,
    *,
    skip: str = "",
    every: int = 1,
    settings: Settings | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> str:
    """Train on the tips in the repository, write the weights and return their version.

    `skip` leaves out files whose names begin so (several with commas between); `every` takes only each n-th tip.
    """
    settings = settings or Settings()
    left_out = tuple(part.strip() for part in skip.split(",") if part.strip())
    tips = [tip for tip in own_tips() if not tip.file.startswith(left_out)][::every]
    answers = np.array([tip.answers() for tip in tips], np.float32)
    whole, parts = tables(tips)
    kernel = kernel_of(whole, settings)
    say(f"{len(tips)} tips by {len({tip.writer for tip in tips})} writers")
    writers = [tip.writer for tip in tips]
    crossing = cross(unseen(whole, parts, kernel, answers, writers, settings, say), answers, writers, settings)
    dual = fit(kernel, answers, np.empty(0, np.int64), settings)
    version = write(path, tips, whole, answers, crossing, dual, settings)
    say("\nEvery tip answered by a fit that has seen nothing of its writer, rules marked always left aside:\n")
    say(text_report(answered(tips, crossing.sums, read_model(path))))
    return version


def learning_curve(settings: Settings | None = None, say: Callable[[str], object] = lambda _: None) -> None:
    """Say how good a fit is on unseen writers when it learns from ever more tips; nothing is written."""
    settings = settings or Settings()
    tips = own_tips()
    targets = range(len(Category))
    for every in (16, 8, 4, 2, 1):
        # Tips are thinned out before they are fitted, each writer's alike, and every tip kept is answered.
        kept = tips[::every]
        answers = np.array([tip.answers() for tip in kept], np.float32)
        whole, parts = tables(kept)
        writers = [tip.writer for tip in kept]
        sums = unseen(whole, parts, kernel_of(whole, settings), answers, writers, settings)
        sums = cross(sums, answers, writers, settings).sums
        waking = average_precision(answers[:, PAGING].tolist(), sums[:, PAGING].tolist())
        kinds = np.mean([average_precision(answers[:, one].tolist(), sums[:, one].tolist()) for one in targets])
        say(f"every {every:2} of the tips: paging average precision {waking:.3f}, categories {kinds:.3f}")


def answered(tips: Sequence[Labelled], sums: Matrix, model: Model) -> list[Pair]:
    """Return what the sums of unseen tips would be answered with, by the thresholds of a model."""
    pairs = []
    for tip, odds in zip(tips, model.slope * sums + model.offset, strict=True):
        over = dict(zip(TARGETS, (odds - model.threshold).tolist(), strict=True))
        level = level_of(over, None)
        scores = {target: probability(float(value)) for target, value in zip(TARGETS, odds, strict=True)}
        answer = Assessment(
            level, categories_of(over, pages=level.pages), scores, tip.lang, (), model.version, judged=True
        )
        pairs.append((tip, answer))
    return pairs
