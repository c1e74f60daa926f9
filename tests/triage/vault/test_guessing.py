"""Guessing gets slower and slower, and locks nobody out."""

import threading
import time

import pytest

from triage.vault import guessing
from triage.vault.guessing import CODE, PHRASE, Misses, NotNow


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.fixture(autouse=True)
def nothing_missed():
    guessing.misses.forget()
    yield
    guessing.misses.forget()


def _waits(misses, what, pace, tries, clock):
    """Try as soon as one may, and say how long each time took."""
    found = []
    for _ in range(tries):
        seconds = misses.wait(what, pace)
        found.append(seconds)
        if seconds:
            clock[0] += seconds
            assert misses.wait(what, pace) == 0
    return found


def test_a_few_misses_slow_nobody_and_then_each_waits_twice_as_long(clock):
    found = _waits(Misses(), "ada", PHRASE, 12, clock)

    assert found[:5] == [0, 0, 0, 0, 0]
    assert [seconds - 1 for seconds in found[5:]] == [1, 2, 4, 8, 16, 30, 30]


def test_codes_of_six_digits_get_a_hundred_tries_a_day_and_no_more(clock):
    found = _waits(Misses(), "ada", CODE, 30, clock)

    assert 24 * 3600 / found[-1] < 100


def test_a_try_that_came_too_early_makes_nobody_wait_longer(clock):
    misses = Misses()
    for _ in range(8):
        misses.wait("ada", PHRASE)
    first = misses.wait("ada", PHRASE)
    for _ in range(50):
        misses.wait("ada", PHRASE)

    clock[0] += first

    assert misses.wait("ada", PHRASE) == 0


def test_twenty_wrong_tries_later_the_right_one_works(clock):
    misses = Misses()
    _waits(misses, "ada", PHRASE, 20, clock)

    assert misses.wait("ada", PHRASE) <= PHRASE.longest + 1


def test_a_right_try_takes_itself_back_and_nothing_else(clock):
    misses = Misses()
    for _ in range(4):
        misses.wait("ada", PHRASE)
    for _ in range(20):
        assert misses.wait("ada", PHRASE) == 0
        misses.forgive("ada")

    misses.wait("ada", PHRASE)
    assert misses.wait("ada", PHRASE) > 0


def test_misses_are_forgotten_after_half_an_hour(clock):
    misses = Misses()
    _waits(misses, "ada", PHRASE, 20, clock)

    clock[0] += guessing.FORGOTTEN_AFTER

    assert _waits(misses, "ada", PHRASE, 5, clock) == [0] * 5


def test_a_flood_of_names_pushes_nobodys_misses_out(clock):
    misses = Misses()
    for _ in range(10):
        misses.wait("ada", PHRASE)

    for number in range(200_000):
        misses.wait(f"nobody-{number}", PHRASE)

    assert misses.wait("ada", PHRASE) > 0
    assert len(misses._found) <= guessing.PLACES


def test_names_are_not_kept(clock):
    misses = Misses()
    misses.wait("phrase|ada|", PHRASE)

    assert "ada" not in str(misses.__dict__)


def _hold(release, begun):
    def look():
        begun.set()
        release.wait(10)

    return look


def test_strangers_take_one_turn_at_a_time_and_a_known_browser_does_not_wait_for_them():
    release, begun = threading.Event(), threading.Event()
    strangers = [
        threading.Thread(target=guessing.slowly, args=(f"stranger-{n}", _hold(release, begun))) for n in range(4)
    ]
    for stranger in strangers:
        stranger.start()
    assert begun.wait(5)

    try:
        assert guessing.slowly("ada", lambda: "open", known=True) == "open"
        end = time.monotonic() + 5
        while guessing._WAITING._value and time.monotonic() < end:
            time.sleep(0.01)
        with pytest.raises(NotNow) as refusal:
            guessing.slowly("stranger-5", lambda: "open")
    finally:
        release.set()
        for stranger in strangers:
            stranger.join()

    assert refusal.value.busy
    assert guessing.slowly("stranger-5", lambda: "open") == "open"


def test_being_sent_away_for_others_sake_is_no_miss_of_ones_own(monkeypatch):
    monkeypatch.setattr(guessing, "_WAITING", threading.BoundedSemaphore(1))
    guessing._WAITING.acquire()
    for _ in range(20):
        with pytest.raises(NotNow) as refusal:
            guessing.slowly("ada", lambda: "open")

    assert refusal.value.busy
