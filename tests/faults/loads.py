"""More than usual: bursts, one prank a thousand times, and everything at once."""

import time
from concurrent.futures import ThreadPoolExecutor

from tests.faults.bench import Bench, Finding
from tests.faults.registry import fault, not_run
from tests.story.house import until

HANDS = 6
ROUTINE = "Somebody took the bicycle number {} from the rack behind the pool"
PRANK = "there is a bomb in the gym at Northgate school"


@fault(
    34,
    "A burst of tips, one in twenty urgent",
    "as fast as the form takes them",
    "first page within 5 s; all rows open",
    late=5,
)
def burst(bench: Bench) -> Finding:
    count, late = int(bench.seconds(100, 2000)), []
    with ThreadPoolExecutor(HANDS) as hands:
        waiting = [hands.submit(bench.street.send_until_received, ROUTINE.format(number)) for number in range(count)]
        for _ in range(max(3, count // 20 if bench.full else 3)):
            sent = bench.send()
            late.append(bench.late(sent, bench.first(sent)))
        for each in waiting:
            assert each.result().status == 200
    until(lambda: bench.ask("SELECT count(*) FROM intake_due") == [(0,)], 120, pause=0.3)
    assert bench.tips() == count + len(late)
    return Finding(max(late), f"{count} routine tips, {len(late)} urgent")


@fault(
    35,
    "One prank text, many times",
    "60 times (full: 1,000)",
    "another urgent tip is not delayed",
    late=2,
)
def storm(bench: Bench) -> Finding:
    count = int(bench.seconds(60, 1000))
    with ThreadPoolExecutor(HANDS) as hands:
        waiting = [hands.submit(bench.street.send_until_received, PRANK) for _ in range(count)]
        while sum(each.done() for each in waiting) < count // 2:
            time.sleep(0.05)
        sent = bench.send()
        for each in waiting:
            assert each.result().status == 200
    until(lambda: bench.ask("SELECT count(*) FROM intake_due") == [(0,)], 120, pause=0.3)
    pages = [message for message in bench.new if message["kind"] == "sms"]
    number = bench.page_number(sent)
    first = until(lambda: [message for message in bench.new if f"TL {number} NOW" in message["body"]], 30)[0]
    return Finding(bench.late(sent, first), f"{count} pranks, {len(pages)} SMS in all")


not_run(
    36,
    "Chaos: all of 3 to 14 by chance, 30 min",
    "a seeded script",
    "nothing lost",
    "a run of its own: python -m benchmarks.chaos",
)
