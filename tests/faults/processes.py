"""Processes that die, stop, come twice, or are replaced while tips come in."""

import signal
import threading
import time
from collections import Counter

import psutil

from tests.faults.bench import Bench, Finding, Sent
from tests.faults.registry import fault
from tests.story.house import NAMES, until
from tests.story.street import Answer

LEASE = 10.0
ENDED = 3.0
"""Seconds within which the lease of a process that has ended is over, and another sends."""
STARTED = 2.0
"""Seconds an escalator takes to be there again."""
ALONE = 5.5
"""Seconds after which an escalator that found no worker looks for one again."""
MESSAGES = 3
"""A page is a call, an SMS and a mail, and each of them may come once more."""
HANGS = {"mode": "hang", "seconds": 20, "count": 1}


@fault(
    1,
    "Web process killed right after COMMIT",
    "SIGKILL at a fail point",
    "page; a retry gets the same receipt",
    late=2,
    quick=True,
)
def killed_after_commit(bench: Bench) -> Finding:
    text, nonce, before = bench.text(), bench.street.nonce(), bench.phones.last()
    with bench.house.armed_door("intake.after_commit") as port:
        sent = Sent(text, time.monotonic(), before)
        assert bench.street.send(text, nonce, port=port) == Answer()
        page = bench.first(sent)
    again, once_more = bench.street.send(text, nonce), bench.street.send(text, nonce)
    assert again.words == once_more.words
    assert len(again.words.split()) == 7
    assert bench.tips() == 1
    return Finding(bench.late(sent, page))


@fault(2, "Web process killed before COMMIT", "SIGKILL at a fail point", "no tip, no page; the retry works", late=2)
def killed_before_commit(bench: Bench) -> Finding:
    text, nonce = bench.text(), bench.street.nonce()
    with bench.house.armed_door("intake.before_commit") as port:
        assert bench.street.send(text, nonce, port=port) == Answer()
        time.sleep(1.5)  # three looks of an escalator
    assert bench.tips() == 0
    assert bench.new == []
    before = bench.phones.last()
    assert bench.street.send(text, nonce).status == 200
    sent = Sent(text, time.monotonic(), before)
    return Finding(bench.late(sent, bench.first(sent)))


@fault(
    3,
    "Page worker killed mid-send, with all its children",
    "kill -9 of the group while all carriers hang",
    "its lease ends at once: accepted within 3 s; at most one duplicate a message",
    late=ENDED,
    duplicates=MESSAGES,
)
def worker_killed_mid_send(bench: Bench) -> Finding:
    sent = _caught_mid_send(bench)
    bench.house.kill("page-worker")
    page = bench.first(sent)
    until(lambda: _states(bench) <= {"accepted", "delivered"}, 30)
    _at_most_twice(bench)
    return Finding(bench.late(sent, page))


@fault(
    4,
    "One pool child killed",
    "kill -9 of the triage worker's child",
    "its lease ends at once: accepted within 3 s",
    late=ENDED,
    quick=True,
)
def child_killed(bench: Bench) -> Finding:
    worker = psutil.Process(until(lambda: bench.house.pid("triage-worker"), 30))
    children = until(worker.children, 30)
    sent = bench.send()
    for child in children:
        child.kill()
    found = bench.late(sent, bench.first(sent))
    until(worker.children, 30)
    return Finding(found)


@fault(
    5,
    "Worker stopped past its lease, then goes on",
    "SIGSTOP mid-send, SIGCONT after the lease",
    "the second sender pages; the late one's result is refused; at most one duplicate a message",
    late=LEASE + 2,
    duplicates=MESSAGES,
)
def worker_sleeps(bench: Bench) -> Finding:
    sent = _caught_mid_send(bench, seconds=2)
    with bench.house.hung("page-worker"):
        page = bench.first(sent)
        until(lambda: _states(bench) <= {"accepted", "delivered"}, 30)
    time.sleep(3)  # the late one has come back and tried to write
    assert _states(bench) <= {"accepted", "delivered"}
    _at_most_twice(bench)
    return Finding(bench.late(sent, page))


@fault(
    6,
    "Escalator killed between claim and send",
    "SIGKILL at a fail point",
    "claimed again as soon as it is started again",
    late=ENDED + STARTED,
)
def escalator_killed_before_sending(bench: Bench) -> Finding:
    return _escalator_dies(bench, "page.claimed")


@fault(
    7,
    "Escalator killed after the provider's 2xx, before it is written down",
    "SIGKILL at a fail point",
    "at most one duplicate a message, with the same reference",
    late=ENDED + STARTED,
    duplicates=MESSAGES,
)
def escalator_killed_after_sending(bench: Bench) -> Finding:
    return _escalator_dies(bench, "page.sent")


