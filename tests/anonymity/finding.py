"""Looking for some hundred needles in gigabytes of memory within seconds."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

HEAD = 4  # bytes of a needle that are looked up in tables before it is compared


class Finder:
    """Finds needles of at least four bytes, each with a name."""

    def __init__(self, needles: Mapping[str, bytes]) -> None:
        self._by_head: dict[bytes, list[tuple[str, bytes]]] = defaultdict(list)
        self._first, self._second = np.zeros(65536, bool), np.zeros(65536, bool)
        for name, needle in needles.items():
            assert len(needle) >= HEAD, needle
            self._by_head[needle[:HEAD]].append((name, needle))
            self._first[int.from_bytes(needle[:2], "little")] = True
            self._second[int.from_bytes(needle[2:4], "little")] = True

    def find(self, content: bytes) -> Iterator[tuple[str, int, int]]:
        """Yield the name of each needle, where it begins, and its length."""
        if len(content) < HEAD:
            return
        one = np.frombuffer(content, np.uint8)
        pairs = one[:-1].astype(np.uint16)
        pairs |= one[1:].astype(np.uint16) << 8
        for place in np.flatnonzero(self._first[pairs[:-2]] & self._second[pairs[2:]]):
            at = int(place)
            for name, needle in self._by_head.get(content[at : at + HEAD], ()):
                if content.startswith(needle, at):
                    yield name, at, len(needle)
