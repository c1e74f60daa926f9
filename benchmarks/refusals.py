#!/usr/bin/env python3
"""Whether how long a refusal takes tells why: six reasons to find nothing, asked in turns at the real public door.

Locked, erased, wrong, unknown and malformed words, and those of another program. Each is asked --n times over one
keep-alive connection, in an order shuffled anew for every round; with --api at the API instead of the page.
Prints the median and the mean of each with 95 % confidence intervals; exits with 1 if two medians lie
further apart than the target, or if status or size of any answer differs. On a busy machine the
intervals are wider than the target: they say so.
"""

import argparse
import math
import random
import statistics
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # not this directory, whose names are those of rooms

from benchmarks import measuring, visitor  # noqa: E402
from benchmarks.scratch import NotReady, Scratch, scratch  # noqa: E402
from tipline.kernel.receipts import LIST_SIZE, Phrase  # noqa: E402
from tipline.runner.ports import PortTaken  # noqa: E402
from tipline.runner.processes import named  # noqa: E402

TARGET_MS = 0.2
OF_EACH = 100  # phrases of each kind, used in turn
WARM_UP = 300
OTHER = "another"
Phrases = dict[str, list[str]]


def main() -> int:
    """Returns 0, or 1 if the refusals can be told apart or it could not start."""
    wish = _options()
    print("How long the public door takes to refuse words, by what is wrong with them", flush=True)
    for line in measuring.machine():
        print(line)
    try:
        with scratch(wish.port) as installation:
            installation.owner("benchmarks.epoch")
            installation.owner("django", "program", "--new", OTHER, "name=Another program")
            installation.start(named("public"))
            installation.wait_for_doors(["public"])
            return _measure(installation, wish.n, api=wish.api)
    except (NotReady, PortTaken) as problem:
        print(problem, file=sys.stderr)
        return 1


def _measure(installation: Scratch, n: int, *, api: bool) -> int:
    connection = visitor.Connection(installation.port)
    phrases = _prepare(installation, connection)
    found: set[tuple[int, int]] = set()
    took: dict[str, list[float]] = {name: [] for name in phrases}
    rng = random.Random(20261123)
    for number in range(WARM_UP + n):
        for name in rng.sample(sorted(phrases), len(phrases)):
            words = phrases[name][number % len(phrases[name])]
            ask = _call(installation.port, words) if api else _answers(installation.port, phrase=words)
            started = time.perf_counter()
            status, body = connection.ask(ask)
            passed = (time.perf_counter() - started) * 1000
            found.add((status, len(body)))
            if number >= WARM_UP:
                took[name].append(passed)
    _print(took, n)
    medians = {name: statistics.median(times) for name, times in took.items()}
    apart = max(medians.values()) - min(medians.values())
    print(f"status and bytes of the body: {', '.join(f'{status} {size}' for status, size in sorted(found))}")
    print(f"medians furthest apart: {apart:.3f} ms ({measuring.verdict(apart, TARGET_MS)})")
    return 0 if apart <= TARGET_MS and len(found) == 1 else 1


def _prepare(installation: Scratch, connection: visitor.Connection) -> Phrases:
    """Send tips; lock some, erase some, keep some to be nearly right about, and send some to another program."""
    kinds: Phrases = {"locked": [], "erased": [], "wrong": []}
    rng = random.Random(7)
    for number in range(3 * OF_EACH):
        words = _send(connection, visitor.tip(rng))
        kinds[list(kinds)[number % 3]].append(words)
    for words in kinds["locked"]:
        page = connection.ask(_answers(installation.port, phrase=words))[1].decode()
        visit = page.split('name="visit" value="', 1)[1].split('"', 1)[0]
        status, _ = connection.ask(_answers(installation.port, "lock/", visit=visit, confirm="yes"))
        if status != 200:
            raise NotReady(f"locking a code: {status}")
    pepper = (installation.installation.places.secrets / "receipt_pepper").read_text().strip().encode()
    erased = [_read(words).lookup(pepper=pepper) for words in kinds["erased"]]
    # As erasing leaves them: the row, its status, and nothing else.
    tips = "SELECT tip_id FROM intake_receipt WHERE lookup = ANY(%s)"
    for sql in (
        f"DELETE FROM intake_wrap WHERE tip_id IN ({tips}) RETURNING id",
        f"UPDATE intake_tip SET status = 'erased', sealed = '', sealed_identity = '' WHERE id IN ({tips}) RETURNING id",
    ):
        installation.query(sql, [erased])
    kinds["wrong"] = [" ".join(_nearly(_read(words)).words) for words in kinds["wrong"]]
    theirs = f"/p/{OTHER}/"
    kinds["of another program"] = [_send(connection, visitor.tip(rng), base=theirs) for _ in range(OF_EACH)]
    kinds["unknown"] = [" ".join(Phrase.random().words) for _ in range(OF_EACH)]
    kinds["malformed"] = [" ".join([*Phrase.random().words[:-1], "qqqqqqq"]) for _ in range(OF_EACH)]
    return kinds


def _send(connection: visitor.Connection, text: str, *, base: str = "/") -> str:
    def to(method: str, body: bytes = b"") -> bytes:
        sent = visitor.request(method, connection.port, body)
        return sent.replace(f"{method} / ".encode(), f"{method} {base} ".encode(), 1)

    nonce = visitor.NONCE.search(connection.ask(to("GET"))[1])
    if nonce is None:
        raise NotReady("the form has no nonce")
    body = visitor.form_fields(nonce[1].decode(), text)
    page = connection.ask(to("POST", body))[1]
    return b" ".join(visitor.WORD.findall(page)).decode()


def _read(words: str) -> Phrase:
    phrase = Phrase.parse(words)
    if phrase is None:
        raise NotReady("the receipt has no words")
    return phrase


def _nearly(phrase: Phrase) -> Phrase:
    return Phrase((*phrase.places[:-1], (phrase.places[-1] + 1) % LIST_SIZE))


def _answers(port: int, page: str = "", **fields: str) -> bytes:
    """A request for the page of answers, as a browser sends it."""
    sent = visitor.request("POST", port, urlencode(fields).encode())
    return sent.replace(b"POST / ", f"POST /answers/{page} ".encode(), 1)


def _call(port: int, words: str) -> bytes:
    """The same question as a program asks it."""
    return (
        f"GET /api/v1/conversation/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Accept: application/json\r\nTipline-Receipt: {words}\r\n\r\n"
    ).encode()


def _print(took: dict[str, list[float]], n: int) -> None:
    rows: list[tuple[str, ...]] = [("words", "median ms", "95 %", "mean ms", "95 %", "p99 ms")]
    for name, times in took.items():
        ordered, mean = sorted(times), statistics.fmean(times)
        # Of the median by ranks (binomial), of the mean by its standard error.
        reach = 1.96 * math.sqrt(n) / 2
        low, high = ordered[max(0, int(n / 2 - reach))], ordered[min(n - 1, math.ceil(n / 2 + reach))]
        error = 1.96 * statistics.stdev(times) / math.sqrt(n)
        rows.append(
            (
                name,
                f"{statistics.median(times):.3f}",
                f"{low:.3f} to {high:.3f}",
                f"{mean:.3f}",
                f"{mean - error:.3f} to {mean + error:.3f}",
                f"{measuring.percentile(times, 0.99):.2f}",
            )
        )
    print(f"{n} of each, in turns, one connection")
    print(measuring.table(rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=5000, help="how often each is asked (default 5000)")
    parser.add_argument("--api", action="store_true", help="ask the API, not the page")
    parser.add_argument("--port", type=int, default=18400, help="first port to use (default 18400)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