@fault(
    8,
    "All escalators dead",
    "killed as often as they are started, 60 s",
    "the watcher says so by its own way in 30 s; afterwards the page",
    late=LEASE + 2,
    duplicates=0,
)
def no_escalators(bench: Bench) -> Finding:
    with bench.house.held_down("escalator-triage", "escalator-page"):
        dead, before = time.monotonic(), bench.phones.last()
        sent = bench.send()
        alarm = bench.phones.wait_for(lambda message: "watch" in message["subject"], after=before, patience=45)
        noticed = alarm["arrived_ns"] / 1e9 - dead
        assert noticed <= 30, f"noticed after {noticed:.0f} s"
        time.sleep(max(0.0, bench.seconds(0, 60) - (time.monotonic() - dead)))
    # Whoever starts them again pauses up to ten seconds between tries.
    back = time.monotonic()
    until(lambda: bench.house.pid("escalator-triage"), 30, pause=0.01)
    back = max(back, time.monotonic())
    page = bench.first(sent)
    return Finding(max(0.0, page["arrived_ns"] / 1e9 - back), f"noticed after {noticed:.0f} s")


@fault(31, "Two escalators of each kind", "a second one started beside each", "no change", late=2, quick=True)
def two_escalators(bench: Bench) -> Finding:
    with bench.house.beside("escalator-triage"), bench.house.beside("escalator-page"):
        time.sleep(3)  # they are up, and have looked
        findings = [bench.paged() for _ in range(3)]
    return Finding(max(each.late or 0 for each in findings), "there is no beat: the loops look by themselves")


@fault(
    32,
    "Deploy: rolling restart",
    "SIGTERM to one process after the other while tips come in",
    "none lost, at most one duplicate a restart",
    late=LEASE + 2,
    duplicates=len(NAMES) - 2,
    quick=True,
)
def rolling_restart(bench: Bench) -> Finding:
    late, stop, sent = [], threading.Event(), []

    def keep_sending() -> None:
        while not stop.is_set():
            sent.append(bench.send())
            stop.wait(bench.seconds(1.0, 0.5))

    sender = threading.Thread(target=keep_sending, daemon=True)
    sender.start()
    try:
        for name in [name for name in NAMES if name not in ("postgres", "redis", "outbox")]:
            old = bench.house.kill(name, number=signal.SIGTERM)
            until(lambda name=name, old=old: bench.house.pid(name) not in (None, old), 60, pause=0.1)
    finally:
        stop.set()
        sender.join(60)
    bench.house.wait_until_whole()
    until(lambda: len(_numbers(bench)) >= len(sent), 60, pause=0.2)
    assert bench.tips() == len(sent)
    # Pages name no tip: the pages in the order they came belong to the tips in the order they were sent.
    for one, arrived in zip(sorted(each.received for each in sent), _arrivals(bench), strict=False):
        late.append(max(0.0, arrived - one))
    return Finding(max(late), f"{len(sent)} tips")


def _caught_mid_send(bench: Bench, seconds: float = 20) -> Sent:
    """Have a worker send a tip's first mail, SMS and call, to carriers that do not answer."""
    _workers_are_back(bench)
    hangs = HANGS | {"seconds": seconds}
    bench.carriers(smtp=hangs, gateway=hangs, twilio=hangs, voice=hangs)
    sent = bench.send()
    bench.phones.wait_for(lambda message: not message["accepted"], after=sent.before, patience=20)
    return sent


def _at_most_twice(bench: Bench) -> None:
    again = Counter(message["duplicate_of"] for message in bench.new if message["duplicate_of"])
    assert all(times == 1 for times in again.values()), f"a message came {1 + max(again.values())} times"


def _workers_are_back(bench: Bench) -> None:
    """Wait until both workers ask Redis for work, and until the escalators know."""
    until(lambda: bench.redis().info("clients")["blocked_clients"] >= 2, 30, pause=0.2)
    time.sleep(ALONE)
    bench.paged()
    bench.clear()
    time.sleep(1)  # what comes quickly is done by an escalator itself


def _states(bench: Bench) -> set[str]:
    """How the pages of the newest escalation stand."""
    return {
        state
        for (state,) in bench.ask(
            "SELECT note.state FROM triage_notification note WHERE note.escalation_id ="
            " (SELECT id FROM triage_escalation ORDER BY opened_at DESC LIMIT 1) AND note.channel <> 'voice'"
        )
    }


def _escalator_dies(bench: Bench, failpoint: str) -> Finding:
    with bench.stopped("page-worker", "escalator-page"), bench.house.beside("escalator-page", failpoint) as armed:
        time.sleep(2)  # it is up, and looks
        sent = bench.send()
        until(lambda: armed.poll() is not None, 30)
    page = bench.first(sent)
    until(lambda: _states(bench) <= {"accepted", "delivered"}, 30)  # the other's lease has run out
    _at_most_twice(bench)
    return Finding(bench.late(sent, page))


def _numbers(bench: Bench) -> set[str]:
    pages = [message["body"] for message in bench.new if message["kind"] == "sms" and " NOW. " in message["body"]]
    return {body.split()[1] for body in pages}


def _arrivals(bench: Bench) -> list[float]:
    first: dict[str, float] = {}
    for message in bench.new:
        if message["kind"] == "sms" and " NOW. " in message["body"]:
            first.setdefault(message["body"].split()[1], message["arrived_ns"] / 1e9)
    return sorted(first.values())
