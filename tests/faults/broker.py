"""Redis: emptied, killed, hung, full, or come back with yesterday's memory."""

import shutil
import threading
import time

import redis

from tests.faults.bench import Bench, Finding
from tests.faults.registry import fault
from tests.story.house import until


@fault(9, "Redis forgets everything", "FLUSHALL every 5 s (every second in a short run)", "nothing lost", late=2)
def forgets(bench: Bench) -> Finding:
    stop, every = threading.Event(), bench.seconds(1, 5)

    def flush() -> None:
        while not stop.wait(every):
            bench.redis().flushall()

    flusher = threading.Thread(target=flush, daemon=True)
    flusher.start()
    try:
        end, found = time.monotonic() + bench.seconds(10, 60), []
        while time.monotonic() < end:
            found.append(bench.paged().late or 0)
    finally:
        stop.set()
        flusher.join()
    return Finding(max(found), f"{len(found)} tips")


@fault(
    10,
    "Redis killed and down",
    "kill -9 as often as it is started",
    "the form answers as before; page; all resume",
    late=2,
)
def down(bench: Bench) -> Finding:
    worker = bench.house.pid("page-worker")
    with bench.house.held_down("redis"):
        begun = time.monotonic()
        found = bench.paged()
        time.sleep(bench.seconds(5, 600))
        later = bench.paged()
    took = time.monotonic() - begun
    bench.house.wait_until_whole()
    until(lambda: bench.redis().info("clients")["blocked_clients"] >= 2, 60, pause=0.2)
    assert bench.house.pid("page-worker") == worker, "the worker did not outlive its broker"
    return Finding(max(found.late or 0, later.late or 0), f"down {took:.0f} s")


@fault(11, "Redis hangs", "SIGSTOP", "no request waits for it; page", late=2, quick=True)
def hangs(bench: Bench) -> Finding:
    with bench.house.hung("redis"):
        begun = time.monotonic()
        answer, sent = bench.send_once()
        assert answer.status == 200
        answered = sent.received - begun
        page = bench.first(sent)
    return Finding(bench.late(sent, page), f"answered in {answered * 1000:.0f} ms")


@fault(
    12, "Redis full", "CONFIG SET maxmemory 1; then an evicting policy", "page; a worker refuses to start on it", late=2
)
def full(bench: Bench) -> Finding:
    hand = bench.redis()
    before = hand.config_get("maxmemory")["maxmemory"]
    hand.config_set("maxmemory", 1)
    try:
        found = bench.paged()
        hand.config_set("maxmemory", before)
        hand.config_set("maxmemory-policy", "allkeys-lru")
        bench.house.kill("page-worker")
        until(lambda: "would drop pages" in bench.house.said, 40, pause=0.2)
        without = bench.paged()
    finally:
        hand.config_set("maxmemory", before)
        hand.config_set("maxmemory-policy", "noeviction")
    return Finding(max(found.late or 0, without.late or 0))


@fault(
    13,
    "Redis comes back with an old memory",
    "its append-only file of before put back",
    "old wake-ups do nothing",
    late=2,
)
def remembers(bench: Bench) -> Finding:
    log = bench.house.places.redis / "appendonly.aof"
    kept = bench.house.places.state / "old.aof"
    with bench.stopped("page-worker", "triage-worker"):
        # Handed over and not picked up: the escalator sends it, and its message stays in the queue.
        first = bench.paged()
        until(lambda: b"triage.tasks" in log.read_bytes(), 10)
        shutil.copyfile(log, kept)
    time.sleep(2)
    with bench.house.held_down("redis"):
        shutil.copyfile(kept, log)
    until(lambda: _answers(bench), 30)
    time.sleep(3)  # the old messages are read
    kept.unlink()
    return Finding(max(first.late or 0, bench.paged().late or 0))


def _answers(bench: Bench) -> bool:
    try:
        return bool(bench.redis().ping())
    except redis.RedisError:
        return False
