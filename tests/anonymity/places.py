"""Where a trace could lie: each place by name, with its bytes."""

import os
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import redis

from tests.anonymity import memory
from tests.anonymity.marks import Hit, Search
from tests.story.house import NAMES, House
from tests.story.phones import Phones
from tests.story.searching import heap
from tipline.runner.ports import healthy
from tipline.runner.processes import PROCESSES
from tipline.runner.secrets import read

METRICS = ("/metrics", "/metrics/", "/healthz", "/health/escalator")
SMALL = 4 << 20  # bytes; packed things are looked for in what is smaller
_PACKED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")


def dump(house: House) -> Iterator[tuple[str, bytes]]:
    """All rows of all tables, as pg_dump writes them."""
    yield "the dump", heap(house.dump())


def files(house: House) -> Iterator[tuple[str, bytes]]:
    """Every file of the installation: the database's own, its write-ahead log, Redis's, stamps, locks; and names."""
    with house.connect() as connection:
        connection.execute("CHECKPOINT")
    for root in (house.places.state, house.places.run, house.places.sockets):
        for path in root.rglob("*"):
            yield f"the name of {path}", os.fsencode(path.name)
            with suppress(FileNotFoundError):
                if path.is_file():
                    yield str(path), path.read_bytes()


def logs(house: House) -> Iterator[tuple[str, bytes]]:
    """What scripts/up and every process below it, PostgreSQL and Redis included, have printed."""
    yield "the log", heap(house.log.read_bytes())


def broker(house: House) -> Iterator[tuple[str, bytes]]:
    """What Redis holds now, and what it wrote."""
    hand = redis.Redis(unix_socket_path=str(house.places.redis_socket), socket_timeout=5)
    try:
        for key in hand.scan_iter():
            yield f"the key of Redis {key[:40]!r}", key + b"\0" + (hand.dump(key) or b"")
        for name in ("slowlog get 128", "info all", "config get *"):
            yield f"Redis: {name}", repr(hand.execute_command(*name.split())).encode()
        hand.save()
    finally:
        hand.close()
    for path in house.places.redis.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()


def messages(house: House) -> Iterator[tuple[str, bytes]]:
    """Everything that left: SMS, mail, calls."""
    for message in Phones(house).messages():
        yield f"message {message['id']}", repr(message).encode()


def metrics(house: House) -> Iterator[tuple[str, bytes]]:
    """What each door tells a monitor that shows the token."""
    import urllib.error
    import urllib.request

    shown = {"Authorization": f"Bearer {read(house.places.secrets, 'metrics_token')}"}
    for process in PROCESSES:
        if process.door is None or not healthy(house.port, process):
            continue
        for path in METRICS:
            request = urllib.request.Request(house.url(process.name, path), headers=shown)
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    yield f"{process.name}{path}", answer.read() + repr(answer.headers.items()).encode()
            except urllib.error.HTTPError as refused:
                with refused:
                    yield f"{process.name}{path}", refused.read()


def environments(house: House) -> Iterator[tuple[str, bytes]]:
    """Command lines, environments and titles of all processes, as `ps` shows them."""
    for name in NAMES:
        for process in memory.family(house.pid(name) or 0):
            for file in ("cmdline", "environ", "comm"):
                with suppress(OSError):
                    yield f"{file} of {name}", Path(f"/proc/{process.pid}/{file}").read_bytes()


def memories(house: House, *names: str) -> Iterator[tuple[str, bytes]]:
    """The memory of these processes and of everything below them; of all of them, if none is named."""
    for name in names or NAMES:
        for number, process in enumerate(memory.family(house.pid(name) or 0)):
            # What a family shares is looked at once.
            for piece in memory.pieces(process.pid, shared=number == 0):
                yield f"the memory of {name}{f', child {number}' if number else ''}", piece


def search(places: Iterator[tuple[str, bytes]], search: Search) -> list[Hit]:
    """Every mark in these places, also in what is packed there."""
    found = []
    for where, content in places:
        found += search.find(content, where)
        if len(content) < SMALL:
            found += [hit for part in _unpacked(content) for hit in search.find(part, f"{where}, packed")]
    return found


def _unpacked(content: bytes) -> Iterator[bytes]:
    for begin in _PACKED.finditer(content):
        with suppress(zlib.error):
            if part := zlib.decompressobj(47).decompress(content[begin.start() :], 1 << 20):
                yield part
