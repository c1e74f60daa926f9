"""What a person tells us, and the shape in which it is sealed."""

import json
import re
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from tipline.kernel import times

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Message:
    """A tip as it was typed. Every answer but `text` may be empty."""

    text: str
    danger: str = ""  # yes, no, unsure
    about_me: bool = False
    insider: bool = False  # about somebody in the police, the school or the program: goes to other people
    who_knows: str = ""
    guessable: str = ""
    worse_if_police: str = ""
    people: str = ""
    vehicle: str = ""
    place: str = ""
    time: str = ""
    school: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the sender says they are, if they say it: sealed under a key of its own."""

    name: str = ""
    reach: str = ""

    def __bool__(self) -> bool:
        return bool(self.name or self.reach)


@dataclass(frozen=True, slots=True)
class Content:
    """What is sealed of a tip: the message and the facets that would point to its sender."""

    message: Message
    channel: str
    quarter: datetime
    has_identity: bool = False
    version: int = field(default=1)

    def to_bytes(self) -> bytes:
        """Return the JSON that is sealed."""
        return dump(
            {
                "v": self.version,
                "message": asdict(self.message),
                "channel": self.channel,
                "quarter": self.quarter.isoformat(),
                "identity": self.has_identity,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> "Content":
        found: dict[str, Any] = json.loads(data)
        return cls(
            message=Message(**found["message"]),
            channel=found["channel"],
            quarter=datetime.fromisoformat(found["quarter"]),
            has_identity=found["identity"],
            version=found["v"],
        )

    @classmethod
    def now(cls, message: Message, *, channel: str, has_identity: bool, now: datetime) -> "Content":
        """Return the content with the quarter hour, never the minute."""
        return cls(message, channel, times.quarter_hour(now), has_identity)


def dump(value: object) -> bytes:
    """Return compact JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def storable(text: str) -> str:
    """Replace what no database or file can hold (NUL, lone surrogates) by U+FFFD; keep everything else as typed."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
