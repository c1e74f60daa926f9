"""The weights file: checked before use, the same every time, and read in windows."""

import io
import json
import time
import zipfile
from itertools import pairwise

import numpy as np
import pytest

from triage.classify import classify, decide
from triage.classify.features import BUCKETS, features, rule_buckets
from triage.classify.folding import fold
from triage.classify.labelled import own_tips
from triage.classify.lexicon import TARGETS
from triage.classify.model import (
    AROUND,
    MOST_WINDOWS,
    PAGING,
    PHRASE,
    WEIGHTS,
    WINDOW,
    ModelError,
    model,
    read_model,
    starts,
)
from triage.classify.tokens import tokenise


def arrays() -> dict[str, np.ndarray]:
    with np.load(WEIGHTS, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def broken(tmp_path, **changes):
    path = tmp_path / "model.npz"
    np.savez(path, **{**arrays(), **changes})
    return path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weights", np.zeros((4, 4), np.int8)),
        ("scale", np.full(29, np.nan, np.float32)),
        ("rarity", np.zeros(BUCKETS, np.float64)),
        ("bias", np.array([{"a": 1}], dtype=object)),
        ("facts", np.frombuffer(b"no json", np.uint8)),
        ("facts", np.frombuffer(b"[]", np.uint8)),
        ("facts", np.frombuffer(json.dumps({"targets": ["a"]}).encode(), np.uint8)),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path, name, value):
    with pytest.raises(ModelError):
        read_model(broken(tmp_path, **{name: value}))


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(b"\x80\x04not weights")

    with pytest.raises(ModelError):
        read_model(path)


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "model.npz"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights.npy", bytes(100_000_000))
    path.write_bytes(buffer.getvalue())

    with pytest.raises(ModelError, match="too much"):
        read_model(path)


def test_a_table_whose_rows_are_not_all_told_where_they_belong_is_refused(tmp_path):
    with np.load(WEIGHTS) as stored:
        arrays = dict(stored)
    arrays["meaning"] = arrays["meaning"][1:]
    np.savez(tmp_path / "model.npz", **arrays)

    with pytest.raises(ModelError, match="meaning"):
        read_model(tmp_path / "model.npz")


def test_the_weights_are_small_and_load_fast():
    started = time.process_time()
    read_model(WEIGHTS)

    assert WEIGHTS.stat().st_size < 12_000_000
    assert time.process_time() - started < 0.5


def test_the_same_text_always_gets_the_same_answer():
    text = "my brother gave away his console and says monday will not need him"

    assert classify(text) == classify(text)


def test_every_window_of_a_long_text_is_read_and_their_number_is_bounded():
    assert starts(WINDOW + 1) == [0, 1]
    assert starts(10**6)[-1] == 10**6 - WINDOW
    assert len(starts(10**6)) <= MOST_WINDOWS
    covered = {place for start in starts(1000) for place in range(start, start + WINDOW)}
    assert covered == set(range(1000))


def test_one_dangerous_sentence_in_a_long_harmless_text_still_wakes_somebody():
    harmless = "The bins were late again and the neighbour's hedge is over the wall, as I wrote in spring. " * 15

    answer = classify(harmless + "She has taken all her tablets and is not waking up. " + harmless)

    assert answer.urgency.pages


def test_features_are_the_same_on_every_machine():
    found = features(tokenise(fold("gun")))

    assert found.words.tolist() == rule_buckets_free("word", "gun")
    assert len(found.letters) == 4 + 3 + 2 + 1
    assert rule_buckets(["a", "a"]).size == 1


def rule_buckets_free(kind: str, name: str) -> list[int]:
    from zlib import crc32

    return [crc32(f"{kind}:{name}".encode()) >> 15]


def test_the_shipped_weights_belong_to_the_tips_in_the_repository():
    pytest.importorskip("scipy")
    from triage.classify.publish import digest
    from triage.classify.training import Settings

    learned = [tip for tip in own_tips() if tip.file in model().files]

    assert model().version == f"model-{digest(learned, Settings())[:12]}"


def test_training_again_on_a_slice_gives_the_same_weights_and_they_work(tmp_path):
    pytest.importorskip("scipy")
    from triage.classify.fitting import train

    first = train(tmp_path / "one.npz", every=12)
    second = train(tmp_path / "two.npz", every=12)

    assert first == second
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    read_model(tmp_path / "one.npz")


def test_a_long_text_that_wakes_somebody_is_turned_into_features_once(monkeypatch):
    calls = []
    monkeypatch.setattr(decide, "features", lambda tokens: calls.append(len(tokens)) or features(tokens))

    judgement = classify("He will bring a gun to school tomorrow and shoot them. " * 20)

    assert judgement.urgency.pages
    assert len(calls) == 1


def test_the_sums_of_a_whole_text_do_not_depend_on_its_windows():
    found = features(tokenise(fold("we walked to the river and back again and again " * 20)))
    windows = np.array([0, 32, 64])

    rows = model()._group(found.letters, found.letter_places, windows)
    alone = model()._group(found.letters, found.letter_places, windows[:0])

    assert rows.shape[0] == 4
    assert np.allclose(rows[0], alone[0], atol=1e-4)
    assert not np.allclose(rows[1], rows[0], atol=1e-4)


def test_what_the_model_points_at_are_phrases_within_a_sentence_that_do_not_overlap():
    text = "The lamp is out. He keeps counting the steps from the office to the gym. Sleeping forever sounds nice."
    folded = fold(text)
    tokens = tokenise(folded)

    runs = model().strongest(features(tokens), tokens, [PAGING, TARGETS.index("school_threat"), PAGING])

    assert 1 <= len(runs) <= 3
    assert all(0 < stop - first <= PHRASE + 2 * AROUND for first, stop in runs)
    assert all(tokens[first].sentence == tokens[stop - 1].sentence for first, stop in runs)
    assert all(one[1] <= other[0] for one, other in pairwise(sorted(runs)))
