"""A freed body is overwritten soon: at once when nobody else is served, else within a quarter of a second."""

import random

from tipline.leavings import Leavings


def test_a_body_is_collected_when_its_request_ends_and_nobody_else_is_served():
    leavings = Leavings()
    leavings.came()

    assert leavings.went(body=True, now=10.0)


def test_a_request_without_a_body_leaves_nothing_to_collect():
    leavings = Leavings()
    leavings.came()

    assert not leavings.went(body=False, now=10.0)


def test_a_busy_door_collects_four_times_a_second():
    leavings = Leavings()
    leavings.came()  # stays all the while
    collected = 0
    for millisecond in range(0, 1000, 5):
        leavings.came()
        collected += leavings.went(body=True, now=10.0 + millisecond / 1000)

    assert 4 <= collected <= 5


def test_the_last_to_leave_collects_what_others_left_even_without_a_body_of_its_own():
    leavings = Leavings()
    leavings.came()
    leavings.came()
    leavings.came()
    leavings.went(body=True, now=10.0)
    leavings.went(body=True, now=10.01)

    assert leavings.went(body=False, now=10.02)


def test_no_body_outlives_an_idle_moment_whatever_the_order():
    rng = random.Random(7)
    for _ in range(300):
        leavings, serving, left, now = Leavings(), 0, 0, 0.0
        for _ in range(60):
            now += rng.random() * 0.1
            if serving and rng.random() < 0.5:
                serving -= 1
                body = rng.random() < 0.5
                left += body
                if leavings.went(body=body, now=now):
                    left = 0
                if serving == 0:
                    assert left == 0
            else:
                serving += 1
                leavings.came()
