"""The senders of urgent tips: so many a second, whatever the server does meanwhile.

python -m benchmarks.urgent PORT RATE SECONDS [BYTES] prints one line of JSON: for each tip the monotonic
nanoseconds when Send was pressed and when the receipt was there, and the receipt's numbers.
"""

import json
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.visitor import NONCE, NUMBER, Broken, Connection, form_fields, request

FILLER = " I saw it with my own eyes and I have told nobody else."
HANDS = 24  # senders at once
NAMES = ["Marco", "Devon", "Tyler", "Aisha", "Jordan", "Nadia", "Logan", "Priya", "Owen", "Zoe", "Caleb", "Ines"]
RELATIVES = ["uncle", "father", "cousin", "brother", "grandfather", "neighbour", "stepdad"]
SCHOOLS = ["Hillcrest", "Maplewood", "St. Joseph", "Riverside", "Lakeview", "Northgate", "Cedar Park"]
TIMES = ["tomorrow", "on Friday", "at lunch tomorrow", "tomorrow morning", "after the first bell tomorrow"]
TEXTS = [
    "{name} said he will bring his {relative}'s gun to school tomorrow. {school}, room {n}.",
    "{name} from {school} told us he is going to shoot people at school {time}. He showed {n} bullets.",
    "My friend {name} at {school} says she wants to kill herself tonight. She has {n} pills.",
    "{name} wrote that he will kill everybody at {school} {time}; he has his {relative}'s rifle, locker {n}.",
]


def tip(number: int, rng: random.Random, size: int = 0) -> str:
    """An urgent tip that no other of them equals, of at least `size` bytes."""
    text = TEXTS[number % len(TEXTS)].format(
        name=rng.choice(NAMES),
        relative=rng.choice(RELATIVES),
        school=rng.choice(SCHOOLS),
        time=rng.choice(TIMES),
        n=rng.randrange(100, 100_000),
    )
    return text + FILLER * -(-max(0, size - len(text)) // len(FILLER))


def main(port: int, rate: float, seconds: float, size: int = 0) -> None:
    """Send `rate` tips a second for `seconds`."""
    rng = random.Random()
    own = threading.local()
    sent: list[tuple[int, int, list[str]]] = []
    errors: list[str] = []

    def send(text: str) -> None:
        connection: Connection = own.__dict__.setdefault("connection", Connection(port))
        try:
            _, page = connection.ask(request("GET", port))
            nonce = NONCE.search(page)
            body = form_fields(nonce[1].decode() if nonce else "", text)
            pressed = time.monotonic_ns()
            status, page = connection.ask(request("POST", port, body))
            there = time.monotonic_ns()
            numbers = [number.decode() for number in NUMBER.findall(page)]
            if status != 200 or len(numbers) != 7:
                raise Broken(f"receipt: {status}")
            sent.append((pressed, there, numbers))
        except (Broken, OSError, EOFError) as problem:
            errors.append(str(problem) or type(problem).__name__)

    began = time.monotonic()
    with ThreadPoolExecutor(HANDS) as hands:
        for number in range(round(rate * seconds)):
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            hands.submit(send, tip(number, rng, size))
    print(json.dumps({"sent": sent, "errors": errors, "elapsed": time.monotonic() - began}))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), *map(int, sys.argv[4:]))
