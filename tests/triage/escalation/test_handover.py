"""Work is handed to Celery once; nobody is waited for longer than a moment."""

import socket
import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest

from triage.escalation.handover import HandOver, Publisher


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def published() -> list:
    return []


@pytest.fixture
def lane(clock, published) -> HandOver:
    def publish(rows) -> bool:
        published.extend(rows)
        return True

    return HandOver(publish, most=4, monotonic=clock)


def test_a_row_is_handed_over_once(lane, published, clock):
    row = uuid4()

    assert lane.sort([row]) == []
    clock.now += 0.1
    assert lane.sort([row]) == []

    assert published == [row]


def test_what_nobody_takes_in_300_ms_is_ours(lane, clock):
    row = uuid4()
    lane.sort([row])

    clock.now += 0.31

    assert lane.sort([row]) == [row]


def test_while_nobody_is_there_everything_is_ours_at_once(lane, clock):
    lane.sort([uuid4()])
    clock.now += 0.31
    lane.sort(list(lane.handed))

    row = uuid4()
    assert lane.alone
    assert lane.sort([row]) == [row]


def test_after_some_seconds_somebody_gets_another_chance(lane, clock, published):
    lane.sort([uuid4()])
    clock.now += 0.31
    lane.sort(list(lane.handed))
    clock.now += 5.1

    row = uuid4()
    assert lane.sort([row]) == []
    assert published[-1] == row


def test_only_one_row_asks_whether_somebody_is_back(lane, clock, published):
    lane.sort([uuid4()])
    clock.now += 0.31
    lane.sort(list(lane.handed))
    clock.now += 5.1
    asking, others = uuid4(), [uuid4(), uuid4()]

    assert lane.sort([asking, *others]) == others

    clock.now += 0.1
    assert lane.sort(others) == []  # somebody took the one that asked
    assert published[-2:] == others


def test_a_busy_worker_is_helped_but_not_given_up(lane, clock):
    slow, quick = uuid4(), uuid4()
    lane.sort([slow, quick])

    clock.now += 0.31
    mine = lane.sort([slow])  # somebody took the other one

    assert mine == [slow]
    assert not lane.alone


def test_no_more_is_handed_over_than_can_soon_be_done(lane, published):
    rows = [uuid4() for _ in range(10)]

    assert lane.sort(rows) == []

    assert published == rows[:4]
    assert lane.pause(0.5, more=True) < 0.05


def test_the_loop_sleeps_no_longer_than_until_a_row_becomes_ours(lane, clock):
    assert lane.pause(0.5, more=False) == 0.5
    lane.sort([uuid4()])
    clock.now += 0.1

    assert lane.pause(0.5, more=False) == pytest.approx(0.2)


def test_what_cannot_be_published_is_ours_at_once(clock):
    lane = HandOver(lambda rows: False, monotonic=clock)
    rows = [uuid4(), uuid4()]

    assert lane.sort(rows) == rows


def test_what_waits_together_is_handed_over_in_few_messages(clock):
    messages: list[list] = []
    lane = HandOver(lambda rows: messages.append(rows) is None, most=8, batch=3, monotonic=clock)
    rows = [uuid4() for _ in range(10)]

    assert lane.sort(rows) == []

    assert messages == [rows[:3], rows[3:6], rows[6:8]]


def test_of_one_message_what_was_not_reached_in_time_is_ours(lane, clock):
    reached, left = uuid4(), uuid4()
    lane.sort([reached, left])

    clock.now += 0.31

    assert lane.sort([left]) == [left]
    assert not lane.alone


def test_where_rows_come_quickly_what_can_be_done_here_is_done_here(lane, published, clock):
    for _ in range(20):
        row = uuid4()
        mine = lane.sort([row], here=[row])
        clock.now += 0.02

    assert mine == [row]
    assert len(published) < 10


def test_what_is_more_than_one_process_can_do_is_handed_over(lane, published):
    rows = [uuid4() for _ in range(10)]

    mine = lane.sort(rows, here=rows[:3])

    assert mine == rows[:3]
    assert published == rows[3:7]


def test_where_rows_come_slowly_they_are_handed_over_though_they_could_be_done_here(lane, published, clock):
    rows = [uuid4() for _ in range(20)]
    for row in rows:
        assert lane.sort([row], here=[row]) == []
        clock.now += 0.25

    assert published == rows


def test_without_a_broker_nothing_is_offered(settings):
    settings.BROKER_URL = ""

    assert Publisher().offer("triage.tasks.deliver", [uuid4()]) is False


def test_a_hung_broker_never_holds_up_the_loop(settings, tmp_path: Path, monkeypatch):
    from tipline.celery import app

    path = tmp_path / "redis.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(5)  # it takes connections and never says a word
        monkeypatch.setattr(settings, "BROKER_URL", f"redis+socket://{path}")
        monkeypatch.setattr(app.conf, "broker_url", f"redis+socket://{path}")
        before = {thread.name for thread in threading.enumerate()}
        publisher = Publisher()
        slowest = 0.0
        for _ in range(600):
            begun = time.perf_counter()
            publisher.offer("triage.tasks.deliver", [uuid4()])
            slowest = max(slowest, time.perf_counter() - begun)
            time.sleep(0.003)

        assert slowest < 0.1
        assert publisher.offer("triage.tasks.deliver", [uuid4()]) is False
        publisher.close()
    assert "publisher" not in before
