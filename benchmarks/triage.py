"""How fast, how small and how good triage is, beside a plain TF-IDF with logistic regression.

    python -m benchmarks.triage [--held w1]

Texts of 200 words are made by joining tips. With `--held w1`, both learn from all other writers and
are measured on that one; without, only speed, load and memory of the shipped model are measured.
The plain pipeline needs scikit-learn, which is installed for this benchmark only.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from triage.classify import Assessment, classify, classify_with
from triage.classify.evaluate import (
    Pair,
    average_precision,
    by_category,
    curve,
    macro_f1,
    near_misses,
    paging,
    precision_at,
)
from triage.classify.labelled import Labelled, own_tips

WORDS = 200
PROCESSES = 7
"""So many fresh processes are asked how long loading takes; the middle one counts."""
OWN = "Python's own modules"
"""Every process of the house has read them long before."""
LOAD = """
import json, resource, time
def rss():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2**20
found = {}
last = time.process_time()
def step(name):
    global last
    now = time.process_time()
    found[name] = 1000 * (now - last)
    last = now
before = rss()
import numpy
numpys = rss() - before
step("numpy")
import array, collections, dataclasses, hashlib, pathlib, tomllib, unicodedata, weakref, zipfile
step("Python's own modules")
from triage.classify.model import model
from triage.classify.lexicon import lexicon
step("program")
model()
step("weights")
known = lexicon().languages
known["en"].rules
step("English rules")
for language in known.values():
    language.rules
step("ten more languages")
from triage.classify import classify
classify("warm up")
step("first answer")
print(json.dumps(found | {"memory": rss() - before, "memory of numpy": numpys}))
"""


def load() -> None:
    """Print how long a fresh process needs until it can read every language, as installed: with bytecode."""
    with tempfile.TemporaryDirectory() as place:
        surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        surroundings["PYTHONPYCACHEPREFIX"] = place
        runs = [
            json.loads(subprocess.check_output([sys.executable, "-c", LOAD], env=surroundings))
            for _ in range(PROCESSES + 1)
        ][1:]  # the first one writes the bytecode
    middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    steps = ("program", "weights", "English rules", "ten more languages")
    whole = statistics.median(sum(run[name] for name in steps) for run in runs)
    print(
        f"load: {whole:.0f} ms for all languages ("
        + ", ".join(f"{name} {middle[name]:.0f}" for name in steps)
        + f"; beside it numpy {middle['numpy']:.0f}, Python's own modules {middle[OWN]:.0f}, "
        + f"first answer {middle['first answer']:.0f}), "
        f"memory added {middle['memory']:.0f} MB (of it numpy {middle['memory of numpy']:.0f})"
    )


def long_texts(tips: Sequence[Labelled]) -> list[str]:
    """Return texts of 200 words made of tips in Latin letters."""
    words = [word for tip in tips if tip.lang in ("en", "fr", "es") for word in tip.text.split()]
    return [" ".join(words[start : start + WORDS]) for start in range(0, len(words) - WORDS, WORDS)]


def speed(name: str, answer: Callable[[str], object], texts: Sequence[str]) -> None:
    """Print how many texts a second of processor time are answered, and the slowest of a hundred."""
    times = []
    for text in texts:
        start = time.thread_time()
        answer(text)
        times.append(time.thread_time() - start)
    middle, slow = np.percentile(times, [50, 99]) * 1000
    print(
        f"{name}: {len(times) / sum(times):.0f} texts of {WORDS} words a second, "
        f"median {middle:.2f} ms, p99 {slow:.2f} ms"
    )


MEGABYTE = 1_000_000
HOSTILE = {
    "one million spaces": " " * MEGABYTE,
    "one word": "a" * MEGABYTE,
    "one threat over and over": "he will bring a gun to school tomorrow " * (MEGABYTE // 39),
    "no full stop": "i want to die and " * (MEGABYTE // 18),
    "all words different": " ".join(f"w{number}" for number in range(MEGABYTE // 7)),
    "deep repetition": "((((not " * (MEGABYTE // 8),
    "letters of other alphabets": "кill mysеlf " * (MEGABYTE // 16),
    "words split by invisible letters": "k\u200bi\u200bl\u200bl " * (MEGABYTE // 14),
    "emoji": "\U0001f52b\U0001f480" * (MEGABYTE // 8),
    "leetspeak": "k1ll mys3lf t0n1ght " * (MEGABYTE // 20),
    "stars": "su*c*de " * (MEGABYTE // 8),
    "letters apart": "k i l l " * (MEGABYTE // 8),
    "Chinese": "我想死" * (MEGABYTE // 9),
}
"""About a megabyte each. What a form takes is far shorter; this is what a broken limit would let through."""


def hostile() -> None:
    """Print the processor time for each 10 kB of hostile text."""
    worst = 0.0
    for name, text in HOSTILE.items():
        start = time.thread_time()
        classify(text)
        share = (time.thread_time() - start) * 1000 / (len(text.encode()) / 10_000)
        worst = max(worst, share)
        print(f"  {name:34} {share:6.2f} ms for 10 kB")
    print(f"hostile text of a megabyte: at most {worst:.1f} ms for 10 kB (target 50)")


def quality(pairs: Sequence[Pair]) -> None:
    """Print what the model gets right on a writer it has not seen."""
    woken = paging(pairs)
    points = ", ".join(f"{precision_at(pairs, at):.2f} at {at:.2f}" for at in (0.97, 0.90, 0.80))
    print(
        f"tipline: paging average precision {woken.average_precision:.3f} (precision {points}), "
        f"recall {woken.recall.value:.3f} at precision {woken.precision.value:.3f}, near misses paged "
        f"{near_misses(pairs).value:.3f}, macro F1 {macro_f1(by_category(pairs)):.3f}"
    )


def plain(train: Sequence[Labelled], test: Sequence[Labelled], texts: Sequence[str]) -> None:
    """Train and measure the pipeline everybody would write first."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True),
    )
    pipeline = make_pipeline(features, LogisticRegression(C=10, max_iter=300, class_weight="balanced"))
    pipeline.fit([tip.text for tip in train], [tip.urgency.pages for tip in train])
    chances = pipeline.predict_proba([tip.text for tip in test])[:, 1]
    truth = [tip.urgency.pages for tip in test]
    points = curve(truth, chances.tolist())
    at = {goal: max(precision for recall, precision, _ in points if recall >= goal) for goal in (0.97, 0.90, 0.80)}
    listed = ", ".join(f"{precision:.2f} at {goal:.2f}" for goal, precision in at.items())
    print(f"plain: paging average precision {average_precision(truth, chances.tolist()):.3f} (precision {listed})")
    speed("plain (one question of 29)", lambda text: pipeline.predict_proba([text]), texts)


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--held", default="", help="measure quality on this writer, e.g. w1")
    held = parser.parse_args().held
    tips = own_tips()
    texts = long_texts(tips)[:400]
    load()
    classify("warm up")
    speed("tipline", classify, texts)
    hostile()
    if held:
        from triage.classify.fitting import train
        from triage.classify.model import read_model

        test = [tip for tip in tips if tip.file.startswith(held)]
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "model.npz"
            train(path, skip=held)
            answer: Callable[[str], Assessment] = partial(classify_with, read_model(path))
        quality([(tip, answer(tip.text)) for tip in test])
        plain([tip for tip in tips if not tip.file.startswith(held)], test, texts[:100])


if __name__ == "__main__":
    main()
