"""One thing the doctor found."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Level(StrEnum):
    """How much it matters."""

    WELL = "well"
    LOOK = "look"
    GRAVE = "grave"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence, how much it matters, and what to do."""

    level: Level
    text: str
    do: str = ""

    @classmethod
    def well(cls, text: str) -> Self:
        return cls(Level.WELL, text)

    @classmethod
    def look(cls, text: str, do: str) -> Self:
        return cls(Level.LOOK, text, do)

    @classmethod
    def grave(cls, text: str, do: str) -> Self:
        return cls(Level.GRAVE, text, do)
