"""What work leaves in memory is let go of a moment later, by a thread of its own."""

import gc
import threading
import urllib.parse
import weakref

from tests.story.house import until
from tipline import tidying
from triage import assess
from triage.classify import features, folding
from triage.classify.lexicon import lexicon


class Circle:
    """Something that only the collector frees."""

    def __init__(self) -> None:
        self.me = self


def test_a_circle_is_gone_a_moment_after_the_work():
    tidy = tidying.Tidying()
    gc.disable()
    try:
        left = weakref.ref(Circle())
        assert left() is not None
        tidy.soon()

        until(lambda: left() is None)
    finally:
        gc.enable()


def test_what_was_kept_for_speed_is_forgotten_each_time():
    tidy, forgotten = tidying.Tidying(), threading.Semaphore(0)
    tidy.also(forgotten.release)
    tidy.also(forgotten.release)  # each once, though asked for twice
    for _ in range(3):
        tidy.soon()
        assert forgotten.acquire(timeout=10)


def test_the_addresses_taken_apart_last_are_forgotten():
    urllib.parse.urlsplit("/path?what=was-asked")
    tidying.Tidying().now()

    assert urllib.parse.urlsplit.cache_info().currsize == 0


def test_the_words_of_texts_read_before_are_forgotten():
    assess.classify("Marguerite Oyelaran hides the rifle behind the aquarium")
    english = lexicon().languages["en"].phrases
    assert "oyelaran" in features._spellings
    assert "oyelaran" in english.known
    tidying.house.now()

    assert not features._spellings
    assert not features._rule_buckets
    assert not english.known
    assert folding.fold_char.cache_info().currsize == 0


def test_it_begins_anew_in_a_child_whose_parent_had_a_thread():
    tidy = tidying.Tidying()
    tidy.soon()
    first = tidy._thread
    until(lambda: not tidy._worked.is_set())
    # What a fork leaves: the object, and a thread that does not run.
    tidy._thread = threading.Thread()
    tidy.soon()

    assert tidy._thread is not first
    assert tidy._thread.is_alive()
