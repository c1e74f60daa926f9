"""What the runner prints: its own words, and each child's lines behind the child's name.

No times are added: a line that a door prints while a tip arrives must not say when that was.
"""

import os
import sys
from typing import TextIO

COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)
BOLD, RED, DIM = 1, 31, 2
WIDTH = 16


class Output:
    """Writes to `stream`, in colour if it is a terminal and NO_COLOR is not set."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._coloured = self._stream.isatty() and "NO_COLOR" not in os.environ
        self._names: list[str] = []

    def say(self, text: str = "", *, style: int | None = None) -> None:
        """A line of the runner itself."""
        self._write(self._paint(text, style) + "\n")

    def progress(self, text: str) -> None:
        """What is being done now."""
        self.say(f"  {text}", style=DIM)

    def line(self, name: str, text: str) -> None:
        """A line that a child wrote."""
        if name not in self._names:
            self._names.append(name)
        colour = COLOURS[self._names.index(name) % len(COLOURS)]
        self._write(f"{self._paint(f'{name:>{WIDTH}} |', colour)} {text}\n")

    def _paint(self, text: str, style: int | None) -> str:
        return f"\033[{style}m{text}\033[0m" if self._coloured and style is not None else text

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (BrokenPipeError, OSError):
            # Whoever read us has gone (`scripts/up | head`, a closed terminal); the doors stay open.
            self._stream = open(os.devnull, "w")  # noqa: SIM115 (for the rest of our life)
