"""Remember what was looked up of the words of texts, until it is too much."""

from collections.abc import Callable
from typing import TypeVar

MOST = 16_384

Key = TypeVar("Key")
Found = TypeVar("Found")


class Remembered(dict[Key, Found]):
    """What was found of each word. When it is full, all is forgotten: cheaper than to note which word was used last."""

    def __init__(self, look_up: Callable[[Key], Found]) -> None:
        super().__init__()
        self._look_up = look_up

    def __missing__(self, key: Key) -> Found:
        if len(self) >= MOST:
            self.clear()
        found = self[key] = self._look_up(key)
        return found
